//! Patterns of HTTP requests.

use super::{error::PatternError, host::HostPattern, path::PathGlob, text::text_form};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const LONGEST: usize = 2048;
const MOST_METHODS: usize = 16;

/// The requests that a grant covers: host, port, scheme, methods and paths.
///
/// ```
/// use openkoi_core::pattern::HttpRule;
///
/// let rule: HttpRule = "http://127.0.0.1:11434/**".parse()?;
/// assert!(rule.private && !rule.secure);
/// assert_eq!(rule.to_string(), "http://127.0.0.1:11434/**");
/// # Ok::<(), openkoi_core::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpRule {
    /// Pattern of the host.
    pub host: HostPattern,
    /// The port; 443 unless the rule says another, 80 for `http://`.
    pub port: u16,
    /// True if the connection must be TLS.
    pub secure: bool,
    /// The methods, in capitals. Empty: any.
    pub methods: Vec<String>,
    /// Pattern of the path.
    pub path: PathGlob,
    /// Further patterns that the path has to match. The intersection of two rules has some; a rule that is read from text
    /// has none.
    pub also: Vec<PathGlob>,
    /// True if the rule names a private address or `localhost` literally, and so may lead there.
    pub private: bool,
}

/// A request as a rule sees it. The parts come from a URL parser, not from text that was cut by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTarget<'a> {
    /// Method in capitals.
    pub method: &'a str,
    /// True if the scheme is `https`.
    pub secure: bool,
    /// The host, an IPv6 address in brackets.
    pub host: &'a str,
    /// The port, the scheme's own if the URL names none.
    pub port: u16,
    /// The path, still percent-encoded, without query.
    pub path: &'a str,
    /// The query, still percent-encoded. Rules do not look at it.
    pub query: &'a str,
}

text_form!(HttpRule);

impl HttpRule {
    /// Returns whether the rule covers `target`.
    #[must_use]
    pub fn matches(&self, target: &HttpTarget<'_>) -> bool {
        self.secure == target.secure
            && self.port == target.port
            && self.host.matches(target.host)
            && (self.methods.is_empty() || self.methods.iter().any(|m| m == target.method))
            && self.matches_path(target.path)
    }

    /// Returns whether the rule is one for reading pages of every host, which names none.
    #[must_use]
    pub fn reads_any_page(&self) -> bool {
        let reads = self.methods.is_empty() || self.methods.iter().any(|method| method == "GET");
        self.host.is_wildcard() && reads && self.matches_path("/")
    }

    fn matches_path(&self, path: &str) -> bool {
        let Some(path) = normal_path(path) else { return false };
        // Inner empty segments stay: servers differ on `//`, so that only `**` may stand for one.
        let mut segments: Vec<&str> = path.split('/').skip(1).collect();
        if segments.last() == Some(&"") {
            segments.pop();
        }
        self.paths().all(|glob| glob.matches_segments(&segments))
    }

    fn paths(&self) -> impl Iterator<Item = &PathGlob> {
        std::iter::once(&self.path).chain(&self.also)
    }

    /// Returns the rule for the requests that both rules cover, or `None` if there is none.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if (self.secure, self.port) != (other.secure, other.port) {
            return None;
        }
        let host = self.host.intersect(&other.host)?;
        let methods = match (self.methods.is_empty(), other.methods.is_empty()) {
            (true, _) => other.methods.clone(),
            (_, true) => self.methods.clone(),
            _ => self.methods.iter().filter(|one| other.methods.contains(one)).cloned().collect(),
        };
        if methods.is_empty() && !(self.methods.is_empty() && other.methods.is_empty()) {
            return None;
        }
        // Two globs have no glob in common in general, so each of them has to match, unless one says it all.
        let mut paths: Vec<PathGlob> = Vec::new();
        for glob in self.paths().chain(other.paths()) {
            if paths.iter().any(|kept| kept.is_within(glob)) {
                continue;
            }
            paths.retain(|kept| !glob.is_within(kept));
            paths.push(glob.clone());
        }
        let path = paths.remove(0);
        let private = host.is_private_literal();
        Some(Self { host, methods, path, also: paths, private, ..self.clone() })
    }

    /// Returns true if `other` surely covers each request that the rule covers.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let methods = other.methods.is_empty()
            || !self.methods.is_empty()
                && self.methods.iter().all(|own| other.methods.contains(own));
        let path = |wide: &PathGlob| self.paths().any(|own| own.is_within(wide));
        (self.secure, self.port) == (other.secure, other.port)
            && self.host.is_within(&other.host)
            && methods
            && other.paths().all(path)
    }
}

