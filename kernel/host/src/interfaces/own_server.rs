//! Pages of a server that the task itself runs in the background. Its network is the task's own, so nothing of this machine
//! answers there, and nothing leaves it: what a program of the task reaches without a question a tool does too.

use std::time::Duration;

use openkoi_brokers::{
    egress::EgressError,
    processes::{OwnAnswer, OwnRequest},
};
use openkoi_core::{decision::Decision, event::Event, failure::Failure, port::Pending};
use url::{Host, Url};

use super::{Stop, blocking};
use crate::{
    bindings::imports::openkoi::types::http_types::HttpRequest,
    brokers::{HttpResponse, ResponseBody},
    instance::{Caller, GuestState},
    resources::BODY_BYTES,
};

/// The longest time for one page.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most redirects from page to page of one server.
const REDIRECTS: usize = 5;

/// A body that has arrived.
struct Arrived(Option<Vec<u8>>);

impl ResponseBody for Arrived {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        let bytes = self.0.take().filter(|bytes| !bytes.is_empty());
        Box::pin(std::future::ready(Ok(bytes)))
    }
}

/// Returns whether a request is one for a page on a loopback.
pub(super) fn is_loopback_page(method: &str, url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_loopback && url.scheme() == "http" && matches!(method, "GET" | "HEAD")
}

impl GuestState {
    /// Answers a request for a page on the loopback with what a server of the task says; nothing if the task has no programs
    /// in the background, or the component may not read any page that a person allows.
    pub(super) async fn own_page(
        &mut self,
        request: &HttpRequest,
        url: &Url,
    ) -> Result<Option<HttpResponse>, Stop> {
        let caller = self.caller()?;
        let reads_all = caller.grant.http.iter().any(|rule| rule.reads_any_page());
        let place = caller.workdir.background.place(&caller.scope.task, false);
        let Some(place) = place.filter(|_| caller.keeps_effects && reads_all) else {
            return Ok(None);
        };
        note(&self.component, &caller, url)?;
        // It serves files as they are now.
        let (background, task) = (caller.workdir.background.clone(), caller.scope.task.clone());
        let refresh = move || {
            background.refresh(&task);
            Ok(())
        };
        blocking(self.limits.wall, refresh).await?;
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let asked = own_request(request, &url);
            let answer = place.ask(&asked, self.limits.wall.min(PATIENCE)).await;
            let answer = answer.map_err(|error| {
                Failure::Failed(format!(
                    "no program of this task answers at {}: {error}",
                    authority(&url)
                ))
            })?;
            match next(&url, &answer).filter(|next| is_loopback_page(&request.method, next)) {
                Some(next) => url = next,
                None => return Ok(Some(response(answer, &url))),
            }
        }
        Err(Failure::Failed(format!("{} leads in a circle", authority(&url))).into())
    }
}

fn own_request(request: &HttpRequest, url: &Url) -> OwnRequest {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let headers = request.headers.iter().filter_map(|header| {
        let value = String::from_utf8(header.value.clone()).ok()?;
        let is_text = |text: &str| !text.chars().any(char::is_control);
        (is_text(&header.name) && is_text(&value)).then(|| (header.name.clone(), value))
    });
    OwnRequest {
        method: request.method.clone(),
        authority: authority(url),
        port: url.port_or_known_default().unwrap_or(80),
        path: format!("{}{query}", url.path()),
        headers: headers.collect(),
        most: usize::try_from(BODY_BYTES).unwrap_or(usize::MAX),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Returns where an answer leads.
fn next(url: &Url, answer: &OwnAnswer) -> Option<Url> {
    let leads = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
    let location = answer.headers.iter().find(|(name, _)| name == "location").filter(|_| leads)?;
    url.join(&location.1).ok()
}

fn response(answer: OwnAnswer, url: &Url) -> HttpResponse {
    let headers = answer.headers.into_iter().map(|(name, value)| (name, value.into_bytes()));
    HttpResponse {
        status: answer.status,
        headers: headers.collect(),
        url: url.to_string(),
        body: Box::new(Arrived(Some(answer.body))),
    }
}

/// Notes in the journal what is asked, as for each request.
fn note(component: &str, caller: &Caller, url: &Url) -> Result<(), Failure> {
    let decided = Event::GateDecided {
        origin: component.to_owned(),
        action: "http".to_owned(),
        effect: openkoi_core::tool::Effect::Read,
        domain: caller.domain.clone(),
        target: format!("GET http://{}", authority(url)),
        decision: Decision::Allow { because: "a server of the task".to_owned() },
        answer: None,
        question: None,
    };
    let noted = caller.scope.gate.recorder().note(&caller.scope.key, decided);
    noted.map_err(|error| Failure::Failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn pages_on_a_loopback_are_told_from_all_others() {
        for page in ["http://localhost:3000/", "http://127.0.0.1/", "http://[::1]:8080/a?b"] {
            assert!(is_loopback_page("GET", &url(page)), "{page}");
            assert!(!is_loopback_page("POST", &url(page)), "{page}");
        }
        for other in ["https://localhost/", "http://10.0.0.7/", "http://localhost.example.com/"] {
            assert!(!is_loopback_page("GET", &url(other)), "{other}");
        }
    }

    #[test]
    fn a_page_leads_on_within_its_server() {
        let answer = |status, location: &str| OwnAnswer {
            status,
            headers: vec![("location".to_owned(), location.to_owned())],
            body: Vec::new(),
        };
        let from = url("http://localhost:3000/a/b");

        let leads = |status, location| next(&from, &answer(status, location)).map(String::from);

        assert_eq!(leads(302, "c").as_deref(), Some("http://localhost:3000/a/c"));
        assert_eq!(leads(301, "https://example.com/").as_deref(), Some("https://example.com/"));
        assert_eq!(leads(200, "c"), None);
    }
}
