//! The hosts that programs may reach: what the user's configuration names, and the groups of hosts that go together.
//! And the pages that are read without a question.

use std::{collections::BTreeSet, fmt};

use crate::{
    pattern::{HostPattern, HttpTarget},
    task::own_words,
};

/// Hosts that belong together: those that one package manager needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostGroup {
    /// Its name in the configuration and in questions.
    pub name: &'static str,
    /// Its hosts.
    pub hosts: &'static [&'static str],
}

/// The name of all groups of registries together.
pub const REGISTRIES: &str = "registries";

/// The groups. The registries of packages come with what their managers download from.
pub const GROUPS: [HostGroup; 12] = [
    group("crates", &["crates.io", "index.crates.io", "static.crates.io"]),
    group("rustup", &["static.rust-lang.org"]),
    group("npm", &["registry.npmjs.org", "registry.yarnpkg.com", "registry.npmjs.com"]),
    group("pypi", &["pypi.org", "files.pythonhosted.org"]),
    group("go", &["proxy.golang.org", "sum.golang.org", "dl.google.com"]),
    group(
        "maven",
        &[
            "repo.maven.apache.org",
            "repo1.maven.org",
            "plugins.gradle.org",
            "plugins-artifacts.gradle.org",
            "services.gradle.org",
            "downloads.gradle.org",
            "dl.google.com",
            "maven.google.com",
        ],
    ),
    group("rubygems", &["rubygems.org", "index.rubygems.org"]),
    group("packagist", &["packagist.org", "repo.packagist.org"]),
    group("nuget", &["api.nuget.org", "www.nuget.org"]),
    group("hex", &["hex.pm", "repo.hex.pm", "builds.hex.pm"]),
    group("jsr", &["jsr.io", "npm.jsr.io", "deno.land"]),
    group("conda", &["conda.anaconda.org", "repo.anaconda.com"]),
];

const fn group(name: &'static str, hosts: &'static [&'static str]) -> HostGroup {
    HostGroup { name, hosts }
}

/// What the user says about the hosts that programs reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetworkRules {
    /// Each host is asked about, and none is reached where nobody can be asked.
    #[default]
    Ask,
    /// None is reached.
    Closed,
    /// These are reached without a question, others are asked about.
    Named(Vec<NamedHost>),
    /// All are reached, and the network of this machine too.
    Open,
}

/// One line of the user's list: a host, with or without a port, or a group of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    host: HostPattern,
    port: Option<u16>,
    /// True if it stands in the list itself, and not in a group.
    is_own: bool,
}

/// The way in which a host may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// At its addresses on the public internet.
    Public,
    /// At any address, because the user wrote this very host down.
    Anywhere,
}

impl NetworkRules {
    /// Reads a list: names of groups, hosts such as `docs.rs`, `*.example.com` or `localhost:8080`.
    ///
    /// # Errors
    ///
    /// One sentence about the first line that is neither.
    pub fn named(lines: &[String]) -> Result<Self, String> {
        let mut hosts = Vec::new();
        for line in lines {
            let groups = GROUPS.iter().filter(|group| line == group.name || line == REGISTRIES);
            let of_groups: Vec<&str> = groups.flat_map(|group| group.hosts).copied().collect();
            if of_groups.is_empty() {
                hosts.push(NamedHost::parse(line)?);
            }
            for host in of_groups {
                hosts.push(NamedHost { is_own: false, ..NamedHost::parse(host)? });
            }
        }
        Ok(Self::Named(hosts))
    }

    /// Returns what programs reach besides themselves, in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Ask => "hosts asked about",
            Self::Closed => "network closed",
            Self::Named(_) => "named hosts, others asked about",
            Self::Open => "network open",
        }
    }

    /// Returns how a host may be reached without a question, if it may.
    #[must_use]
    pub fn reach(&self, host: &str, port: u16) -> Option<Reachable> {
        let Self::Named(named) = self else { return None };
        let mut covering = named.iter().filter(|one| one.covers(host, port)).peekable();
        covering.peek()?;
        let anywhere = covering.any(|one| one.is_own && one.host.to_string() == host);
        Some(if anywhere { Reachable::Anywhere } else { Reachable::Public })
    }
}

/// The port of TLS, which a host without a port means.
const TLS: u16 = 443;

impl NamedHost {
    fn parse(line: &str) -> Result<Self, String> {
        let refused = || {
            let groups: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
            format!(
                "`{line}` is no host, such as \"docs.rs\", \"*.example.com\" or \"localhost:8080\", and no group \
                 ({REGISTRIES}, {})",
                groups.join(", ")
            )
        };
        let (host, port) = match line.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !host.is_empty() => {
                (host, Some(port.parse().map_err(|_| refused())?))
            }
            _ => (line, None),
        };
        let host: HostPattern = host.parse().map_err(|_| refused())?;
        // One word is a misspelt group sooner than a host.
        let is_word = host.to_string().chars().all(|c| c.is_ascii_alphabetic());
        if is_word && host.to_string() != "localhost" {
            return Err(refused());
        }
        Ok(Self { host, port, is_own: true })
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        self.host.matches(host) && port == self.port.unwrap_or(TLS)
    }
}

