//! Questions to a person, their answers, and the rules that an answer can leave behind.
//!
//! The answers are those of the Agent Client Protocol, and two more: for a session, and for commands that begin alike. A question carries
//! the hash of exactly what will run, so an answer given to one call cannot be spent on another.

use serde::{Deserialize, Serialize};

use crate::{command_line::Line, hash, tool::Effect};

/// Question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Name of the component that wants it.
    pub origin: String,
    /// Name of the tool, or of the capability that is used.
    pub action: String,
    /// Effect on the world.
    pub effect: Effect,
    /// The domain whose trust level asks.
    pub domain: String,
    /// Target, computed by the kernel: path, command, host.
    pub target: String,
    /// The whole arguments as JSON text.
    pub details: String,
    /// Content to show, such as a unified diff, where the kernel knows it; empty where the arguments say it.
    #[serde(default)]
    pub shown: String,
    /// Why it is asked though the domain is trusted that far; empty where it is not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// SHA-256 of action and details.
    pub hash: String,
    /// The rule that an *always* answer would write.
    pub rule: Rule,
    /// The rule that [`Answer::AllowAlike`] would write, if the target is a command that has a beginning to go by.
    #[serde(default)]
    pub alike: Option<Rule>,
}

impl ApprovalRequest {
    /// Returns the hash that binds an answer to one exact call.
    pub fn hash_of(action: &str, details: &str) -> String {
        hash::of_json(&(action, details))
    }

    /// Returns whether it is about what a command has changed apart from the workspace. An answer is for that difference.
    pub fn is_about_changes(&self) -> bool {
        self.effect == Effect::Execute && !self.shown.is_empty()
    }
}

/// A question that nobody was there to answer, for the journal: any surface can show it and answer it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Key of the operation that asked.
    pub key: String,
    /// The question.
    pub request: ApprovalRequest,
}

/// Answer of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes, this once.
    AllowOnce,
    /// Yes, and to the same again: the rule is written.
    AllowAlways,
    /// Yes, and to the same again in this session: the rule is written, tied to the session.
    AllowSession,
    /// Yes, and to every command that begins alike: that rule is written.
    AllowAlike,
    /// No, this once.
    RejectOnce,
    /// No, and to the same again: the rule is written.
    RejectAlways,
}

impl Answer {
    /// Returns whether the answer is a yes.
    pub fn allows(self) -> bool {
        !matches!(self, Self::RejectOnce | Self::RejectAlways)
    }
}

/// Rule that an *always* answer left behind. It matches one action, on one target or on commands that begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// True if the rule allows, false if it rejects.
    pub allow: bool,
    /// Name of the component that it is about.
    pub origin: String,
    /// Name of the tool or capability.
    pub action: String,
    /// Target, compared as a whole, or the first words of a command.
    pub target: String,
    /// True if the target is the first words of a command.
    #[serde(default)]
    pub prefix: bool,
    /// Workspace in which the rule holds. Rules of earlier versions have none and hold everywhere.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Session in which the rule holds; every one if absent.
    #[serde(default)]
    pub session: Option<String>,
}

/// What rules are asked about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Name of the component that wants it.
    pub origin: &'a str,
    /// Name of the tool or capability.
    pub action: &'a str,
    /// Target of the action.
    pub target: &'a str,
    /// True if the target is a command line.
    pub is_command: bool,
    /// Workspace of the run.
    pub workspace: &'a str,
    /// Session of the run.
    pub session: &'a str,
}

/// Returns what the rules say: true to allow, false to reject, nothing if none is about it. Rejecting comes first, and
/// looks at every command of a line; allowing by a prefix needs a plain line whose every command is allowed.
pub fn verdict(rules: &[Rule], subject: &Subject<'_>) -> Option<bool> {
    let about: Vec<&Rule> = rules.iter().filter(|rule| rule.is_about(subject)).collect();
    let line = if subject.is_command { Line::parse(subject.target) } else { Line::default() };
    let [allowing, rejecting] = [true, false].map(|allow| {
        about.iter().copied().filter(move |rule| rule.allow == allow).collect::<Vec<_>>()
    });
    if rejecting.iter().any(|rule| rule.target == subject.target || rule.touches(&line)) {
        return Some(false);
    }
    let exact = allowing.iter().any(|rule| !rule.prefix && rule.target == subject.target);
    let each = |command: &_| {
        let alone = Line { commands: vec![Clone::clone(command)], plain: true };
        allowing.iter().any(|rule| rule.touches(&alone))
    };
    let all = line.plain && !line.commands.is_empty() && line.commands.iter().all(each);
    (exact || all).then_some(true)
}

