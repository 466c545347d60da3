//! The powers of a component: what its manifest asks for, cut down to what the user grants. Empty is nothing.
//!
//! The decision is pure; carrying it out is the broker's.

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
    /// Roles of the models that may be asked.
    pub roles: Vec<String>,
    /// True if the component has a key-value space.
    pub state: bool,
    /// True if the component may read the journal's records.
    pub records: bool,
    /// True if the component may recall learnings.
    pub memory: bool,
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
    /// The key-value space is used.
    State,
    /// The journal's records are read.
    Records,
    /// Learnings are recalled.
    Memory,
}

impl Use<'_> {
    /// Returns the interface that offers the use.
    pub fn interface(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Http(_) => "http",
            Self::Process { .. } => "process",
            Self::Model(_) => "model",
            Self::State => "state",
            Self::Records => "records",
            Self::Memory => "memory",
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
            Self::State => "its own state".to_owned(),
            Self::Records => "the journal".to_owned(),
            Self::Memory => "the memory".to_owned(),
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
            Use::Model(role) => named(self.roles.iter().any(|granted| granted == role)),
            Use::State => named(self.state),
            Use::Records => named(self.records),
            Use::Memory => named(self.memory),
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

    /// Returns the powers that both grants give.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let both =
            |a: &[String], b: &[String]| a.iter().filter(|x| b.contains(x)).cloned().collect();
        Self {
            files: self.files.min(other.files),
            http: self.http.iter().filter(|rule| other.http.contains(rule)).cloned().collect(),
            commands: self
                .commands
                .iter()
                .filter(|rule| other.commands.contains(rule))
                .cloned()
                .collect(),
            network: self.network && other.network,
            roles: both(&self.roles, &other.roles),
            state: self.state && other.state,
            records: self.records && other.records,
            memory: self.memory && other.memory,
        }
    }

    /// Returns the refusal for a use that the grant of `origin` does not cover.
    pub fn refusal(origin: &str, wanted: &Use<'_>) -> Failure {
        Failure::Denied {
            what: format!("`{origin}` may not use {} on {}", wanted.interface(), wanted.target()),
            hint: format!(
                "its component.toml has to ask for it: interface = \"{}\"",
                wanted.interface()
            ),
        }
    }
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
            Use::State,
            Use::Records,
            Use::Memory,
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
        let wide = Grant { files: Some(Access::Write), state: true, ..Grant::default() };
        let narrow = Grant { files: Some(Access::Read), memory: true, ..Grant::default() };
        let both = wide.intersect(&narrow);
        assert_eq!(both, Grant { files: Some(Access::Read), ..Grant::default() });
    }
}