/// A host as a person is asked about it: its group, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostQuestion {
    /// The group.
    pub group: Option<HostGroup>,
    /// The host and the port.
    pub place: String,
}

impl HostQuestion {
    /// Returns the question about a host.
    #[must_use]
    pub fn about(host: &str, port: u16) -> Self {
        let in_group = |group: &&HostGroup| port == TLS && group.hosts.contains(&host);
        Self { group: GROUPS.iter().find(in_group).copied(), place: format!("{host}:{port}") }
    }
}

impl fmt::Display for HostQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            Some(group) => write!(f, "{} ({})", group.name, group.hosts.join(", ")),
            None => f.write_str(&self.place),
        }
    }
}

/// Hosts of public documentation, whose pages are read without a question.
const DOCUMENTATION: [&str; 66] = [
    "ai.google.dev",
    "angular.dev",
    "api.rubyonrails.org",
    "cmake.org",
    "cloud.google.com",
    "crates.io",
    "datatracker.ietf.org",
    "deno.land",
    "developer.apple.com",
    "developer.hashicorp.com",
    "developer.mozilla.org",
    "developers.google.com",
    "doc.rust-lang.org",
    "docs.aws.amazon.com",
    "docs.astral.sh",
    "docs.deno.com",
    "docs.djangoproject.com",
    "docs.docker.com",
    "docs.github.com",
    "docs.gradle.org",
    "docs.npmjs.com",
    "docs.oracle.com",
    "docs.python.org",
    "docs.pytest.org",
    "docs.rs",
    "docs.ruby-lang.org",
    "docs.spring.io",
    "docs.wasmtime.dev",
    "en.cppreference.com",
    "en.wikipedia.org",
    "eslint.org",
    "expressjs.com",
    "fastapi.tiangolo.com",
    "flask.palletsprojects.com",
    "git-scm.com",
    "go.dev",
    "hexdocs.pm",
    "html.spec.whatwg.org",
    "jestjs.io",
    "kubernetes.io",
    "laravel.com",
    "learn.microsoft.com",
    "man7.org",
    "maven.apache.org",
    "nextjs.org",
    "nodejs.org",
    "numpy.org",
    "packaging.python.org",
    "pandas.pydata.org",
    "peps.python.org",
    "pkg.go.dev",
    "pypi.org",
    "pytorch.org",
    "react.dev",
    "redis.io",
    "scikit-learn.org",
    "stackoverflow.com",
    "svelte.dev",
    "tc39.es",
    "vite.dev",
    "vuejs.org",
    "www.php.net",
    "www.postgresql.org",
    "www.rfc-editor.org",
    "www.sqlite.org",
    "www.typescriptlang.org",
];

/// The longest query of a page that is read without a question: a longer one could carry something away.
const LONGEST_QUERY: usize = 128;

/// The longest path of such a page.
const LONGEST_PATH: usize = 512;

/// The longest run of letters and digits in an address that is a name; a longer one may be a key, or a file in another form.
const LONGEST_NAME: usize = 40;

/// The shortest run that looks like a key if it mixes digits, capitals and small letters.
const SHORTEST_KEY: usize = 20;

/// Returns whether an address may carry something away: a key, or what stands in a file.
fn carries_something(target: &HttpTarget<'_>) -> bool {
    let HttpTarget { path, query, .. } = target;
    // Names of pages are long too, but they are made of words: digits are not among capitals and small letters.
    let is_run = |run: &str| {
        let kinds = [char::is_ascii_digit, char::is_ascii_lowercase, char::is_ascii_uppercase];
        let is_mixed = kinds.iter().all(|kind| run.chars().any(|c| kind(&c)));
        run.len() > LONGEST_NAME || (run.len() >= SHORTEST_KEY && is_mixed)
    };
    let parts = [path, query];
    let mut runs = parts.iter().flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric()));
    // Bytes that are written as numbers are no words of a search.
    let encoded = query.matches('%').count() * 3;
    let is_encoded = encoded > 30 && encoded * 2 > query.len();
    query.len() > LONGEST_QUERY || path.len() > LONGEST_PATH || is_encoded || runs.any(is_run)
}

/// Pages that are read without a question: public documentation, and hosts whose addresses a task names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPages {
    named: BTreeSet<String>,
}