impl Rule {
    fn is_about(&self, subject: &Subject<'_>) -> bool {
        let here = self.workspace.as_deref().is_none_or(|workspace| workspace == subject.workspace);
        let now = self.session.as_deref().is_none_or(|session| session == subject.session);
        here && now && self.origin == subject.origin && self.action == subject.action
    }

    /// Returns whether a command of the line is one that the rule is about.
    fn touches(&self, line: &Line) -> bool {
        let own = Line::parse(&self.target);
        if !self.prefix {
            return line.contains(&own);
        }
        let begins = |words: &[String]| line.commands.iter().any(|one| one.begins_with(words));
        own.commands.first().is_some_and(|command| begins(&command.words))
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.allow { "allow" } else { "reject" };
        let more = if self.prefix { " and what follows" } else { "" };
        write!(f, "{verb} {} {} on {:?}{more}", self.origin, self.action, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let (allow, target) = (text.starts_with('+'), text.get(1..).unwrap_or_default());
        let (target, prefix) = match target.strip_suffix(" …") {
            Some(beginning) => (beginning, true),
            None => (target, false),
        };
        let shell = || "shell".to_owned();
        let workspace = Some("/pond".to_owned());
        Rule {
            allow,
            origin: shell(),
            action: shell(),
            target: target.to_owned(),
            prefix,
            workspace,
            session: None,
        }
    }

    fn subject<'a>(target: &'a str, workspace: &'a str) -> Subject<'a> {
        Subject {
            origin: "shell",
            action: "shell",
            target,
            is_command: true,
            workspace,
            session: "s1",
        }
    }

    #[test]
    fn rules_about_commands() {
        let table: [(&[&str], &str, Option<bool>); 22] = [
            (&[], "ls", None),
            (&["+ls"], "ls", Some(true)),
            (&["+ls"], "ls -l", None),
            (&["+ls"], "ls; rm x", None),
            (&["+ls", "+rm x"], "ls; rm x", Some(true)),
            (&["+ls > x"], "ls > x", Some(true)),
            (&["+ls > x"], "ls", None),
            (&["+git push …"], "git push", Some(true)),
            (&["+git push …"], "git  push origin", Some(true)),
            (&["+git push …"], "git pushed", None),
            (&["+git push …"], "git push && rm x", None),
            (&["+git push …"], "git push $(rm x)", None),
            (&["+git push …"], "git push > ~/.profile", None),
            (&["+git push …"], "GIT_SSH_COMMAND=x git push", None),
            (&["-rm x"], "rm x", Some(false)),
            (&["-rm x"], "cd y && rm   x", Some(false)),
            (&["-rm x"], "true || 'rm' 'x'", Some(false)),
            (&["-rm x"], "echo $(rm x)", Some(false)),
            (&["-rm x"], "rm xy", None),
            (&["-git push …"], "a; git push -f", Some(false)),
            (&["+git push …", "-git push -f"], "git push -f", Some(false)),
            (&["+a; b", "-b"], "a; b", Some(false)),
        ];
        for (rules, target, expected) in table {
            let rules: Vec<Rule> = rules.iter().map(|text| rule(text)).collect();
            assert_eq!(verdict(&rules, &subject(target, "/pond")), expected, "{rules:?} {target}");
        }
    }

    #[test]
    fn a_rule_holds_in_its_workspace_and_one_of_an_earlier_version_everywhere() {
        let here = rule("+ls");
        let everywhere = Rule { workspace: None, ..here.clone() };

        assert_eq!(verdict(&[here], &subject("ls", "/lake")), None);
        assert_eq!(verdict(&[everywhere], &subject("ls", "/lake")), Some(true));
    }

    #[test]
    fn a_rule_of_a_session_holds_in_that_session() {
        let this = Rule { session: Some("s1".to_owned()), ..rule("+ls") };
        let other = Rule { session: Some("s2".to_owned()), ..rule("+ls") };

        assert_eq!(verdict(&[this], &subject("ls", "/pond")), Some(true));
        assert_eq!(verdict(&[other], &subject("ls", "/pond")), None);
    }

    #[test]
    fn a_target_that_is_no_command_is_compared_as_a_whole() {
        let paths = [rule("-a; b"), rule("+c")];
        let path = |target| Subject { is_command: false, ..subject(target, "/pond") };

        assert_eq!(verdict(&paths, &path("a; b")), Some(false));
        assert_eq!(verdict(&paths, &path("a; b; c")), None);
        assert_eq!(verdict(&paths, &path("c")), Some(true));
        assert_eq!(verdict(&paths, &path("c; c")), None);
    }
}
