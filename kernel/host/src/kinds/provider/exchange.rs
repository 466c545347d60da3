//! One request to a provider and its response: encode, send, decode, assemble.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use openkoi_brokers::{
    egress::{EgressError, EgressLimits, Request},
    failpoint::{self, Point},
};
use openkoi_core::{
    failure::Failure,
    message::{Part, Prompt, Role, Turn},
    model::ModelTrouble,
    port::{Delta, Deltas, Pending},
};
use wasmtime::{Store, component::ResourceAny};

use super::{
    assemble::{Assembly, AssemblyError, Piece, Taken},
    attempt_error::AttemptError,
    setup::ProviderClient,
};
use crate::{
    bindings::{
        imports::openkoi::types::{
            conversation::CompletionRequest,
            http_types::{Header, HttpRequest},
        },
        provider::{
            ProviderExports, ProviderExportsPre,
            exports::openkoi::provider::codec::{
                Diagnosis, Embeddings, Endpoint, Event, ModelEntry, Problem,
            },
        },
    },
    brokers::{HttpResponse, ResponseBody},
    convert,
    host::Shared,
    instance::{CallLimits, GuestState, Watch},
    manifest::Wire,
    service::{address::Address, credential::Authorization, retry},
};

/// The largest response, in bytes.
const STREAM: u64 = 64 << 20;
/// The largest part of an error response that a codec gets, in bytes.
const ERROR: usize = 64 << 10;
/// The longest wait for the head of a response.
const FIRST_BYTE: Duration = Duration::from_secs(120);
/// The longest wait between two pieces of a response.
const IDLE: Duration = Duration::from_secs(120);
/// The longest wait between two events. Pieces that keep a connection alive make no event.
const SILENCE_MS: u64 = 300_000;
/// The longest time for a whole response.
const TOTAL: Duration = Duration::from_secs(3_600);

/// The head of a response that is being read.
struct Head {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
}

/// A codec, instantiated for one exchange.
struct Codec<'a> {
    provider: &'a ProviderClient,
    authorization: &'a Authorization,
    shared: &'a Arc<Shared>,
    store: Store<GuestState>,
    watch: Watch,
    exports: ProviderExports,
    wall: Duration,
}

/// Asks for one turn. If the token of a login is refused, it is renewed, and the request is sent a second time.
pub(super) async fn turn(
    shared: &Arc<Shared>,
    provider: &ProviderClient,
    model: &str,
    role: &Role,
    prompt: &Prompt,
    deltas: &Deltas<'_>,
) -> Result<Turn, AttemptError> {
    let request = convert::request(model, role, prompt);
    let authorization = provider.authorization(shared).await?;
    match attempt(shared, provider, &authorization, &request, prompt, deltas).await {
        // The provider refused the request before it did any work.
        Err(error) if error.unauthorized && authorization.is_login() => {
            let authorization = provider.renewed_authorization(shared, &authorization).await?;
            attempt(shared, provider, &authorization, &request, prompt, deltas).await
        }
        turn => turn,
    }
}

async fn attempt(
    shared: &Arc<Shared>,
    provider: &ProviderClient,
    authorization: &Authorization,
    request: &CompletionRequest,
    prompt: &Prompt,
    deltas: &Deltas<'_>,
) -> Result<Turn, AttemptError> {
    let used = AtomicBool::new(false);
    let shown = |piece: &Piece| {
        let seen = match piece {
            Piece::Text(text) => deltas(Delta::Text(text)),
            Piece::Thought(text) => deltas(Delta::Thought(text)),
        };
        used.fetch_or(seen, Ordering::Relaxed);
    };
    let mut codec = Codec::load(shared, provider, authorization).await?;
    let encoded = codec.encode(request).await?;
    let repeatable = encoded.repeatable;
    let response = codec.send(encoded).await.map_err(|error| error.repeatable(repeatable))?;
    codec.hit(Point::TurnSent)?;
    let mut turn = codec.read(response, &request.model, prompt, &shown).await;
    let redact = |text: &str| shared.brokers.secrets.redact_str(text);
    match &mut turn {
        Ok(turn) => without_keys(&mut turn.parts, redact),
        Err(error) => {
            let received = error.cause.received.as_mut();
            received.into_iter().for_each(|received| without_keys(&mut received.parts, redact));
        }
    }
    let seen =
        |error: AttemptError| error.repeatable(repeatable).shown(used.load(Ordering::Relaxed));
    let turn = turn.map_err(seen)?;
    codec.hit(Point::TurnReceived)?;
    Ok(turn)
}

