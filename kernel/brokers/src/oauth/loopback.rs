//! The address on this machine that a browser comes back to after a login.
//!
//! Any page in any browser can make requests to it, so each one is looked at: it is a GET of one path with the host that
//! this listener gave out (a name that was made to lead here has another), and it has the state of this login, which the
//! service alone was told. Everything else gets an error and ends nothing.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{LoginError, error::one_line};
use crate::sabotage::{Guard, off};

/// The path that the browser comes back to.
const PATH: &str = "/callback";
/// The largest head of a request.
const LARGEST: usize = 16 << 10;
/// The longest time for one request. Browsers open connections in advance and send nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most connections at once.
const MOST: usize = 32;

/// What the service answers by way of the browser.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Callback {
    /// The person agreed.
    Code {
        /// The code that is exchanged for tokens.
        code: Zeroizing<String>,
        /// What the service calls itself.
        issuer: Option<String>,
    },
    /// There is no code.
    Refused {
        /// The error in the service's words.
        error: String,
    },
}

/// A listener on a loopback address, at a port that the system chooses.
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    pub(super) async fn listen() -> Result<Self, LoginError> {
        let failed = |source| LoginError::Listener { source };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// Returns the address that the browser is sent to.
    pub(super) fn redirect_url(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Reads the address that a browser on another machine was sent to, and could not open.
    pub(super) fn pasted(&self, address: &str, state: &str) -> Option<Callback> {
        let url = Url::parse(address.trim()).ok()?;
        let base = Url::parse(&self.redirect_url()).ok()?;
        let is_here = url.origin() == base.origin() && url.path() == base.path();
        answered(&url, state).filter(|_| is_here)
    }

    /// Waits for the answer with this state.
    pub(super) async fn callback(&self, state: &str) -> Result<Callback, LoginError> {
        let mut open: JoinSet<Option<Callback>> = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if open.len() < MOST => {
                    let (stream, _) =
                        accepted.map_err(|source| LoginError::Listener { source })?;
                    let (host, state) = (format!("127.0.0.1:{}", self.port), state.to_owned());
                    open.spawn(async move {
                        let answered = answer(stream, &host, &state);
                        tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()?
                    });
                }
                Some(done) = open.join_next() => {
                    if let Ok(Some(callback)) = done {
                        return Ok(callback);
                    }
                }
            }
        }
    }
}

/// Answers one request; returns what it says if it is the one that is waited for.
async fn answer(mut stream: TcpStream, host: &str, state: &str) -> io::Result<Option<Callback>> {
    let head = head(&mut stream).await?;
    let (status, words, callback) = match read(&head, host, state) {
        Ok(callback @ Callback::Code { .. }) => {
            ("200 OK", "Logged in. You can close this page.", Some(callback))
        }
        Ok(callback @ Callback::Refused { .. }) => {
            ("200 OK", "Not logged in. You can close this page.", Some(callback))
        }
        Err(status) => (status, "This is not the answer that is waited for.", None),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
         x-content-type-options: nosniff\r\nconnection: close\r\n\r\n{words}",
        words.len()
    );
    // Whether or not the browser is still there, the code has come.
    stream.write_all(response.as_bytes()).await.ok();
    stream.shutdown().await.ok();
    Ok(callback)
}

async fn head(stream: &mut TcpStream) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).await?;
        if count == 0 || bytes.len() + count > LARGEST {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads the head of a request, or returns the status that it is refused with.
fn read(head: &str, host: &str, state: &str) -> Result<Callback, &'static str> {
    const BAD: &str = "400 Bad Request";
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut hosts = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    let is_here = hosts.next() == Some(host) && hosts.next().is_none();
    if !is_here && !off(Guard::LoopbackHost) {
        return Err("421 Misdirected Request");
    }
    if method != "GET" {
        return Err("405 Method Not Allowed");
    }
    // Its origin is this listener, whatever the target says.
    let url = Url::parse(&format!("http://{host}")).and_then(|base| base.join(target));
    let url = url.map_err(|_| BAD)?;
    if !target.starts_with('/') || target.starts_with("//") || url.path() != PATH {
        return Err("404 Not Found");
    }
    answered(&url, state).ok_or(BAD)
}

/// Returns what the service answers in the query of an address that the browser was sent to, if it has this state.
fn answered(url: &Url, state: &str) -> Option<Callback> {
    let query = url.query().unwrap_or_default();
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    let is_ours = found.next().is_some_and(|(_, value)| value == state) && found.next().is_none();
    if !is_ours && !off(Guard::LoopbackState) {
        return None;
    }
    let field = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    if let Some(error) = field("error") {
        return Some(Callback::Refused { error: one_line(&error) });
    }
    let code = Zeroizing::new(field("code")?);
    Some(Callback::Code { code, issuer: field("iss") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:40123";

    fn asked(line: &str, host: &str) -> Result<Callback, &'static str> {
        read(&format!("{line}\r\nHost: {host}\r\nAccept: */*\r\n\r\n"), HOST, "st-1")
    }

    #[test]
    fn the_answer_with_the_state_is_taken() {
        let code = |code: &str, issuer: Option<&str>| Callback::Code {
            code: Zeroizing::new(code.to_owned()),
            issuer: issuer.map(str::to_owned),
        };
        assert_eq!(
            asked("GET /callback?code=a%2Bb&state=st-1 HTTP/1.1", HOST),
            Ok(code("a+b", None))
        );
        assert_eq!(
            asked("GET /callback?state=st-1&iss=https%3A%2F%2Fa.example&code=c HTTP/1.1", HOST),
            Ok(code("c", Some("https://a.example")))
        );
        assert_eq!(
            asked("GET /callback?error=access_denied&state=st-1 HTTP/1.1", HOST),
            Ok(Callback::Refused { error: "access_denied".to_owned() })
        );
    }

    #[test]
    fn whatever_is_not_the_answer_is_refused() {
        let good = "GET /callback?code=c&state=st-1 HTTP/1.1";
        for (line, host) in [
            (good, "evil.example:40123"),
            (good, "localhost:40123"),
            (good, "127.0.0.1"),
            (good, "127.0.0.1:40123\r\nHost: evil.example"),
            ("GET /callback?code=c HTTP/1.1", HOST),
            ("GET /callback?code=c&state=st-2 HTTP/1.1", HOST),
            ("GET /callback?code=c&state=st-1&state=st-2 HTTP/1.1", HOST),
            ("GET /callback?state=st-1 HTTP/1.1", HOST),
            ("GET /other?code=c&state=st-1 HTTP/1.1", HOST),
            ("GET //evil.example/callback?code=c&state=st-1 HTTP/1.1", HOST),
            ("GET http://evil.example/callback?code=c&state=st-1 HTTP/1.1", HOST),
            ("POST /callback?code=c&state=st-1 HTTP/1.1", HOST),
            ("", HOST),
        ] {
            assert!(asked(line, host).is_err(), "{line} {host}");
        }
    }
}