/// Undoes the encoding of characters that need none, so that one path has one form, and refuses those that a
/// server could read as another path.
fn normal_path(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.len() > 16 * 1024 || path.contains(['\\', '\0', '?', '#']) {
        return None;
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let byte = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok())?;
        normal.push_str(&rest[..at]);
        match byte {
            0 => return None,
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => normal.push(char::from(b)),
            b => normal.push_str(&format!("%{b:02X}")),
        }
        rest = &rest[at + 3..];
    }
    normal.push_str(rest);
    // An encoded slash is a slash to many servers: it must not hide a way up.
    let decoded = normal.replace("%2F", "/").replace("%5C", "/");
    let climbs = decoded.split('/').any(|part| part == ".." || part == ".");
    (!climbs).then_some(normal)
}

impl FromStr for HttpRule {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.len() > LONGEST {
            return Err(PatternError::TooLong { limit: LONGEST });
        }
        let (methods, url) = match text.split_once(' ') {
            Some((methods, url)) => (parse_methods(text, methods)?, url),
            None => (Vec::new(), text),
        };
        let (secure, rest) = split_scheme(text, url)?;
        let (authority, path) = rest.find('/').map_or((rest, "/**"), |at| rest.split_at(at));
        let (host, port) = split_port(text, authority)?;
        let host: HostPattern = host.parse()?;
        let private = host.is_private_literal();
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        let (path, also) = (parse_path(text, path)?, Vec::new());
        Ok(Self { host, port, secure, methods, path, also, private })
    }
}

fn refuse<T>(text: &str, reason: &'static str) -> Result<T, PatternError> {
    Err(PatternError::Http { text: text.to_owned(), reason })
}

fn parse_methods(text: &str, list: &str) -> Result<Vec<String>, PatternError> {
    let methods: Vec<String> = list.split(',').map(str::to_owned).collect();
    if methods.len() > MOST_METHODS {
        return Err(PatternError::TooManyParts { limit: MOST_METHODS });
    }
    let proper = |m: &String| {
        (1..=16).contains(&m.len()) && m.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
    };
    if !methods.iter().all(proper) {
        return refuse(text, "methods are written in capitals with commas between");
    }
    Ok(methods)
}

fn split_scheme<'a>(text: &str, url: &'a str) -> Result<(bool, &'a str), PatternError> {
    if let Some(rest) = url.strip_prefix("https://") {
        Ok((true, rest))
    } else if let Some(rest) = url.strip_prefix("http://") {
        Ok((false, rest))
    } else if url.contains("://") {
        refuse(text, "the scheme is `https` or `http`")
    } else {
        Ok((true, url))
    }
}

fn split_port<'a>(text: &str, authority: &'a str) -> Result<(&'a str, Option<u16>), PatternError> {
    let after_address = authority.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = authority[after_address..].find(':').map(|at| at + after_address) else {
        return Ok((authority, None));
    };
    let digits = &authority[colon + 1..];
    let proper = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if proper => Ok((&authority[..colon], Some(port))),
        _ => refuse(text, "the port is a number from 1 to 65535"),
    }
}

fn parse_path(text: &str, path: &str) -> Result<PathGlob, PatternError> {
    if path.contains(['?', '#']) {
        return refuse(text, "a rule has no query and no fragment");
    }
    match normal_path(path) {
        Some(normal) => normal.parse(),
        None => refuse(text, "the path is not one that a URL can have"),
    }
}

impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            write!(f, "{} ", self.methods.join(","))?;
        }
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        write!(f, "{}", self.path)?;
        self.also.iter().try_for_each(|glob| write!(f, " and {glob}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{HttpRule, HttpTarget};

    fn rule(text: &str) -> HttpRule {
        text.parse().unwrap()
    }

    const TARGET: HttpTarget<'static> = HttpTarget {
        method: "GET",
        secure: true,
        host: "api.example.com",
        port: 443,
        path: "/v1/a",
        query: "",
    };

    #[test]
    fn each_part_of_a_rule_counts() {
        let rule = rule("GET,POST https://api.example.com/v1/**");

        assert!(rule.matches(&TARGET));
        assert!(rule.matches(&HttpTarget { method: "POST", ..TARGET }));
        assert!(rule.matches(&HttpTarget { path: "/v1", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { method: "DELETE", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { secure: false, ..TARGET }));
        assert!(!rule.matches(&HttpTarget { host: "evil.com", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { port: 22, ..TARGET }));
        assert!(!rule.matches(&HttpTarget { path: "/v2/a", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { path: "/", ..TARGET }));
    }

    #[test]
    fn a_path_cannot_hide_where_it_goes() {
        let rule = rule("https://api.example.com/v1/**");

        for path in [
            "/v1/../admin",
            "/v1/%2e%2e/admin",
            "/v1/%2E./admin",
            "/v1/a%2f..%2f..%2fadmin",
            "/v1/a%5C..%5Cadmin",
            "/v1/a\\..\\admin",
            "/v1/%00",
            "/v1/%zz",
            "/v1/%",
            "v1/a",
            "/%76%32/a",
        ] {
            assert!(!rule.matches(&HttpTarget { path, ..TARGET }), "{path}");
        }
        assert!(rule.matches(&HttpTarget { path: "/%761/group%2Fproject", ..TARGET }));
    }

    #[test]
    fn one_star_takes_exactly_one_segment_of_a_url() {
        let rule = rule("https://api.example.com/v1/*/list");

        assert!(rule.matches(&HttpTarget { path: "/v1/a/list", ..TARGET }));
        assert!(rule.matches(&HttpTarget { path: "/v1/a/list/", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { path: "/v1//list", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { path: "/v1/a%2fb/list", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { path: "/v1/a/b/list", ..TARGET }));
    }

    #[test]
    fn a_bare_host_means_https_everywhere_on_it() {
        let rule = rule("api.example.com");

        assert_eq!(rule.to_string(), "https://api.example.com/**");
        assert!(rule.matches(&HttpTarget { path: "/", ..TARGET }));
        assert!(!rule.matches(&HttpTarget { secure: false, port: 80, ..TARGET }));
    }

    #[test]
    fn only_a_literal_rule_is_private() {
        assert!(rule("http://localhost:11434").private);
        assert!(rule("http://[::1]:8080/**").private);
        assert!(!rule("*").private);
        assert!(!rule("https://8.8.8.8").private);
    }

    #[test]
    fn rules_that_could_be_read_in_two_ways_are_refused() {
        for text in [
            "",
            "ftp://api.example.com",
            "https://api.example.com@evil.com/",
            "https://evil@api.example.com",
            "https://user:pw@api.example.com",
            "get https://api.example.com",
            "GET, POST https://api.example.com",
            "https://api.example.com:0/",
            "https://api.example.com:65536/",
            "https://api.example.com:+80/",
            "https://api.example.com:/",
            "https://api.example.com/a?b",
            "https://api.example.com/a#b",
            "https://api.example.com/../a",
            "https://api.example.com/a{b,c}",
            "https:///a",
            "https://[::1/",
            "https://api.example.com /a",
        ] {
            assert!(text.parse::<HttpRule>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_text_form_round_trips_through_serde() {
        for text in [
            "https://api.example.com/v1/**",
            "GET,POST https://*.example.com:8443/v1/*",
            "http://127.0.0.1:11434/**",
            "http://[::1]:80/x",
            "https://*/**",
        ] {
            let json = serde_json::to_string(&rule(text)).unwrap();
            let back: HttpRule = serde_json::from_str(&json).unwrap();
            assert_eq!(back, rule(text));
        }
        assert_eq!(rule("http://127.0.0.1:11434/**").to_string(), "http://127.0.0.1:11434/**");
        assert!(serde_json::from_str::<HttpRule>("\"https://evil@a.com\"").is_err());
    }
}
