//! What a request of HTTP asks the proxy for.

use url::Url;

/// Headers that are between the program and the proxy.
const BETWEEN: [&str; 6] =
    ["connection", "proxy-connection", "proxy-authorization", "keep-alive", "te", "host"];

/// A host and a port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'r> {
    /// A way to a place, and what came for it already.
    Tunnel {
        /// Where it leads.
        place: Place,
        /// What came behind the request.
        early: &'r [u8],
    },
    /// One request in the clear.
    Plain {
        /// Where it goes.
        place: Place,
        /// The request as the host is asked it. It ends the connection, so that the next one is decided for itself.
        head: Vec<u8>,
        /// The part of the body that came already.
        body: &'r [u8],
    },
}

impl Place {
    pub(super) fn parse(authority: &str) -> Option<Self> {
        let (host, port) = authority.rsplit_once(':')?;
        Self::of(host, port.parse().ok()?)
    }

    /// Returns the place of a host as it was written, in its one form.
    pub(super) fn of(host: &str, port: u16) -> Option<Self> {
        let host = match url::Host::parse(host).ok()? {
            url::Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { host, port })
    }
}

impl<'r> Asked<'r> {
    pub(super) fn place(&self) -> &Place {
        match self {
            Self::Tunnel { place, .. } | Self::Plain { place, .. } => place,
        }
    }

    /// Returns what a request asks for; it was read up to the empty line behind its headers at least.
    ///
    /// # Errors
    ///
    /// Nothing that is carried, in words for the program.
    pub(super) fn of(request: &'r [u8]) -> Result<Self, &'static str> {
        let end = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(request.len());
        let (head, rest) = request.split_at(end);
        let rest = rest.get(4..).unwrap_or_default();
        let head = std::str::from_utf8(head).map_err(|_| "that is no request")?;
        let mut lines = head.split("\r\n");
        let words: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        match words[..] {
            ["CONNECT", authority, ..] => {
                let place = Place::parse(authority).ok_or("that is no host with a port")?;
                Ok(Self::Tunnel { place, early: rest })
            }
            [method, url, "HTTP/1.1" | "HTTP/1.0"] => Self::plain(method, url, lines, rest),
            _ => Err("that is no request"),
        }
    }

    fn plain(
        method: &str,
        url: &str,
        lines: std::str::Split<'_, &str>,
        body: &'r [u8],
    ) -> Result<Self, &'static str> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let url = Url::parse(url).map_err(|_| "a proxy is asked for a whole url")?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_proper = url.scheme() == "http" && !has_user && method.bytes().all(is_token);
        let host =
            url.host_str().filter(|_| is_proper).ok_or("only http:// is carried like this")?;
        let place = Place::of(host, url.port().unwrap_or(80)).ok_or("that is no host")?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\n");
        for line in lines {
            // Two servers could read such a line in two ways.
            if line.starts_with([' ', '\t']) || line.contains(['\r', '\n', '\0']) {
                return Err("a header goes on in a second line");
            }
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if !BETWEEN.contains(&name.as_str()) {
                head.push_str(line);
                head.push_str("\r\n");
            }
        }
        head.push_str("Connection: close\r\n\r\n");
        Ok(Self::Plain { place, head: head.into_bytes(), body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, port: u16) -> Place {
        Place { host: host.to_owned(), port }
    }

    #[test]
    fn a_tunnel_names_a_host_and_a_port() {
        for (request, expected) in [
            ("CONNECT docs.rs:443 HTTP/1.1\r\nHost: docs.rs\r\n\r\n", place("docs.rs", 443)),
            ("CONNECT Docs.RS.:8443 HTTP/1.1\r\n\r\n", place("docs.rs", 8443)),
            ("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", place("::1", 443)),
            ("CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n", place("127.0.0.1", 443)),
        ] {
            let asked = Asked::Tunnel { place: expected, early: b"" };
            assert_eq!(Asked::of(request.as_bytes()), Ok(asked), "{request}");
        }
        let early = b"CONNECT docs.rs:443 HTTP/1.1\r\n\r\nhello";
        let expected = Asked::Tunnel { place: place("docs.rs", 443), early: b"hello" };
        assert_eq!(Asked::of(early), Ok(expected));
    }

    #[test]
    fn a_request_in_the_clear_goes_on_as_its_host_is_asked() {
        let request =
            b"POST http://Docs.RS/a%20b?c=d HTTP/1.1\r\nHost: evil.example\r\nX-Own: yes\r\n\
                        Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n\
                        Connection: keep-alive\r\nContent-Length: 2\r\n\r\nhi";

        let Ok(Asked::Plain { place: to, head, body }) = Asked::of(request) else { panic!() };

        assert_eq!((to, body), (place("docs.rs", 80), &b"hi"[..]));
        let expected = "POST /a%20b?c=d HTTP/1.1\r\nHost: docs.rs\r\nX-Own: yes\r\nContent-Length: 2\r\n\
                        Connection: close\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
        let port = b"GET http://[::1]:8080 HTTP/1.1\r\n\r\n";
        let Ok(Asked::Plain { place: to, head, .. }) = Asked::of(port) else { panic!() };
        assert_eq!(to, place("::1", 8080));
        assert!(head.starts_with(b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n"));
    }

    #[test]
    fn everything_else_is_refused() {
        for request in [
            "connect docs.rs:443 HTTP/1.1\r\n\r\n",
            "CONNECT docs.rs HTTP/1.1\r\n\r\n",
            "CONNECT docs.rs:99999 HTTP/1.1\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "CONNECT user@docs.rs:443 HTTP/1.1\r\n\r\n",
            "CONNECT\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: docs.rs\r\n\r\n",
            "GET https://docs.rs/ HTTP/1.1\r\n\r\n",
            "GET ftp://docs.rs/ HTTP/1.1\r\n\r\n",
            "GET http://user@docs.rs/ HTTP/1.1\r\n\r\n",
            "GET http://docs.rs/ HTTP/2\r\n\r\n",
            "GET http://docs.rs/ HTTP/1.1 more\r\n\r\n",
            "GET http://docs.rs/ HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
            "GET http://docs.rs/ HTTP/1.1\r\nX: a\nHost: evil\r\n\r\n",
            "",
        ] {
            assert!(Asked::of(request.as_bytes()).is_err(), "{request}");
        }
    }
}