/// Redacts keys that a model repeats. In a stream, pieces may be too small for a key to be recognised.
fn without_keys(parts: &mut [Part], redact: impl Fn(&str) -> String) {
    for part in parts {
        match part {
            Part::Text(text) => *text = redact(text),
            Part::ToolCall(call) => call.arguments = redact(&call.arguments),
            // A provider's own state has to come back unchanged.
            Part::Reasoning(reasoning) => reasoning.text = redact(&reasoning.text),
            Part::Attachment(_) | Part::ToolResult(_) => {}
        }
    }
}

/// Asks for the list of models.
pub(super) async fn models(
    shared: &Arc<Shared>,
    provider: &ProviderClient,
) -> Result<Vec<ModelEntry>, AttemptError> {
    let authorization = provider.authorization_for_lists(shared).await?;
    let mut codec = Codec::load(shared, provider, &authorization).await?;
    let endpoint = provider.endpoint(&authorization);
    let exports = codec.exports.openkoi_provider_codec();
    let step = exports.call_encode_models(&mut codec.store, &endpoint);
    let request = codec.watch.step(codec.wall, step).await.and_then(inner);
    let request = request.map_err(|failure| codec.failed(&failure))?;
    let response = codec.send(request).await?;
    let body = codec.body(response).await?;
    let exports = codec.exports.openkoi_provider_codec();
    let step = exports.call_decode_models(&mut codec.store, &body);
    let models = codec.watch.step(codec.wall, step).await.and_then(inner);
    models.map_err(|failure| codec.failed(&failure))
}

/// Asks for texts as vectors, in their order.
pub(super) async fn embeddings(
    shared: &Arc<Shared>,
    provider: &ProviderClient,
    model: &str,
    texts: &[String],
) -> Result<Embeddings, AttemptError> {
    let authorization = provider.authorization(shared).await?;
    let mut codec = Codec::load(shared, provider, &authorization).await?;
    let endpoint = provider.endpoint(&authorization);
    let exports = codec.exports.openkoi_provider_codec();
    let step = exports.call_encode_embeddings(&mut codec.store, &endpoint, model, texts);
    let request = codec.watch.step(codec.wall, step).await.and_then(inner);
    let request = request.map_err(|failure| codec.failed(&failure))?;
    let response = codec.send(request).await?;
    let body = codec.body(response).await?;
    let exports = codec.exports.openkoi_provider_codec();
    let step = exports.call_decode_embeddings(&mut codec.store, &body);
    let made = codec.watch.step(codec.wall, step).await.and_then(inner);
    made.map_err(|failure| codec.failed(&failure))
}

impl<'a> Codec<'a> {
    async fn load(
        shared: &'a Arc<Shared>,
        provider: &'a ProviderClient,
        authorization: &'a Authorization,
    ) -> Result<Self, AttemptError> {
        let failed = |failure: &Failure| AttemptError::of_failure(provider.name(), failure);
        let component = provider.manifest.component.name.as_str();
        let pre = shared.ready::<ProviderExportsPre<GuestState>>(&shared.catalog(), component);
        let pre = pre.map_err(|failure| failed(&failure))?;
        let call = GuestState::new(component, provider.limits.clone(), &shared.brokers, None);
        let (mut store, watch) = shared.store(call).map_err(|failure| failed(&failure))?;
        let wall = provider.limits.wall;
        let exports = watch.step(wall, pre.instantiate_async(&mut store)).await;
        let exports = exports.map_err(|failure| failed(&failure))?;
        Ok(Self { provider, authorization, shared, store, watch, exports, wall })
    }

