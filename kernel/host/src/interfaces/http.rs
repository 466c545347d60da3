//! `http`: requests through the egress broker, under the rules of the call's grant.

use std::time::Duration;

use openkoi_brokers::egress::{EgressLimits, Request};
use openkoi_core::{
    capability::{Coverage, Grant, Use},
    failure::Failure,
    pattern::{HostPattern, HttpRule, HttpTarget},
};
use url::Url;
use wasmtime::component::Resource;

use super::{Stop, WitResult, own_server, wit_result};
use crate::{
    bindings::imports::openkoi::{
        host::http::{Host, HostBody, Response},
        types::http_types::{Header, HttpRequest},
    },
    brokers::{Brokers, HttpResponse},
    failure,
    instance::GuestState,
    resources::{BODY_BYTES, BodyStream},
    sabotage::{Guard, off},
    service::{
        account::Account,
        error::ServiceError,
        send::{self, Outgoing},
    },
};

const FIRST_BYTE: Duration = Duration::from_secs(60);

impl Host for GuestState {
    async fn send(&mut self, request: HttpRequest, timeout_ms: Option<u64>) -> WitResult<Response> {
        wit_result(self.http_send(request, timeout_ms).await)
    }
}

impl HostBody for GuestState {
    async fn read(&mut self, body: Resource<BodyStream>, max: u32) -> WitResult<Option<Vec<u8>>> {
        wit_result(self.http_read(body, max).await)
    }

    async fn drop(&mut self, body: Resource<BodyStream>) -> wasmtime::Result<()> {
        self.table.delete(body)?;
        Ok(())
    }
}

impl GuestState {
    async fn http_send(
        &mut self,
        request: HttpRequest,
        timeout_ms: Option<u64>,
    ) -> Result<Response, Stop> {
        let headers: usize = request.headers.iter().map(|h| h.name.len() + h.value.len()).sum();
        self.charge(request.url.len() + request.body.len() + headers)?;
        let url = parse(&request.url)?;
        // No credential is for a program of the task.
        if request.credential.is_none()
            && own_server::is_loopback_page(&request.method, &url)
            && let Some(response) = self.own_page(&request, &url).await?
        {
            return self.http_response(response);
        }
        let target = target(&request.method, &url);
        self.check_credential(request.credential.as_deref(), &target)?;
        let granted = self.caller()?.grant.coverage(&Use::Http(target)) != Coverage::None;
        if !granted && is_private(target.host) {
            return Err(private(target.host).into());
        }
        let caller = self.pass(&Use::Http(target)).await?;
        let rules = rules(&caller.grant, &target)?;
        let first_byte = timeout_ms.map_or(FIRST_BYTE, Duration::from_millis).min(FIRST_BYTE);
        let limits = EgressLimits {
            first_byte,
            total: self.limits.wall,
            body_bytes: BODY_BYTES,
            ..EgressLimits::standard()
        };
        let (credential, repeatable) = (request.credential, request.repeatable);
        let request = Request {
            caller: self.component.to_string(),
            method: request.method.clone(),
            url: request.url,
            headers: request.headers.into_iter().map(|h| (h.name, h.value)).collect(),
            body: request.body,
            credentials: Vec::new(),
            rules,
            limits,
        };
        let named =
            Named { credential: credential.as_deref(), repeatable, patience: self.patience() };
        let account = caller.account.as_deref();
        let response = dispatch(&self.brokers, account, &named, &target, request).await?;
        self.http_response(response)
    }

    /// Refuses a request with a credential that is not declared or is for another address, before anybody is asked.
    fn check_credential(
        &self,
        named: Option<&str>,
        target: &HttpTarget<'_>,
    ) -> Result<(), Failure> {
        let Some(named) = named else { return Ok(()) };
        let caller = self.caller()?;
        let Some(account) = &caller.account else {
            let hint = "declare it in component.toml: [[credential]]".to_owned();
            let named = crate::text::one_line(named, 80);
            let what = format!("the credential `{named}`: `{}` declares none", self.component);
            return Err(Failure::Denied { what, hint });
        };
        match account.credential(named, target) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.into_failure(&account.name)),
        }
    }

    /// Returns the longest time for waits between the attempts of one request: half of what is left of the call, so that
    /// an attempt can still be answered.
    fn patience(&self) -> Duration {
        let spent = self.brokers.clock.monotonic_ms().saturating_sub(self.begun_ms);
        self.limits.wall.saturating_sub(Duration::from_millis(spent)) / 2
    }

    fn http_response(&mut self, response: HttpResponse) -> Result<Response, Stop> {
        let headers: Vec<Header> =
            response.headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        self.charge_bytes(headers.iter().map(|h| h.name.len() + h.value.len()).sum())?;
        let body = self.table.push(BodyStream { inner: response.body, rest: Vec::new() })?;
        Ok(Response { status: response.status, headers, url: response.url, body })
    }

    async fn http_read(
        &mut self,
        body: Resource<BodyStream>,
        max: u32,
    ) -> Result<Option<Vec<u8>>, Stop> {
        self.charge(0)?;
        let body = self.table.get_mut(&body)?;
        if body.rest.is_empty() {
            match body.inner.chunk().await.map_err(failure::of_egress)? {
                Some(bytes) => body.rest = bytes,
                None => return Ok(None),
            }
        }
        let most = usize::try_from(max).unwrap_or(usize::MAX).clamp(1, body.rest.len());
        let later = body.rest.split_off(most);
        let now = std::mem::replace(&mut body.rest, later);
        self.charge_bytes(now.len())?;
        Ok(Some(now))
    }
}

