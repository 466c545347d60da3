//! Pages of a server that a program of the task runs: in its own network, where nobody else's is.
//!
//! The connection is made by a process that enters that network for a moment and hands it out, so an address here cannot be
//! one of this machine. It speaks as much of HTTP as a page needs: `GET` or `HEAD`, one request a connection.

use super::shared::NetworkPlace;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 * 1024;

/// A request to a server on the loopback of a network that programs share.
#[derive(Debug, Clone)]
pub struct OwnRequest {
    /// `GET` or `HEAD`.
    pub method: String,
    /// The name by which the server is asked, with its port.
    pub authority: String,
    /// The port.
    pub port: u16,
    /// Path and query, as they are sent.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The most bytes of the body.
    pub most: usize,
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAnswer {
    /// The status code.
    pub status: u16,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body, up to the most that was asked for.
    pub body: Vec<u8>,
}

impl NetworkPlace {
    /// Asks a server of this network.
    ///
    /// # Errors
    ///
    /// Nobody listens there, it is no HTTP, or it takes too long.
    pub async fn ask(&self, request: &OwnRequest, deadline: Duration) -> io::Result<OwnAnswer> {
        let (place, port) = (self.clone(), request.port);
        let asked = async {
            let connected = tokio::task::spawn_blocking(move || connect(&place, port)).await;
            let stream = connected.map_err(io::Error::other)??;
            stream.set_nonblocking(true)?;
            exchange(TcpStream::from_std(stream)?, request).await
        };
        tokio::time::timeout(deadline, asked).await?
    }
}

/// Connects to a port of a network's loopback. Blocks for a moment.
fn connect(place: &NetworkPlace, port: u16) -> io::Result<std::net::TcpStream> {
    // Without a program in it there is no network yet.
    let there = place.begun().ok_or(io::ErrorKind::NotConnected)?;
    #[cfg(target_os = "linux")]
    return super::sandbox::connect(&there, port);
    #[cfg(not(target_os = "linux"))]
    Err((drop((there, port)), io::ErrorKind::Unsupported).1.into())
}

async fn exchange(mut stream: TcpStream, request: &OwnRequest) -> io::Result<OwnAnswer> {
    let OwnRequest { method, authority, path, headers, .. } = request;
    // The older version has no pieces to put together, and ends with the connection.
    let mut head =
        format!("{method} {path} HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > LONGEST_HEAD || stream.read_buf(&mut bytes).await? == 0 {
            return Err(no_http());
        }
    };
    let (status, headers) = head_of(bytes.get(..end).unwrap_or_default())?;
    let mut body = bytes.split_off(end + 4);
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse::<usize>().ok());
    let has_none = method == "HEAD" || status == 204 || status == 304;
    let wanted = if has_none { 0 } else { length.unwrap_or(usize::MAX).min(request.most) };
    while body.len() < wanted && stream.read_buf(&mut body).await? > 0 {}
    body.truncate(wanted);
    Ok(OwnAnswer { status, headers, body })
}

/// Reads the head of an answer.
fn head_of(bytes: &[u8]) -> io::Result<(u16, Vec<(String, String)>)> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or_else(no_http)?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok((status, lines.filter_map(header).collect()))
}

fn no_http() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what listens there does not speak HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn request(method: &str, most: usize) -> OwnRequest {
        OwnRequest {
            method: method.to_owned(),
            authority: "localhost:3000".to_owned(),
            port: 3000,
            path: "/a?b".to_owned(),
            headers: vec![("accept".to_owned(), "text/html".to_owned())],
            most,
        }
    }

    /// Returns what is made of these bytes, and what was asked.
    async fn answered(
        bytes: &'static [u8],
        request: OwnRequest,
    ) -> (io::Result<OwnAnswer>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let answers = tokio::spawn(async move {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") && server.read_buf(&mut asked).await.unwrap() > 0 {}
            server.write_all(bytes).await.ok();
            String::from_utf8(asked).unwrap()
        });
        let answer = exchange(client, &request).await;
        (answer, answers.await.unwrap())
    }

    #[tokio::test]
    async fn a_page_is_asked_for_and_read_to_its_end() {
        let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello";
        let (answer, asked) = answered(page, request("GET", 100)).await;

        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        let expected = OwnAnswer { status: 200, headers, body: b"hello".to_vec() };
        assert_eq!(answer.unwrap(), expected);
        assert_eq!(
            asked,
            "GET /a?b HTTP/1.0\r\nHost: localhost:3000\r\nConnection: close\r\naccept: text/html\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn a_body_has_its_length_and_its_limit() {
        let long = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabcdef";
        assert_eq!(answered(long, request("GET", 100)).await.0.unwrap().body, b"abc");
        assert_eq!(answered(long, request("GET", 2)).await.0.unwrap().body, b"ab");
        assert_eq!(answered(long, request("HEAD", 100)).await.0.unwrap().body, b"");
    }

    #[tokio::test]
    async fn what_is_no_http_says_so() {
        for bytes in [b"220 mail.example.org ESMTP\r\n\r\n".as_slice(), b"", b"HTTP/2 x\r\n\r\n"] {
            let error = answered(bytes, request("GET", 10)).await.0.unwrap_err();
            assert!(error.to_string().contains("does not speak HTTP"), "{error}");
        }
    }
}