    async fn encode(&mut self, request: &CompletionRequest) -> Result<HttpRequest, AttemptError> {
        let endpoint = self.provider.endpoint(self.authorization);
        let exports = self.exports.openkoi_provider_codec();
        let step = exports.call_encode(&mut self.store, &endpoint, request);
        let request = self.watch.step(self.wall, step).await.and_then(inner);
        request.map_err(|failure| self.failed(&failure))
    }

    /// Sends a request. A response that is not a success becomes an error.
    async fn send(&mut self, request: HttpRequest) -> Result<HttpResponse, AttemptError> {
        if self.provider.wire() == Wire::Local {
            return Ok(echo(request));
        }
        let request = self.provider.request(self.authorization, request, limits())?;
        let name = self.provider.name();
        let sending = self.shared.brokers.transport.send(request);
        let response = tokio::time::timeout(FIRST_BYTE, sending)
            .await
            .map_err(|_| self.timed_out("the head of an answer"))?
            .map_err(|error| AttemptError::of_egress(name, &self.redacted(error)))?;
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        Err(self.diagnose(response).await)
    }

    /// Passes a point at which tests can make the program die or fail.
    fn hit(&self, point: Point) -> Result<(), AttemptError> {
        let passed = failpoint::hit(point);
        passed.map_err(|error| self.error(ModelTrouble::Unreachable, &error.to_string()))
    }

    async fn diagnose(&mut self, mut response: HttpResponse) -> AttemptError {
        let mut body = Vec::new();
        while body.len() < ERROR {
            match tokio::time::timeout(IDLE, response.body.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                // The part that arrived has to do.
                _ => break,
            }
        }
        body.truncate(ERROR);
        let now = self.shared.brokers.clock.now_ms();
        let retry_after = retry::retry_after(&response.headers, now);
        let headers = headers(response.headers);
        let exports = self.exports.openkoi_provider_codec();
        let step = exports.call_diagnose(&mut self.store, response.status, &headers, &body);
        match self.watch.step(self.wall, step).await {
            Ok(diagnosis) => self
                .diagnosed(response.status, diagnosis, retry_after)
                .unauthorized(response.status == 401),
            Err(failure) => self.failed(&failure),
        }
    }

    /// Makes the error of a diagnosis, with secrets redacted.
    fn diagnosed(
        &self,
        status: u16,
        mut diagnosis: Diagnosis,
        retry_after: Option<Duration>,
    ) -> AttemptError {
        diagnosis.message = self.shared.brokers.secrets.redact_str(&diagnosis.message);
        let error =
            AttemptError::of_diagnosis(self.provider.name(), status, &diagnosis, retry_after);
        self.provider.with_sources_of_key(error)
    }

