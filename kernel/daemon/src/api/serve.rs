//! Connections, and calls on their way through guard and table.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::any,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use openkoi_app::{
    app::App,
    error::AppError,
    pause,
    result_schema::{JsonSchema, SchemaError},
    served,
    settings::Settings,
    thread,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use super::{
    bodies,
    guard::Peer,
    openapi, page,
    problem::{MEDIA_TYPE, Problem},
    route::{Answering, Call, Reply, Route},
    routes,
    shared::Api,
};
use crate::error::DaemonError;

/// How long a client may take for the head of a request, and for its body.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a head.
const LARGEST_HEAD: usize = 64 << 10;
/// The most bytes of a body.
const LARGEST_BODY: usize = 256 << 10;
/// The most connections at once.
const MOST_CONNECTIONS: usize = 1_024;
/// How long open requests may take once the daemon ends.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The server of the API.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Begins to listen, unless the settings say that the daemon is not to be reached.
    ///
    /// # Errors
    ///
    /// When the port is taken, or the settings would let others in unasked.
    pub(crate) async fn listen(
        app: &Arc<App>,
        settings: &Settings,
        changed: watch::Receiver<u64>,
        stop: watch::Receiver<bool>,
    ) -> Result<Option<Self>, DaemonError> {
        if !settings.api.enabled {
            return Ok(None);
        }
        let address = served::address(&settings.api.address, settings.api.port);
        let address = address.map_err(DaemonError::Settings)?;
        let is_meant = settings.api.expose && settings.api.token.is_some();
        if !(address.ip().is_loopback() || is_meant) {
            let text = format!(
                "`api.address` is {}, which others can reach; that needs `api.expose = true` and `api.token`, and TLS in front",
                address.ip()
            );
            return Err(DaemonError::Settings(text));
        }
        if settings.api.expose {
            tracing::warn!(
                "others may reach the API; nothing here encrypts it, so put TLS in front"
            );
        }
        let listener = served::bind(address).await;
        let listener = listener.map_err(|source| DaemonError::Listen { address, source })?;
        let address = listener.local_addr().unwrap_or(address);
        let table = routes::all();
        let api = Arc::new(Api::new(app, settings, changed, stop.clone(), description(&table))?);
        let router = router(&api, with_schemas(table)?);
        Ok(Some(Self { listener, address, router, stop }))
    }

    /// Returns where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until the daemon ends, and then what was begun.
    pub(crate) async fn run(self) {
        let Self { listener, address, router, mut stop } = self;
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        while !*stop.borrow() {
            let accepted = tokio::select! {
                _ = stop.changed() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = listener.accept() => accepted,
            };
            match (accepted, Arc::clone(&room).try_acquire_owned()) {
                (Ok((stream, peer)), Ok(place)) => {
                    let ends = (peer, stream.local_addr().unwrap_or(address));
                    let serving = connection(stream, ends, router.clone(), stop.clone(), place);
                    connections.spawn(serving);
                }
                // It is closed: there is no room, and it may come again.
                (Ok(_), Err(_)) => {}
                (Err(error), _) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    pause(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        tokio::select! {
            () = async { while connections.join_next().await.is_some() {} } => {}
            () = pause(LAST_WORDS) => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    (peer, here): (SocketAddr, SocketAddr),
    router: Router,
    mut stop: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    let peer = Peer { ip: peer.ip(), is_own: served::is_own(peer, here) };
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = crate::ending::stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// A route with the schema that its bodies are held to.
struct Served {
    route: Route,
    body: Option<JsonSchema>,
}

/// Returns the routes with their schemas, made once.
fn with_schemas(table: Vec<Route>) -> Result<Arc<Vec<Served>>, DaemonError> {
    let one = |route: Route| -> Result<Served, SchemaError> {
        Ok(Served { body: route.body.map(bodies::schema).transpose()?, route })
    };
    let served: Result<Vec<Served>, SchemaError> = table.into_iter().map(one).collect();
    served.map(Arc::new).map_err(|error| DaemonError::Description(error.to_string()))
}

fn description(table: &[Route]) -> String {
    openapi::document(table).to_string()
}

/// Makes the router of all paths of the table.
fn router(api: &Arc<Api>, table: Arc<Vec<Served>>) -> Router {
    let mut router = Router::new();
    let mut paths: Vec<&'static str> = table.iter().map(|served| served.route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        let table = Arc::clone(&table);
        let handler = move |State(api): State<Arc<Api>>,
                            Extension(peer): Extension<Peer>,
                            parameters: Result<RawPathParams, RawPathParamsRejection>,
                            request: Request| {
            let table = Arc::clone(&table);
            async move {
                let is_head = request.method() == Method::HEAD;
                let known = request.headers().get(header::IF_NONE_MATCH).cloned();
                let answer = call(&api, &table, path, peer, parameters, request).await;
                finished(answer.unwrap_or_else(|problem| of_problem(&problem)), known, is_head)
            }
        };
        router = router.route(path, any(handler));
    }
    for file in page::files() {
        let handler = move |State(api): State<Arc<Api>>, request: Request| async move {
            let is_head = request.method() == Method::HEAD;
            let known = request.headers().get(header::IF_NONE_MATCH).cloned();
            let answer = part_of_page(&api, file, &request);
            finished(answer.unwrap_or_else(|problem| of_problem(&problem)), known, is_head)
        };
        router = router.route(file.path, any(handler));
    }
    let nowhere = |State(api): State<Arc<Api>>, request: Request| async move {
        let nothing = Problem::not_found("there is nothing at this address");
        of_problem(&api.guard.check_origin(request.headers()).err().unwrap_or(nothing))
    };
    router.fallback(nowhere).with_state(Arc::clone(api))
}

/// Brings a call through the guard to who answers it.
async fn call(
    api: &Arc<Api>,
    table: &[Served],
    path: &str,
    peer: Peer,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response, Problem> {
    api.guard.check_origin(request.headers())?;
    let here = || table.iter().filter(|served| served.route.path == path);
    let allow = || methods(here().map(|served| &served.route));
    if request.method() == Method::OPTIONS {
        return Ok(empty(StatusCode::NO_CONTENT, &allow()));
    }
    let method =
        if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let Some(Served { route, body: schema }) = here().find(|one| one.route.method == method) else {
        let allow = allow();
        let detail = format!("this address has {allow}");
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
        return Err(Problem { allow: Some(allow), ..problem });
    };
    if !route.is_open {
        api.guard.check_caller(request.headers(), peer)?;
    }
    let parameters: BTreeMap<String, String> = parameters
        .map_err(|_| Problem::bad("the address is not UTF-8"))?
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (head, body) = request.into_parts();
    let body = match schema {
        Some(schema) => bodies::read(schema, &read(&head.headers, body).await?)?,
        None => Value::Null,
    };
    let call = Call { path: parameters, uri: head.uri, headers: head.headers, body };
    let answering = (route.answer)(Arc::clone(api), call);
    let reply = match route.is_apart {
        true => apart(answering).await?,
        false => answering.await?,
    };
    Ok(of_reply(reply))
}

/// Returns a file of the page. It says nothing of this home, so whoever gets past the check of the origin may have it.
fn part_of_page(
    api: &Api,
    file: &'static page::File,
    request: &Request,
) -> Result<Response, Problem> {
    api.guard.check_origin(request.headers())?;
    match *request.method() {
        Method::GET | Method::HEAD => Ok(file.response(tag_of(file.text))),
        Method::OPTIONS => Ok(empty(StatusCode::NO_CONTENT, page::METHODS)),
        _ => {
            let detail = format!("this address has {}", page::METHODS);
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail);
            Err(Problem { allow: Some(page::METHODS.to_owned()), ..problem })
        }
    }
}

/// Makes an answer on a thread of its own.
async fn apart(answering: Answering) -> Result<Reply, Problem> {
    let made = tokio::task::spawn_blocking(move || {
        thread::block(async { Ok::<_, AppError>(answering.await) })
    });
    let broken = |error: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error);
    made.await.map_err(|error| broken(error.to_string()))??
}

/// Returns the methods of some routes, for a client to choose from.
fn methods<'a>(routes: impl Iterator<Item = &'a Route>) -> String {
    let mut all: Vec<&str> = routes.map(|route| route.method.as_str()).collect();
    if all.contains(&"GET") {
        all.push("HEAD");
    }
    all.push("OPTIONS");
    all.join(", ")
}

/// Reads a body of JSON, up to the limits of size and time.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let refused = |status, detail: &str| Err(Problem::new(status, detail));
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is not taken compressed");
    }
    let reading = Limited::new(body, LARGEST_BODY).collect();
    let read = tokio::select! {
        read = reading => read,
        () = pause(PATIENCE) => {
            return refused(StatusCode::REQUEST_TIMEOUT, "the body took more than 10 s");
        }
    };
    let bytes = match read {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "a body has at most 256 KiB");
        }
        Err(_) => return refused(StatusCode::BAD_REQUEST, "the body broke off"),
    };
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if !bytes.is_empty() && !is_json {
        let detail = "a body is JSON: send `Content-Type: application/json`";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail);
    }
    Ok(bytes)
}

