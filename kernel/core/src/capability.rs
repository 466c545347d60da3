//! The powers of a component: what its manifest asks for, cut down to what the user grants. Empty is nothing.
//!
//! The decision is pure; carrying it out is the broker's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    failure::Failure,
    pattern::{CommandRule, HttpRule, HttpTarget},
    tool::Effect,
};

/// Reach of a component into the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Files may be read.
    Read,
    /// Files may be read and changed.
    Write,
}

/// The powers of one component for one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Grant {
    /// Access to the workspace; absent: none.
    pub files: Option<Access>,
    /// Rules for the requests that may be sent.
    pub http: Vec<HttpRule>,
    /// Rules for the programs that may be run.
    pub commands: Vec<CommandRule>,
    /// True if programs may reach the network.
    pub network: bool,
    /// Roles of the models that may be asked, each with the most tokens of one turn, if there is such a limit.
    pub roles: BTreeMap<String, Option<u32>>,
    /// Interfaces that are granted as a whole, such as `state` and `memory`.
    pub whole: BTreeSet<String>,
    /// What was asked for, if that was cut down, so that a refusal can say that nobody has granted it. It is not kept.
    #[serde(skip)]
    pub asked: Option<Box<Grant>>,
}

/// One use of a capability, with everything that the decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use<'a> {
    /// A file is read or changed.
    Files(Access),
    /// A request is sent.
    Http(HttpTarget<'a>),
    /// A program is run.
    Process {
        /// Name of the program.
        program: &'a str,
        /// The whole command as one would type it.
        line: &'a str,
    },
    /// A model is asked.
    Model(&'a str),
    /// An interface is used that is granted as a whole.
    Whole {
        /// Name of the interface.
        interface: &'a str,
        /// What is acted on, as a person is shown it.
        target: &'a str,
    },
}

impl Use<'_> {
    /// Returns the interface that offers the use.
    pub fn interface(&self) -> &str {
        match self {
            Self::Files(_) => "files",
            Self::Http(_) => "http",
            Self::Process { .. } => "process",
            Self::Model(_) => "model",
            Self::Whole { interface, .. } => interface,
        }
    }

    /// Returns what is acted on, as a person is shown it.
    pub fn target(&self) -> String {
        match self {
            Self::Files(Access::Read) => "the workspace (read)".to_owned(),
            Self::Files(Access::Write) => "the workspace (write)".to_owned(),
            Self::Http(target) => format!("{} {}", target.method, authority(target)),
            Self::Process { line, .. } => (*line).to_owned(),
            Self::Model(role) => format!("the {role} model"),
            Self::Whole { target, .. } => (*target).to_owned(),
        }
    }

    /// Returns the effect that decides whether a person is asked.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Files(Access::Write) => Effect::Write,
            Self::Http(target) if target.method != "GET" && target.method != "HEAD" => Effect::Send,
            Self::Process { .. } => Effect::Execute,
            _ => Effect::Read,
        }
    }
}

fn authority(target: &HttpTarget<'_>) -> String {
    let scheme = if target.secure { "https" } else { "http" };
    let usual = if target.secure { 443 } else { 80 };
    if target.port == usual {
        format!("{scheme}://{}", target.host)
    } else {
        format!("{scheme}://{}:{}", target.host, target.port)
    }
}

/// Answer of a grant to a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Covered, and the thing used is named in the grant.
    Named,
    /// Covered by a wildcard only, so the user has never seen the name.
    Wildcard,
    /// The grant does not cover the use.
    None,
}

impl Grant {
    /// Returns how far the grant covers `wanted`.
    pub fn coverage(&self, wanted: &Use<'_>) -> Coverage {
        let named = |covered: bool| if covered { Coverage::Named } else { Coverage::None };
        match wanted {
            Use::Files(access) => named(self.files.is_some_and(|granted| granted >= *access)),
            Use::Http(target) => self.http_coverage(target),
            Use::Process { program, .. } => {
                named(self.commands.iter().any(|rule| rule.matches(program)))
            }
            Use::Model(role) => named(self.roles.contains_key(*role)),
            Use::Whole { interface, .. } => named(self.whole.contains(*interface)),
        }
    }

    fn http_coverage(&self, target: &HttpTarget<'_>) -> Coverage {
        let mut covering = self.http.iter().filter(|rule| rule.matches(target)).peekable();
        if covering.peek().is_none() {
            return Coverage::None;
        }
        if covering.any(|rule| !rule.host.is_wildcard()) {
            Coverage::Named
        } else {
            Coverage::Wildcard
        }
    }

