//! HTTP through the host's egress broker. The host adds credentials, follows redirects by the grant's rules
//! and refuses everything that the manifest does not ask for.

use std::{io, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Failure, Result, bindings::host::openkoi::host::http, failure::hosted};

pub use crate::provider::{Header, HttpRequest};

/// A request that is being put together.
#[derive(Clone, Debug)]
pub struct Request {
    message: HttpRequest,
    timeout_ms: Option<u64>,
}

impl Request {
    /// Makes a request without headers or body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self::from(HttpRequest::new(method, url))
    }

    /// Makes a `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Makes a `POST` request with `body` as JSON.
    ///
    /// # Errors
    ///
    /// If `body` cannot be written as JSON.
    pub fn post_json(url: impl Into<String>, body: &impl Serialize) -> Result<Self> {
        HttpRequest::post_json(url, body).map(Self::from)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.message = self.message.header(name, value);
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.message.body = bytes.into();
        self
    }

    /// Names a credential of the manifest. The host puts it in; no byte of it is seen here.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.message = self.message.credential(name);
        self
    }

    /// Says that sending the request twice is the same as sending it once. It holds for `GET` without saying so,
    /// and not for `POST`.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.message = self.message.repeatable();
        self
    }

    /// Bounds the wait for the response's head.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout_ms = Some(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Sends the request and returns when the response's head is there. A status of 400 and above is not
    /// a failure; see [`Response::success`].
    ///
    /// # Errors
    ///
    /// [`Failure::Denied`] outside of the grant, [`Failure::Unavailable`] when nothing came back.
    pub fn send(&self) -> Result<Response> {
        let response = hosted(|| http::send(&self.message, self.timeout_ms))?;
        Ok(Response {
            status: response.status,
            headers: response.headers,
            url: response.url,
            body: Body::new(response.body),
        })
    }
}

impl From<HttpRequest> for Request {
    fn from(message: HttpRequest) -> Self {
        Self { message, timeout_ms: None }
    }
}

/// A response whose head has arrived.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, without cookies and credentials.
    pub headers: Vec<Header>,
    /// The URL that answered, after redirects.
    pub url: String,
    /// The body, pulled as it is read.
    pub body: Body,
}

impl Response {
    /// Returns the first header called `name`, compared without case.
    pub fn header(&self, name: &str) -> Option<String> {
        crate::provider::header(&self.headers, name)
    }

    /// Returns whether the status is 200 to 299.
    pub fn success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the body if it has at most `max` bytes.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] for a longer body.
    pub fn bytes(self, max: usize) -> Result<Vec<u8>> {
        let (bytes, complete) = self.body.read_up_to(max)?;
        if complete { Ok(bytes) } else { Err(Failure::limited("http-body-bytes", max as u64)) }
    }

    /// Returns the body as text if it has at most `max` bytes; invalid UTF-8 is replaced.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] for a longer body.
    pub fn text(self, max: usize) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(max)?).into_owned())
    }

    /// Returns the body, at most `max` bytes of JSON, as a `T`.
    ///
    /// # Errors
    ///
    /// If the body is longer, or not such JSON.
    pub fn json<T: DeserializeOwned>(self, max: usize) -> Result<T> {
        Ok(serde_json::from_slice(&self.bytes(max)?)?)
    }
}

/// The body of a response: an iterator over its chunks, and a reader.
#[derive(Debug)]
pub struct Body {
    source: Source,
    rest: io::Cursor<Vec<u8>>,
}

/// The host's side of a body.
#[derive(Debug)]
struct Source(http::Body);

impl Iterator for Source {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.read(Body::CHUNK).transpose()
    }
}

impl Body {
    const CHUNK: u32 = 64 * 1024;

    fn new(source: http::Body) -> Self {
        Self { source: Source(source), rest: io::Cursor::default() }
    }

    /// Returns up to `max` bytes, and whether that was everything.
    ///
    /// # Errors
    ///
    /// The host's failure while the body arrives.
    pub fn read_up_to(self, max: usize) -> Result<(Vec<u8>, bool)> {
        collect_up_to(self, max)
    }
}

impl Iterator for Body {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        next_chunk(&mut self.rest, &mut self.source)
    }
}

impl io::Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_chunks(&mut self.rest, &mut self.source, buffer)
    }
}

type Chunk = Result<Vec<u8>>;

fn collect_up_to(chunks: impl Iterator<Item = Chunk>, max: usize) -> Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    for chunk in chunks {
        bytes.extend(chunk?);
        if bytes.len() > max {
            bytes.truncate(max);
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

/// The rest of a chunk comes before the next one.
fn next_chunk(
    rest: &mut io::Cursor<Vec<u8>>,
    chunks: &mut impl Iterator<Item = Chunk>,
) -> Option<Chunk> {
    let read = rest.position() as usize;
    let left = std::mem::take(rest).into_inner().split_off(read);
    if left.is_empty() { chunks.next() } else { Some(Ok(left)) }
}

fn read_chunks(
    rest: &mut io::Cursor<Vec<u8>>,
    chunks: &mut impl Iterator<Item = Chunk>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        let read = io::Read::read(rest, buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        match chunks.next() {
            None => return Ok(0),
            Some(chunk) => *rest = io::Cursor::new(chunk?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks() -> impl Iterator<Item = Chunk> {
        [b"abc".to_vec(), Vec::new(), b"defg".to_vec()].into_iter().map(Ok)
    }

    #[test]
    fn a_reader_gets_every_byte_and_then_the_end() {
        let (mut rest, mut source) = (io::Cursor::default(), chunks());
        let mut buffer = [0; 2];
        let mut all = Vec::new();

        loop {
            let read = read_chunks(&mut rest, &mut source, &mut buffer).unwrap();
            all.extend_from_slice(&buffer[..read]);
            if read == 0 {
                break;
            }
        }

        assert_eq!(all, b"abcdefg");
    }

    #[test]
    fn what_a_reader_left_is_not_lost() {
        let (mut rest, mut source) = (io::Cursor::default(), chunks());
        read_chunks(&mut rest, &mut source, &mut [0; 2]).unwrap();

        assert_eq!(next_chunk(&mut rest, &mut source), Some(Ok(b"c".to_vec())));
        assert_eq!(next_chunk(&mut rest, &mut source), Some(Ok(Vec::new())));
    }

    #[test]
    fn a_body_is_cut_at_its_cap_and_says_so() {
        assert_eq!(collect_up_to(chunks(), 7), Ok((b"abcdefg".to_vec(), true)));
        assert_eq!(collect_up_to(chunks(), 4), Ok((b"abcd".to_vec(), false)));
    }

    #[test]
    fn a_failure_of_the_body_ends_the_read() {
        let mut broken = [Err(Failure::Cancelled)].into_iter();

        let error = read_chunks(&mut io::Cursor::default(), &mut broken, &mut [0; 2]).unwrap_err();

        assert_eq!(error.to_string(), "cancelled");
    }
}
