//! Providers of models: codecs without I/O. The host owns the connection, the deadlines and the credentials.

use std::{cell::RefCell, marker::PhantomData};

pub use crate::bindings::host::openkoi::types::http_types::{Header, HttpRequest};
pub use crate::bindings::provider::exports::openkoi::provider::codec::{
    CallDelta, CallStart, Diagnosis, Embeddings, Endpoint, Event, ModelEntry, Price, Problem,
};
pub use crate::conversation::{
    Blob, CompletionRequest, Effort, Message, Part, Reasoning, Speaker, StopReason, ToolCall,
    ToolChoice, ToolResult, ToolSpec, Usage,
};

use serde_json::Value;

use crate::{
    Failure, Result,
    bindings::provider::exports::openkoi::provider::codec::{Guest, GuestDecoder},
};

/// One provider's wire format.
pub trait Codec {
    /// The reader of one response.
    type Decoder: Decoder + 'static;

    /// Writes the request for one streamed turn. A turn changes nothing at the service, so such a request is
    /// [`HttpRequest::repeatable`].
    ///
    /// # Errors
    ///
    /// If the request says what the wire format cannot.
    fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest>;

    /// Begins to read a successful response.
    fn decoder(status: u16, headers: &[Header]) -> Self::Decoder;

    /// Reads an error response.
    fn diagnose(status: u16, headers: &[Header], body: &[u8]) -> Diagnosis;

    /// Writes the request for the list of models.
    ///
    /// # Errors
    ///
    /// [`Failure::Unsupported`] if there is none.
    fn encode_models(_endpoint: &Endpoint) -> Result<HttpRequest> {
        Err(Failure::unsupported("a list of models"))
    }

    /// Reads the list of models.
    ///
    /// # Errors
    ///
    /// If `body` is not such a list.
    fn decode_models(_body: &[u8]) -> Result<Vec<ModelEntry>> {
        Err(Failure::unsupported("a list of models"))
    }

    /// Writes the request for embeddings.
    ///
    /// # Errors
    ///
    /// [`Failure::Unsupported`] if there are none.
    fn encode_embeddings(
        _endpoint: &Endpoint,
        _model: &str,
        _texts: &[String],
    ) -> Result<HttpRequest> {
        Err(Failure::unsupported("embeddings"))
    }

    /// Reads embeddings, one vector a text, and how many tokens the texts were.
    ///
    /// # Errors
    ///
    /// If `body` holds no embeddings.
    fn decode_embeddings(_body: &[u8]) -> Result<Embeddings> {
        Err(Failure::unsupported("embeddings"))
    }
}

/// Reads one response. One value lives for one response.
pub trait Decoder {
    /// Takes the next bytes, cut anywhere, and adds what they complete to `events`.
    ///
    /// # Errors
    ///
    /// Ends the turn. What was added before counts as received.
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken>;

    /// Ends the response.
    ///
    /// # Errors
    ///
    /// As [`Decoder::push`]; [`Failure::Unavailable`] if it was cut short.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Broken>;
}

/// Why a response ends before the turn is complete.
#[derive(Clone, Debug, PartialEq)]
pub enum Broken {
    /// The provider reported an error in it.
    Reported(Diagnosis),
    /// Its bytes are not the format, or there are too few.
    Unreadable(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Unreadable(failure)
    }
}

impl From<Diagnosis> for Broken {
    fn from(diagnosis: Diagnosis) -> Self {
        Self::Reported(diagnosis)
    }
}

impl Broken {
    /// The usage that the provider reported.
    fn diagnosis(self) -> Diagnosis {
        let failure = match self {
            Self::Reported(diagnosis) => return diagnosis,
            Self::Unreadable(failure) => failure,
        };
        match failure {
            Failure::Unavailable(outage) => Diagnosis {
                problem: Problem::Overloaded,
                message: outage.message,
                retry_after_ms: outage.retry_after_ms,
            },
            other => Diagnosis {
                problem: Problem::Other,
                message: other.to_string(),
                retry_after_ms: None,
            },
        }
    }
}

/// Returns what the host is told of one step. A function returns events or a failure, so with events before it a
/// failure is told as the last of them.
fn told(mut events: Vec<Event>, step: Result<(), Broken>) -> Result<Vec<Event>> {
    match step {
        Ok(()) => {}
        Err(Broken::Unreadable(failure)) if events.is_empty() => return Err(failure),
        Err(broken) => events.push(Event::Failed(broken.diagnosis())),
    }
    Ok(events)
}

impl Endpoint {
    /// Returns the setting `name` of `[providers.NAME]`, if the user made it.
    pub fn option(&self, name: &str) -> Option<&str> {
        let found = self.options.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }
}

impl ModelEntry {
    /// Makes an entry of which only the id is known.
    pub fn of(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            name: id.clone(),
            id,
            context: None,
            output: None,
            tools: None,
            images: None,
            reasoning: None,
            embeds: false,
            price: None,
        }
    }
}

impl Price {
    /// Reads prices that are given in dollars for one token, as text or as a number. Nothing without those of a
    /// request and of an answer, or where one is negative, which is how services say that it varies.
    pub fn per_token(input: &Value, output: &Value) -> Option<Self> {
        let (input, output) = (per_million(input)?, per_million(output)?);
        Some(Self { input, output, cache_read: None, cache_write: None })
    }