    /// Returns the powers that both grants give: of each use that it covers, both cover it.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let http =
            self.http.iter().flat_map(|own| other.http.iter().filter_map(|o| own.intersect(o)));
        let commands = self.commands.iter();
        let commands =
            commands.flat_map(|own| other.commands.iter().filter_map(|o| own.intersect(o)));
        let roles = self.roles.iter().filter_map(|(role, own)| {
            let other = other.roles.get(role)?;
            // Absent is without a limit.
            Some((role.clone(), own.iter().chain(other).min().copied()))
        });
        Self {
            files: self.files.min(other.files),
            http: without_repeats(http),
            commands: without_repeats(commands),
            network: self.network && other.network,
            roles: roles.collect(),
            whole: self.whole.intersection(&other.whole).cloned().collect(),
            asked: None,
        }
    }

    /// Adds the powers of another grant.
    pub fn add(&mut self, other: &Self) {
        self.files = self.files.max(other.files);
        self.http.extend(other.http.iter().cloned());
        self.commands.extend(other.commands.iter().cloned());
        self.network |= other.network;
        for (role, most) in &other.roles {
            let own = self.roles.entry(role.clone()).or_insert(*most);
            *own = own.zip(*most).map(|(own, most)| own.max(most));
        }
        self.whole.extend(other.whole.iter().cloned());
    }

    /// Returns the refusal for a use that the grant of `origin` does not cover.
    pub fn refusal(&self, origin: &str, wanted: &Use<'_>) -> Failure {
        let interface = wanted.interface();
        let what = format!("`{origin}` may not use {interface} on {}", wanted.target());
        let asks = |asked: &Grant| asked.coverage(wanted) != Coverage::None;
        if self.asked.as_deref().is_some_and(asks) {
            return Failure::Denied {
                what: format!("{what}: nobody has granted that"),
                hint: format!(
                    "`openkoi plugin inspect {origin}` shows what a person would have to grant it"
                ),
            };
        }
        let hint = format!("its component.toml has to ask for it: interface = \"{interface}\"");
        Failure::Denied { what, hint }
    }
}

fn without_repeats<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut kept, one| {
        if !kept.contains(&one) {
            kept.push(one);
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(host: &'a str, path: &'a str) -> Use<'a> {
        Use::Http(HttpTarget { method: "GET", secure: true, host, port: 443, path, query: "" })
    }

    fn rules(texts: &[&str]) -> Grant {
        let http = texts.iter().map(|text| text.parse().expect("a rule")).collect();
        Grant { http, ..Grant::default() }
    }

    #[test]
    fn an_empty_grant_covers_nothing() {
        let nothing = Grant::default();
        for wanted in [
            Use::Files(Access::Read),
            get("example.com", "/"),
            Use::Process { program: "sh", line: "sh" },
            Use::Model("evaluator"),
            Use::Whole { interface: "state", target: "its own state" },
        ] {
            assert_eq!(nothing.coverage(&wanted), Coverage::None, "{wanted:?}");
        }
    }

    #[test]
    fn a_wildcard_host_is_told_from_a_named_one() {
        let grant = rules(&["GET https://*/**", "GET https://example.com/docs/**"]);
        assert_eq!(grant.coverage(&get("example.com", "/docs/a")), Coverage::Named);
        assert_eq!(grant.coverage(&get("example.org", "/docs/a")), Coverage::Wildcard);
    }

    #[test]
    fn an_intersection_gives_no_more_than_either_side() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let roles = |roles: &[(&str, Option<u32>)]| {
            roles.iter().map(|(role, most)| ((*role).to_owned(), *most)).collect()
        };
        let wide = Grant {
            files: Some(Access::Write),
            whole: set(&["state"]),
            roles: roles(&[("small", None), ("evaluator", Some(9)), ("planner", None)]),
            ..rules(&["https://*/**"])
        };
        let narrow = Grant {
            files: Some(Access::Read),
            whole: set(&["memory"]),
            roles: roles(&[("small", Some(500)), ("evaluator", Some(20))]),
            ..rules(&["GET https://example.com/docs/**", "GET http://127.0.0.1/**"])
        };
        let both = Grant {
            files: Some(Access::Read),
            roles: roles(&[("small", Some(500)), ("evaluator", Some(9))]),
            ..rules(&["GET https://example.com/docs/**"])
        };
        assert_eq!(wide.intersect(&narrow), both);
        assert_eq!(narrow.intersect(&wide), both);
    }

    #[test]
    fn a_refusal_says_who_has_to_do_something() {
        let state = Use::Whole { interface: "state", target: "its own state" };
        let Failure::Denied { hint: unasked, .. } = Grant::default().refusal("x", &state) else {
            panic!()
        };
        let asked = Grant { whole: ["state".to_owned()].into(), ..Grant::default() };
        let ungranted = Grant { asked: Some(Box::new(asked)), ..Grant::default() };
        let Failure::Denied { what, hint } = ungranted.refusal("x", &state) else { panic!() };
        assert!(unasked.contains("component.toml"), "{unasked}");
        assert!(what.contains("nobody has granted that"), "{what}");
        assert!(hint.contains("openkoi plugin inspect x"), "{hint}");
    }
}