/// What a request says of itself besides the message.
struct Named<'a> {
    credential: Option<&'a str>,
    repeatable: bool,
    /// The longest time for waits between attempts.
    patience: Duration,
}

/// Sends a request, with the credential that it names.
async fn dispatch(
    brokers: &Brokers,
    account: Option<&Account>,
    named: &Named<'_>,
    target: &HttpTarget<'_>,
    request: Request,
) -> Result<HttpResponse, Failure> {
    let (Some(name), Some(account)) = (named.credential, account) else {
        return brokers.transport.send(request).await.map_err(failure::of_egress);
    };
    let failed = |error: ServiceError| error.into_failure(&account.name);
    let credential = account.credential(name, target).map_err(failed)?;
    let &Named { repeatable, patience, .. } = named;
    let outgoing = Outgoing { account, credential, request, repeatable, patience };
    send::send(brokers, outgoing).await.map_err(failed)
}

fn parse(url: &str) -> Result<Url, Failure> {
    let unfit =
        |message: &str| Failure::Invalid { field: "/url".to_owned(), message: message.to_owned() };
    let url = Url::parse(url).map_err(|_| unfit("is not an absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(unfit("has to be an http or https URL"));
    }
    Ok(url)
}

fn is_private(host: &str) -> bool {
    host.parse::<HostPattern>().is_ok_and(|host| host.is_private_literal())
}

/// A rule for all hosts is one for the public internet, whoever grants it.
fn private(host: &str) -> Failure {
    Failure::Denied {
        what: format!(
            "`{host}` is an address of this machine or of a private network, and only pages of the public internet are \
             fetched, and those of servers that this task runs in the background"
        ),
        hint: String::new(),
    }
}

fn target<'a>(method: &'a str, url: &'a Url) -> HttpTarget<'a> {
    HttpTarget {
        method,
        secure: url.scheme() == "https",
        host: url.host_str().unwrap_or_default(),
        port: url.port_or_known_default().unwrap_or_default(),
        path: url.path(),
        query: url.query().unwrap_or_default(),
    }
}

/// Returns the rules for a request and its redirects. A wildcard in the grant was approved for the host of this
/// request, so it becomes a rule for that host alone.
fn rules(grant: &Grant, target: &HttpTarget<'_>) -> Result<Vec<HttpRule>, Failure> {
    if grant.coverage(&Use::Http(*target)) != Coverage::Wildcard {
        let named = grant.http.iter().filter(|rule| !rule.host.is_wildcard());
        return Ok(named.cloned().collect());
    }
    let host = target.host.parse().map_err(|error: openkoi_core::pattern::PatternError| {
        Failure::Invalid { field: "/url".to_owned(), message: error.to_string() }
    })?;
    let matching = grant.http.iter().filter(|rule| rule.matches(target));
    if off(Guard::HostWildcard) {
        return Ok(matching.cloned().collect());
    }
    Ok(matching.map(|rule| HttpRule { host: Clone::clone(&host), ..rule.clone() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_narrowed_to_the_host_of_the_request() {
        let grant = Grant {
            http: vec![
                "GET https://*/**".parse().unwrap(),
                "https://api.example.com/**".parse().unwrap(),
            ],
            ..Grant::default()
        };
        let url = parse("https://docs.example.org/a").unwrap();

        let wild = rules(&grant, &target("GET", &url)).unwrap();

        let texts: Vec<String> = wild.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["GET https://docs.example.org/**"]);
        let named = parse("https://api.example.com/a").unwrap();
        let named = rules(&grant, &target("GET", &named)).unwrap();
        assert_eq!(named[0].to_string(), "https://api.example.com/**");
        assert_eq!(named.len(), 1);
    }

    #[test]
    fn a_private_address_is_told_from_a_public_one() {
        for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.7", "169.254.169.254"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["example.com", "8.8.8.8", "localhost.example.com"] {
            assert!(!is_private(host), "{host}");
        }
        let said = private("127.0.0.1").to_string();
        assert!(said.contains("private network") && !said.contains("component.toml"), "{said}");
    }

    #[test]
    fn only_absolute_http_urls_are_requests() {
        for bad in ["", "/a", "file:///etc/passwd", "data:text/plain,a", "ftp://x.example/"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
