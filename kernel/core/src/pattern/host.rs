//! Patterns of hosts.

use super::{address::is_public_address, error::PatternError, text::text_form};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const LONGEST: usize = 253;

/// Endings of names that never leave the local network, though a resolver may answer them.
const LOCAL_ENDINGS: [&str; 7] =
    [".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".onion"];

/// One host, one level below a host, or any public host.
///
/// Names are compared without case and without the final dot, whole label by whole label. An address is
/// matched only by a pattern that spells an address.
///
/// ```
/// use openkoi_core::pattern::HostPattern;
///
/// let pattern: HostPattern = "*.example.com".parse()?;
/// assert!(pattern.matches("api.example.com"));
/// assert!(!pattern.matches("example.com"));
/// assert!(!pattern.matches("a.b.example.com"));
/// assert!("https://example.com".parse::<HostPattern>().is_err());
/// # Ok::<(), openkoi_core::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(Form);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Form {
    Any,
    Name(String),
    Below(String),
    Address(IpAddr),
}

text_form!(HostPattern);

impl HostPattern {
    /// Returns whether the pattern matches `host`, as a URL parser gives it.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = normal(host);
        if let Some(address) = literal(&host) {
            return self.0 == Form::Address(address);
        }
        match &self.0 {
            Form::Any => is_public_name(&host),
            Form::Name(name) => *name == host,
            Form::Below(parent) => host.split_once('.').is_some_and(|(label, rest)| {
                rest == parent && is_label(label) && host.len() <= LONGEST
            }),
            Form::Address(_) => false,
        }
    }

    /// Returns the pattern of the hosts that both match, or `None` if there is no such host.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let narrower = if other.is_within(self) {
            other
        } else if self.is_within(other) {
            self
        } else {
            return None;
        };
        Some(narrower.clone())
    }

    /// Returns whether `other` matches each host that the pattern matches. Of two patterns that have hosts in common, one
    /// is within the other.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (own, wide) if own == wide => true,
            (Form::Name(name), _) => other.matches(name),
            // Whatever stands in front of it, the ending decides whether a name is public.
            (Form::Below(parent), Form::Any) => is_public_name(&format!("x.{parent}")),
            _ => false,
        }
    }

    /// Returns whether the pattern names, literally, a host that is not on the public internet: a private address or
    /// `localhost`. Only such a rule may lead there.
    #[must_use]
    pub fn is_private_literal(&self) -> bool {
        match &self.0 {
            Form::Address(address) => !is_public_address(*address),
            Form::Name(name) => name == "localhost",
            Form::Any | Form::Below(_) => false,
        }
    }

    /// Returns whether the pattern stands for more than one host.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        matches!(self.0, Form::Any | Form::Below(_))
    }
}

