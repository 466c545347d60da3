//! Web servers that answer as told.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use openkoi_brokers::egress::{EgressError, EgressErrorKind, Request};
use openkoi_core::{pattern::HttpTarget, port::Pending};
use openkoi_host::{HttpResponse, ResponseBody, Transport};

/// An answer that was written beforehand.
#[derive(Clone, Debug)]
pub struct Canned {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    steps: VecDeque<Step>,
    refused: Option<EgressErrorKind>,
}

/// The next step of a scripted body.
#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Wait(Duration),
    Break,
}

impl Canned {
    /// An answer with this status and an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), steps: VecDeque::new(), refused: None }
    }

    /// A good answer with this body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).chunk(body)
    }

    /// No answer at all.
    #[must_use]
    pub fn refused(kind: EgressErrorKind) -> Self {
        Self { refused: Some(kind), ..Self::status(0) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// Adds a piece of the body.
    #[must_use]
    pub fn chunk(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.steps.push_back(Step::Bytes(bytes.into()));
        self
    }

    /// Lets time pass in the middle of the body.
    #[must_use]
    pub fn wait(mut self, duration: Duration) -> Self {
        self.steps.push_back(Step::Wait(duration));
        self
    }

    /// Breaks the connection in the middle of the body.
    #[must_use]
    pub fn broken(mut self) -> Self {
        self.steps.push_back(Step::Break);
        self
    }
}

/// All servers of a world. Their answers are given out in order; a request that no rule covers, or for which
/// nothing is left, is refused.
#[derive(Debug, Default)]
pub struct Web {
    answers: Mutex<VecDeque<Canned>>,
    requests: Mutex<Vec<Request>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Web {
    /// Adds an answer.
    pub fn answer(&self, canned: Canned) {
        locked(&self.answers).push_back(canned);
    }

    /// Returns the requests that were sent.
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.requests).clone()
    }

    /// Returns the number of answers that are left.
    pub fn left(&self) -> usize {
        locked(&self.answers).len()
    }

    fn reply(&self, request: Request) -> Result<HttpResponse, EgressError> {
        if !covered(&request) {
            let message = format!("no rule covers {} {}", request.method, request.url);
            return Err(error(EgressErrorKind::Denied, message));
        }
        let url = request.url.clone();
        locked(&self.requests).push(request);
        let Some(canned) = locked(&self.answers).pop_front() else {
            let message = "the test wrote no such answer".to_owned();
            return Err(error(EgressErrorKind::Denied, message));
        };
        if let Some(kind) = canned.refused {
            return Err(error(kind, "nobody answers".to_owned()));
        }
        let body = Box::new(Script(canned.steps));
        Ok(HttpResponse { status: canned.status, headers: canned.headers, url, body })
    }
}

impl Transport for Web {
    fn send(&self, request: Request) -> Pending<'_, Result<HttpResponse, EgressError>> {
        Box::pin(std::future::ready(self.reply(request)))
    }
}

struct Script(VecDeque<Step>);

impl Script {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, EgressError> {
        while let Some(step) = self.0.pop_front() {
            match step {
                Step::Bytes(bytes) if bytes.is_empty() => {}
                Step::Bytes(bytes) => return Ok(Some(bytes)),
                Step::Wait(duration) => tokio::time::sleep(duration).await,
                Step::Break => {
                    let message = "the connection broke".to_owned();
                    return Err(error(EgressErrorKind::Interrupted, message));
                }
            }
        }
        Ok(None)
    }
}

impl ResponseBody for Script {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        Box::pin(self.next())
    }
}

/// The egress broker decides by the rules before anything is sent, so this does too.
fn covered(request: &Request) -> bool {
    let Ok(url) = url::Url::parse(&request.url) else { return false };
    let target = HttpTarget {
        method: &request.method,
        secure: url.scheme() == "https",
        host: url.host_str().unwrap_or_default(),
        port: url.port_or_known_default().unwrap_or_default(),
        path: url.path(),
        query: url.query().unwrap_or_default(),
    };
    request.rules.iter().any(|rule| rule.matches(&target))
}

fn error(kind: EgressErrorKind, message: String) -> EgressError {
    let sent = matches!(kind, EgressErrorKind::Interrupted | EgressErrorKind::Timeout { .. });
    EgressError { kind, message, request_sent: sent, hint: None, retry_after: None }
}