fn of_reply(reply: Reply) -> Response {
    match reply {
        Reply::Json { status, text, location } => {
            let tag = (status == StatusCode::OK).then(|| tag_of(&text)).flatten();
            let mut response = with_type(status, "application/json", text.into());
            response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
            if let Some(place) = location.and_then(|place| HeaderValue::try_from(place).ok()) {
                response.headers_mut().insert(header::LOCATION, place);
            }
            response
        }
        Reply::Events(body) => with_type(StatusCode::OK, "text/event-stream", body),
    }
}

/// Returns the name of a text: the same text has the same.
fn tag_of(text: &str) -> Option<HeaderValue> {
    let hash = Sha256::digest(text.as_bytes());
    let hexadecimal: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{hexadecimal}\"")).ok()
}

fn of_problem(problem: &Problem) -> Response {
    let text = serde_json::to_string(&problem.details()).unwrap_or_default();
    let mut response = with_type(problem.status, MEDIA_TYPE, text.into());
    let headers = response.headers_mut();
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = problem.allow.as_deref().and_then(|all| HeaderValue::try_from(all).ok()) {
        headers.insert(header::ALLOW, allow);
    }
    response
}

fn with_type(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn empty(status: StatusCode, allow: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Ok(allow) = HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Gives a response the headers that all have, and answers a client that has the same already with that.
fn finished(response: Response, known: Option<HeaderValue>, is_head: bool) -> Response {
    let (mut head, body) = response.into_parts();
    let headers = &mut head.headers;
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if known.is_some() && headers.get(header::ETAG) == known.as_ref() {
        head.status = StatusCode::NOT_MODIFIED;
        headers.remove(header::CONTENT_TYPE);
        return Response::from_parts(head, Body::empty());
    }
    let body = if is_head { Body::empty() } else { body };
    Response::from_parts(head, body)
}