    /// Adds what the cache costs, as for [`Price::per_token`].
    #[must_use]
    pub fn cached_per_token(mut self, read: &Value, write: &Value) -> Self {
        self.cache_read = per_million(read);
        self.cache_write = per_million(write);
        self
    }
}

/// Dollars for a token, as millionths of a dollar for a million tokens.
fn per_million(dollars: &Value) -> Option<u64> {
    let dollars = dollars.as_f64().or_else(|| dollars.as_str()?.trim().parse().ok())?;
    let price = (dollars * 1e12).round();
    (price.is_finite() && (0.0..1e15).contains(&price)).then_some(price as u64)
}

impl Header {
    /// Makes a header.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl HttpRequest {
    /// Makes a request without headers, body and credential. It is repeatable if HTTP says so of its method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        let method = method.into();
        let repeatable =
            matches!(&*method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE");
        let (url, headers, body) = (url.into(), Vec::new(), Vec::new());
        Self { method, url, headers, body, credential: None, repeatable }
    }

    /// Makes a `GET` request.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Makes a `POST` request with `body` as JSON. It is not repeatable unless [`HttpRequest::repeatable`] says so.
    ///
    /// # Errors
    ///
    /// If `body` cannot be written as JSON.
    pub fn post_json(url: impl Into<String>, body: &impl serde::Serialize) -> Result<Self> {
        let request = Self::new("POST", url).header("content-type", "application/json");
        Ok(Self { body: serde_json::to_vec(body)?, ..request })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }

    /// Names the credential that the host puts in, as the manifest declares it.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credential = Some(name.into());
        self
    }

    /// Says that sending the request twice is the same as sending it once.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// Returns the first header called `name`, compared without case, as text; bytes that are not UTF-8 are replaced.
pub fn header(headers: &[Header], name: &str) -> Option<String> {
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}

/// The generated trait, implemented by way of [`Codec`].
#[doc(hidden)]
pub struct Adapter<C>(PhantomData<C>);

/// The generated resource, implemented by way of [`Decoder`]. Its methods take `&self`, hence the cell; the
/// host makes one call at a time.
#[doc(hidden)]
pub struct DecoderAdapter<C: Codec>(RefCell<C::Decoder>);

impl<C: Codec + 'static> GuestDecoder for DecoderAdapter<C> {
    fn new(status: u16, headers: Vec<Header>) -> Self {
        crate::prepare();
        Self(RefCell::new(C::decoder(status, &headers)))
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let step = self.0.borrow_mut().push(&bytes, &mut events);
        told(events, step)
    }

    fn finish(&self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let step = self.0.borrow_mut().finish(&mut events);
        told(events, step)
    }
}

impl<C: Codec + 'static> Guest for Adapter<C> {
    type Decoder = DecoderAdapter<C>;

    fn encode(endpoint: Endpoint, request: CompletionRequest) -> Result<HttpRequest> {
        crate::prepare();
        C::encode(&endpoint, &request)
    }

    fn diagnose(status: u16, headers: Vec<Header>, body: Vec<u8>) -> Diagnosis {
        crate::prepare();
        C::diagnose(status, &headers, &body)
    }

    fn encode_models(endpoint: Endpoint) -> Result<HttpRequest> {
        crate::prepare();
        C::encode_models(&endpoint)
    }

    fn decode_models(body: Vec<u8>) -> Result<Vec<ModelEntry>> {
        crate::prepare();
        C::decode_models(&body)
    }

    fn encode_embeddings(
        endpoint: Endpoint,
        model: String,
        texts: Vec<String>,
    ) -> Result<HttpRequest> {
        crate::prepare();
        C::encode_embeddings(&endpoint, &model, &texts)
    }

    fn decode_embeddings(body: Vec<u8>) -> Result<Embeddings> {
        crate::prepare();
        C::decode_embeddings(&body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<Event> {
        vec![Event::Text("a".to_owned())]
    }

    fn diagnosis(problem: Problem, message: &str, retry_after_ms: Option<u64>) -> Diagnosis {
        Diagnosis { problem, message: message.to_owned(), retry_after_ms }
    }

    #[test]
    fn what_came_before_an_error_is_told_with_it() {
        let quota = diagnosis(Problem::Quota, "no credit", None);
        let mut busy = Failure::unavailable("busy");
        if let Failure::Unavailable(outage) = &mut busy {
            outage.retry_after_ms = Some(7);
        }
        let cases = [
            (quota.clone().into(), quota),
            (busy.into(), diagnosis(Problem::Overloaded, "busy", Some(7))),
            (Failure::failed("a page").into(), diagnosis(Problem::Other, "a page", None)),
        ];

        for (broken, last) in cases {
            let expected = [text(), vec![Event::Failed(last)]].concat();
            assert_eq!(told(text(), Err(broken)), Ok(expected));
        }
    }

    #[test]
    fn with_nothing_before_it_a_failure_stays_one_and_a_report_stays_an_event() {
        let limit = Failure::limited("sse-line-bytes", 1);
        let quota = diagnosis(Problem::Quota, "no credit", None);

        assert_eq!(told(Vec::new(), Err(limit.clone().into())), Err(limit));
        assert_eq!(told(Vec::new(), Err(quota.clone().into())), Ok(vec![Event::Failed(quota)]));
        assert_eq!(told(text(), Ok(())), Ok(text()));
    }
}