    /// Reads a whole body.
    async fn body(&mut self, mut response: HttpResponse) -> Result<Vec<u8>, AttemptError> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk(&mut *response.body).await? {
            body.extend_from_slice(&bytes);
            if body.len() as u64 > provider_body(&self.provider.limits) {
                return Err(self.error(ModelTrouble::Invalid, "the answer is too long"));
            }
        }
        Ok(body)
    }

    /// Reads a turn. If it breaks off, the error keeps the part that arrived.
    async fn read(
        &mut self,
        response: HttpResponse,
        model: &str,
        prompt: &Prompt,
        shown: &(dyn Fn(&Piece) + Send + Sync),
    ) -> Result<Turn, AttemptError> {
        let mut assembly = Assembly::new(model);
        let end = self.stream(response, &mut assembly, shown).await;
        let stop = end.and_then(|()| assembly.stop().map_err(|error| self.unassembled(&error)));
        match stop {
            Ok(stop) => Ok(assembly.finish(stop)),
            Err(error) => Err(error.received(assembly.received(|| prompt.tokens()))),
        }
    }

    async fn stream(
        &mut self,
        response: HttpResponse,
        assembly: &mut Assembly,
        shown: &(dyn Fn(&Piece) + Send + Sync),
    ) -> Result<(), AttemptError> {
        let HttpResponse { status, headers: list, mut body, .. } = response;
        let head = Head { status, headers: list };
        let decoder = self.decoder(status, &headers(head.headers.clone())).await?;
        let (mut total, mut spoke_at) = (0_u64, self.now());
        while let Some(bytes) = self.chunk(&mut *body).await? {
            total = total.saturating_add(bytes.len() as u64);
            if total > STREAM {
                return Err(self.error(ModelTrouble::Invalid, "the answer is too long"));
            }
            // Pieces are small enough for one call of the codec.
            for piece in bytes.chunks(1 << 20) {
                let events = self.push(decoder, piece).await?;
                if !events.is_empty() {
                    spoke_at = self.now();
                }
                self.take(assembly, events, &head, shown)?;
            }
            if self.now().saturating_sub(spoke_at) > SILENCE_MS {
                return Err(self.timed_out("anything but signs of life"));
            }
        }
        let events = self.finish(decoder).await?;
        self.take(assembly, events, &head, shown)
    }

    async fn decoder(
        &mut self,
        status: u16,
        headers: &[Header],
    ) -> Result<ResourceAny, AttemptError> {
        let exports = self.exports.openkoi_provider_codec();
        let guest = exports.decoder();
        let step = guest.call_constructor(&mut self.store, status, headers);
        let decoder = self.watch.step(self.wall, step).await;
        decoder.map_err(|failure| self.failed(&failure))
    }

    async fn push(
        &mut self,
        decoder: ResourceAny,
        bytes: &[u8],
    ) -> Result<Vec<Event>, AttemptError> {
        self.watch.rewind();
        let exports = self.exports.openkoi_provider_codec();
        let guest = exports.decoder();
        let step = guest.call_push(&mut self.store, decoder, bytes);
        let events = self.watch.step(self.wall, step).await.and_then(inner);
        events.map_err(|failure| self.failed(&failure))
    }

    async fn finish(&mut self, decoder: ResourceAny) -> Result<Vec<Event>, AttemptError> {
        self.watch.rewind();
        let exports = self.exports.openkoi_provider_codec();
        let guest = exports.decoder();
        let step = guest.call_finish(&mut self.store, decoder);
        let events = self.watch.step(self.wall, step).await.and_then(inner);
        events.map_err(|failure| self.failed(&failure))
    }

    fn take(
        &self,
        assembly: &mut Assembly,
        events: Vec<Event>,
        head: &Head,
        shown: &(dyn Fn(&Piece) + Send + Sync),
    ) -> Result<(), AttemptError> {
        for event in events {
            match assembly.take(event).map_err(|error| self.unassembled(&error))? {
                Taken::Kept => {}
                Taken::Shown(piece) => shown(&piece),
                Taken::Failed(diagnosis) => return Err(self.reported(head, diagnosis)),
            }
        }
        Ok(())
    }

    /// Makes the error that a service reports in the stream of a good response. Some say in its head when to retry.
    fn reported(&self, head: &Head, diagnosis: Diagnosis) -> AttemptError {
        let now = self.shared.brokers.clock.now_ms();
        let retry_after = retry::retry_after(&head.headers, now);
        let unauthorized = diagnosis.problem == Problem::Credentials;
        self.diagnosed(head.status, diagnosis, retry_after).unauthorized(unauthorized)
    }

    async fn chunk(
        &mut self,
        body: &mut dyn ResponseBody,
    ) -> Result<Option<Vec<u8>>, AttemptError> {
        match tokio::time::timeout(IDLE, body.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => {
                let name = self.provider.name();
                Err(AttemptError::of_egress(name, &self.redacted(error)).answered())
            }
            Err(_) => Err(self.timed_out("more of the answer")),
        }
    }

    fn now(&self) -> u64 {
        self.shared.brokers.clock.monotonic_ms()
    }

    fn timed_out(&self, what: &str) -> AttemptError {
        let message = format!("waited for {what} in vain");
        let failure = Failure::Unavailable { message, request_sent: true, retry_after_ms: None };
        AttemptError::of_failure(self.provider.name(), &failure)
    }

    fn unassembled(&self, error: &AssemblyError) -> AttemptError {
        match error {
            AssemblyError::CutShort => {
                let failure = Failure::Unavailable {
                    message: error.to_string(),
                    request_sent: true,
                    retry_after_ms: None,
                };
                AttemptError::of_failure(self.provider.name(), &failure)
            }
            _ => self.error(ModelTrouble::Invalid, &error.to_string()),
        }
    }

    fn error(&self, kind: ModelTrouble, message: &str) -> AttemptError {
        AttemptError::of(kind, self.provider.name(), message, "")
    }

    fn failed(&self, failure: &Failure) -> AttemptError {
        let mut error = AttemptError::of_failure(self.provider.name(), failure);
        error.cause.message = self.shared.brokers.secrets.redact_str(&error.cause.message);
        error
    }

    fn redacted(&self, mut error: EgressError) -> EgressError {
        error.message = self.shared.brokers.secrets.redact_str(&error.message);
        error
    }
}