impl FromStr for HostPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self(Form::Any));
        }
        let host = text.to_ascii_lowercase();
        if let Some(address) = literal(&host) {
            return Ok(Self(Form::Address(address)));
        }
        match host.strip_prefix("*.") {
            Some(parent) => {
                check_name(text, parent)?;
                if !parent.contains('.') {
                    let reason = "`*.` needs at least two labels after it";
                    return Err(PatternError::Host { text: text.to_owned(), reason });
                }
                Ok(Self(Form::Below(parent.to_owned())))
            }
            None => check_name(text, &host).map(|()| Self(Form::Name(host))),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Any => f.write_str("*"),
            Form::Name(name) => f.write_str(name),
            Form::Below(parent) => write!(f, "*.{parent}"),
            Form::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Form::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn normal(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

/// Reads an address in its one proper spelling; an IPv6 address may stand in brackets.
fn literal(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_public_name(host: &str) -> bool {
    host.contains('.')
        && !LOCAL_ENDINGS.iter().any(|ending| host.ends_with(ending))
        && check_name(host, host).is_ok()
}

fn check_name(text: &str, name: &str) -> Result<(), PatternError> {
    let refuse = |reason| Err(PatternError::Host { text: text.to_owned(), reason });
    if name.is_empty() {
        return Err(PatternError::Empty);
    }
    if name.len() > LONGEST {
        return Err(PatternError::TooLong { limit: LONGEST });
    }
    if !name.is_ascii() {
        return refuse("write an international name in its `xn--` form");
    }
    if let Some(reason) = foreign_part(name) {
        return refuse(reason);
    }
    if !name.split('.').all(is_label) {
        return refuse("it is made of letters, digits and `-`, with single dots between");
    }
    // `127.1`, `0x7f.1` and `2130706433` are names to us and addresses to a URL parser.
    if name.rsplit('.').next().is_some_and(looks_numeric) {
        return refuse("write an address with its four numbers");
    }
    Ok(())
}

/// Names the part of a URL that was written where a host belongs.
fn foreign_part(name: &str) -> Option<&'static str> {
    if name.contains("://") {
        Some("leave the scheme away")
    } else if name.contains('@') {
        Some("a user name is never part of a host")
    } else if name.contains(['/', '?', '#', '\\']) {
        Some("leave the path away")
    } else if name.contains(':') {
        Some("leave the port away")
    } else if name.contains('*') {
        Some("`*` stands alone or for one label at the start")
    } else {
        None
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn looks_numeric(label: &str) -> bool {
    label.bytes().all(|b| b.is_ascii_digit()) || label.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::HostPattern;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_matched_whole() {
        let host = pattern("api.example.com");

        assert!(host.matches("api.example.com"));
        assert!(host.matches("API.Example.com."));
        for other in [
            "api.example.com.evil.com",
            "evilapi.example.com",
            "x.api.example.com",
            "example.com",
            "api.example.co",
            "api.example.com..",
            "",
        ] {
            assert!(!host.matches(other), "{other}");
        }
    }

    #[test]
    fn a_wildcard_is_exactly_one_label() {
        let host = pattern("*.example.com");

        assert!(host.matches("a.example.com"));
        for other in [
            "example.com",
            "a.b.example.com",
            ".example.com",
            "evilexample.com",
            "a.example.com.evil.com",
        ] {
            assert!(!host.matches(other), "{other}");
        }
    }

    #[test]
    fn any_host_means_public_names_only() {
        let any = pattern("*");

        assert!(any.matches("example.com"));
        assert!(any.matches("a.b.example.org"));
        for other in [
            "localhost",
            "a.localhost",
            "printer",
            "printer.local",
            "metadata.google.internal",
            "127.0.0.1",
            "8.8.8.8",
            "[::1]",
            "router.home.arpa",
            "",
        ] {
            assert!(!any.matches(other), "{other}");
        }
    }

    #[test]
    fn an_address_is_matched_as_a_literal_only() {
        assert!(pattern("127.0.0.1").matches("127.0.0.1"));
        assert!(pattern("[::1]").matches("[::1]"));
        assert!(pattern("::1").matches("[0:0:0:0:0:0:0:1]"));
        assert!(!pattern("127.0.0.1").matches("[::ffff:127.0.0.1]"));
        assert!(!pattern("localhost").matches("127.0.0.1"));
    }

    #[test]
    fn text_that_is_not_exactly_a_host_is_refused() {
        for text in [
            "",
            "https://api.example.com",
            "api.example.com/v1",
            "api.example.com:8443",
            "api.example.com@evil.com",
            "evil@api.example.com",
            "api..example.com",
            ".example.com",
            "example.com.",
            "**.example.com",
            "a.*.example.com",
            "*example.com",
            "*.com",
            "exa mple.com",
            "ex\u{430}mple.com",
            "127.1",
            "0177.0.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "-a.example.com",
            "a\0.com",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn private_literals_are_recognised() {
        for text in ["localhost", "127.0.0.1", "10.1.2.3", "[::1]", "[fd00::1]", "169.254.169.254"]
        {
            assert!(pattern(text).is_private_literal(), "{text}");
        }
        for text in ["*", "example.com", "*.example.com", "8.8.8.8", "localhost.example.com"] {
            assert!(!pattern(text).is_private_literal(), "{text}");
        }
    }

    #[test]
    fn the_text_form_round_trips() {
        for text in ["*", "api.example.com", "*.example.com", "127.0.0.1", "[::1]"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}