impl OpenPages {
    /// Returns the pages for a task. What was piped or put into it is somebody else's words.
    #[must_use]
    pub fn of_task(text: &str) -> Self {
        let own = own_words(text);
        let ends = |c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c));
        let hosts = own.split("://").skip(1).filter_map(|rest| rest.split(ends).next());
        let hosts = hosts.map(|host| host.trim_end_matches('.').to_ascii_lowercase());
        Self { named: hosts.filter(|host| host.contains('.')).collect() }
    }

    /// Returns why a request needs no question, if it needs none.
    #[must_use]
    pub fn reason(&self, target: &HttpTarget<'_>) -> Option<&'static str> {
        let reads = matches!(target.method, "GET" | "HEAD");
        if !reads || !target.secure || target.port != TLS || carries_something(target) {
            return None;
        }
        if DOCUMENTATION.contains(&target.host) {
            return Some("documentation");
        }
        self.named.contains(target.host).then_some("the task names it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lines: &[&str]) -> NetworkRules {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        NetworkRules::named(&lines).unwrap()
    }

    #[test]
    fn hosts_and_groups_are_reached_on_their_ports() {
        let rules = rules(&["crates", "docs.rs", "*.example.com", "localhost:8080", "10.0.0.7:22"]);
        for (host, port, expected) in [
            ("index.crates.io", 443, Some(Reachable::Public)),
            ("docs.rs", 443, Some(Reachable::Anywhere)),
            ("docs.rs", 80, None),
            ("a.example.com", 443, Some(Reachable::Public)),
            ("example.com", 443, None),
            ("localhost", 8080, Some(Reachable::Anywhere)),
            ("localhost", 443, None),
            ("10.0.0.7", 22, Some(Reachable::Anywhere)),
            ("pypi.org", 443, None),
            ("evil.crates.io", 443, None),
        ] {
            assert_eq!(rules.reach(host, port), expected, "{host}:{port}");
        }
    }

    #[test]
    fn all_registries_go_by_one_name() {
        let rules = rules(&[REGISTRIES]);
        for group in &GROUPS {
            for host in group.hosts {
                assert_eq!(rules.reach(host, 443), Some(Reachable::Public), "{host}");
            }
        }
        assert_eq!(rules.reach("github.com", 443), None);
        assert_eq!(NetworkRules::Ask.reach("crates.io", 443), None);
    }

    #[test]
    fn what_is_neither_host_nor_group_is_refused_with_the_groups() {
        for line in ["", "registry", "https://docs.rs", "docs.rs:port", "a b.com", "docs.rs/x"] {
            let error = NetworkRules::named(&[line.to_owned()]).unwrap_err();
            assert!(error.contains("registries, crates"), "{error}");
        }
    }

    fn get<'a>(host: &'a str, query: &'a str) -> HttpTarget<'a> {
        HttpTarget { method: "GET", secure: true, host, port: 443, path: "/", query }
    }

    #[test]
    fn documentation_and_what_the_task_names_is_read_without_a_question() {
        let task = "I ran `x` (exit code 0):\n```\nhttps://evil.example/\n```\n\nsee https://Example.com/spec, \
                    http://other.example. and main.rs\n\n<stdin>\nhttps://evil.example/\n";
        let pages = OpenPages::of_task(task);
        let long = "q".repeat(200);
        for (host, expected) in [
            ("docs.rs", Some("documentation")),
            ("example.com", Some("the task names it")),
            ("other.example", Some("the task names it")),
            ("www.example.com", None),
            ("main.rs", None),
            ("evil.example", None),
        ] {
            assert_eq!(pages.reason(&get(host, "q=1")), expected, "{host}");
            assert_eq!(pages.reason(&get(host, &long)), None, "{host}");
        }
        assert_eq!(pages.reason(&HttpTarget { method: "POST", ..get("docs.rs", "") }), None);
        assert_eq!(pages.reason(&HttpTarget { secure: false, ..get("docs.rs", "") }), None);
        assert_eq!(pages.reason(&HttpTarget { port: 8443, ..get("docs.rs", "") }), None);
        assert!(DOCUMENTATION.iter().all(|host| host.parse::<HostPattern>().is_ok()));
    }

    #[test]
    fn an_address_that_may_carry_something_away_is_a_question() {
        let pages = OpenPages::default();
        let passes = |path: &str, query: &str| {
            let target = HttpTarget { path, ..get("docs.rs", query) };
            pages.reason(&target).is_some()
        };
        for (path, query) in [
            ("/tokio/1.40.0/tokio/net/struct.TcpStream.html", ""),
            ("/uikit/uiviewcontrollertransitioningdelegate", "language=objc&changes=latest_major"),
            ("/search", "q=how+to+parse+a+date%3F&page=2"),
            ("/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709", ""),
            ("/", "q=na%C3%AFve"),
        ] {
            assert!(passes(path, query), "{path}?{query}");
        }
        for (path, query) in [
            ("/", "q=AKIAIOSFODNN7example1"),
            ("/x/sk8Jw02kdQpLmZx91RtyUvWq", ""),
            ("/x/ZGVmIG9uZSgpOgogICAgcmV0dXJuIDEKZGVmIHR3bygpOgo", ""),
            ("/", "q=%64%65%66%20%6f%6e%65%28%29%3a%0a%20%20%20%20"),
            (&format!("/{}", "word/".repeat(200)), ""),
        ] {
            assert!(!passes(path, query), "{path}?{query}");
        }
    }

    #[test]
    fn a_question_names_the_group_of_a_host() {
        assert_eq!(HostQuestion::about("docs.rs", 443).to_string(), "docs.rs:443");
        assert_eq!(HostQuestion::about("pypi.org", 80).to_string(), "pypi.org:80");
        assert_eq!(
            HostQuestion::about("files.pythonhosted.org", 443).to_string(),
            "pypi (pypi.org, files.pythonhosted.org)"
        );
    }
}