fn provider_body(limits: &CallLimits) -> u64 {
    limits.host_bytes.min(STREAM)
}

fn limits() -> EgressLimits {
    EgressLimits {
        first_byte: FIRST_BYTE,
        idle: IDLE,
        total: TOTAL,
        body_bytes: STREAM,
        redirects: 0,
        ..EgressLimits::standard()
    }
}

fn headers(list: Vec<(String, Vec<u8>)>) -> Vec<Header> {
    list.into_iter().map(|(name, value)| Header { name, value }).collect()
}

fn inner<T>(
    result: Result<T, crate::bindings::imports::openkoi::types::failures::Failure>,
) -> Result<T, Failure> {
    result.map_err(Failure::from)
}

/// Makes the response of a provider without a transport: its own request.
fn echo(request: HttpRequest) -> HttpResponse {
    struct Whole(Option<Vec<u8>>);

    impl ResponseBody for Whole {
        fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
            let body = self.0.take().filter(|body| !body.is_empty());
            Box::pin(std::future::ready(Ok(body)))
        }
    }

    HttpResponse {
        status: 200,
        headers: request.headers.into_iter().map(|h| (h.name, h.value)).collect(),
        url: request.url,
        body: Box::new(Whole(Some(request.body))),
    }
}

impl ProviderClient {
    /// Returns the request for the egress broker, with this provider's rule and key.
    fn request(
        &self,
        authorization: &Authorization,
        request: HttpRequest,
        limits: EgressLimits,
    ) -> Result<Request, AttemptError> {
        self.check_named(request.credential.as_deref(), authorization)?;
        let Some(address) = self.address_of(authorization) else {
            let message = "it has no base URL";
            return Err(AttemptError::of(ModelTrouble::Invalid, self.name(), message, ""));
        };
        let own = request.headers.into_iter().map(|h| (h.name, h.value));
        Ok(Request {
            caller: self.name().to_owned(),
            method: request.method,
            url: request.url,
            headers: own.chain(self.headers_of(authorization)).collect(),
            body: request.body,
            credentials: authorization.credentials.clone(),
            rules: vec![address.rule().clone()],
            limits,
        })
    }

    fn endpoint(&self, authorization: &Authorization) -> Endpoint {
        let base = self.address_of(authorization).map_or("", Address::base);
        Endpoint { base_url: base.to_owned(), options: self.settings.options.clone() }
    }
}
