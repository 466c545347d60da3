//! An integration with a service that does not exist, in the ways of services that do: a file that is announced, uploaded
//! and published; buttons that come back by a webhook; polls that stay open; a socket that wants its token in a frame.

use openkoi_sdk::{
    Failure, Result,
    integration::{
        Action, Alarm, Author, Event, Frame, Happening, HttpAnswer, Identity, Incoming,
        Integration, Link, Outgoing, OutgoingFrame, Page, Place, Press, Reception, Reply, Sent,
        Session, Settings, SocketEvent, Webhook, What,
    },
    provider::HttpRequest,
    serde_json::{Value, from_slice, json, to_vec},
    tool::{Context, Output, Tool},
};

const BASE: &str = "https://pond.example/v1";

/// The integration.
pub struct Pond;

impl Integration for Pond {
    async fn deliver(link: Link, message: Outgoing, _: Settings) -> Result<Sent> {
        let mut files = Vec::new();
        for file in &message.attachments {
            let wanted = json!({ "name": file.name, "length": file.bytes.len() });
            let place = read(&link.http(post("uploads", &wanted)?).await?)?;
            let upload = HttpRequest {
                method: "PUT".to_owned(),
                body: file.bytes.clone(),
                ..HttpRequest::get(text(&place, "url")?)
            };
            read(&link.http(upload).await?)?;
            files.push(text(&place, "id")?);
        }
        let buttons: Vec<_> = message.buttons.iter().map(|button| &button.id).collect();
        let body = json!({ "text": message.text, "files": files, "buttons": buttons });
        loop {
            let answer = link.http(post("messages", &body)?).await?;
            if answer.status != 429 {
                return Ok(Sent { id: text(&read(&answer)?, "id")?, thread: None });
            }
            link.wait(1_500).await?;
        }
    }

    async fn poll(link: Link, cursor: Option<String>, _: Settings) -> Result<Page> {
        let since = cursor.as_deref().unwrap_or("now");
        let page =
            read(&link.http(HttpRequest::get(format!("{BASE}/events?since={since}"))).await?)?;
        let happenings = page["events"].as_array().into_iter().flatten().map(happening);
        Ok(Page {
            happenings: happenings.collect::<Result<_>>()?,
            cursor: text(&page, "next")?,
            more: false,
        })
    }

    async fn check(link: Link, settings: Settings) -> Result<Identity> {
        let me = read(&link.http(HttpRequest::get(format!("{BASE}/me"))).await?)?;
        let team = settings.into_iter().find(|(name, _)| name == "team");
        Ok(Identity {
            id: text(&me, "id")?,
            name: text(&me, "name")?,
            team: team.map(|(_, value)| value).unwrap_or_default(),
            missing: Vec::new(),
        })
    }

    fn receive(event: Event, _: &Settings) -> Result<Reception> {
        match event {
            Event::Webhook(webhook) => called(&webhook),
            Event::Timer(word) => Ok(Reception {
                happenings: vec![wrote(&json!({ "id": word, "text": "the rest of the album" }))?],
                ..Reception::default()
            }),
            Event::Mail(_) => Err(Failure::unsupported("letters")),
        }
    }
}

fn called(webhook: &Webhook) -> Result<Reception> {
    if let Some(challenge) = webhook.query.strip_prefix("challenge=") {
        let body = challenge.as_bytes().to_vec();
        let reply = Reply { status: 200, media_type: "text/plain".to_owned(), body };
        return Ok(Reception { reply: Some(reply), ..Reception::default() });
    }
    let body: Value = from_slice(&webhook.body)?;
    if let Some(album) = body["album"].as_str() {
        let alarm = Alarm { after_ms: 2_000, word: album.to_owned() };
        return Ok(Reception { alarm: Some(alarm), ..Reception::default() });
    }
    Ok(Reception { happenings: vec![happening(&body)?], ..Reception::default() })
}

fn happening(event: &Value) -> Result<Happening> {
    let Some(button) = event["button"].as_str() else { return wrote(event) };
    let press = Press {
        message: text(event, "message")?,
        place: Place::of("north"),
        author: somebody(),
        button: button.to_owned(),
    };
    Ok(Happening { id: text(event, "id")?, at_ms: 0, what: What::Press(press) })
}

fn wrote(event: &Value) -> Result<Happening> {
    let id = text(event, "id")?;
    let message = Incoming {
        id: id.clone(),
        place: Place::of("north"),
        author: somebody(),
        at_ms: 0,
        text: text(event, "text")?,
        addressed: true,
        answers: None,
        files: Vec::new(),
    };
    let what = if event["edited"] == true { What::Edit(message) } else { What::Message(message) };
    Ok(Happening { id, at_ms: 0, what })
}

fn somebody() -> Author {
    Author { id: "u1".to_owned(), name: "Ada".to_owned(), automated: false }
}

fn post(path: &str, body: &Value) -> Result<HttpRequest> {
    HttpRequest::post_json(format!("{BASE}/{path}"), body)
}

fn read(answer: &HttpAnswer) -> Result<Value> {
    match answer.status {
        200..=299 if answer.body.is_empty() => Ok(Value::Null),
        200..=299 => Ok(from_slice(&answer.body)?),
        status => Err(Failure::failed(format!("the pond answered {status}"))),
    }
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str().map(ToOwned::to_owned);
    text.ok_or_else(|| Failure::failed(format!("the pond left out `{name}`")))
}

/// The socket of the service: it asks where to connect, says who it is, and remembers where it was.
pub struct PondSession {
    last: Option<String>,
}

impl Session for PondSession {
    fn new(_: Settings, kept: Option<Vec<u8>>) -> Self {
        Self { last: kept.and_then(|kept| String::from_utf8(kept).ok()) }
    }

    fn step(&mut self, event: SocketEvent) -> Result<Vec<Action>> {
        Ok(match event {
            SocketEvent::Start | SocketEvent::Timer => {
                vec![Action::Request(post("connections", &json!({}))?)]
            }
            SocketEvent::Answered(answer) => {
                vec![Action::Connect(HttpRequest::get(text(&read(&answer)?, "url")?))]
            }
            SocketEvent::Unanswered(_) | SocketEvent::Closed(_) => vec![Action::Wake(5_000)],
            SocketEvent::Opened => vec![Action::Send(self.hello()?)],
            SocketEvent::Frame(Frame::Text(frame)) => self.heard(&frame)?,
            SocketEvent::Frame(Frame::Binary(_)) => vec![Action::Close(1003)],
        })
    }
}

impl PondSession {
    fn hello(&self) -> Result<OutgoingFrame> {
        let hello = json!({ "token": null, "since": self.last });
        let frame = Frame::Text(String::from_utf8_lossy(&to_vec(&hello)?).into_owned());
        Ok(OutgoingFrame { frame, credential: Some("token".to_owned()) })
    }

    fn heard(&mut self, frame: &str) -> Result<Vec<Action>> {
        let happening = happening(&from_slice(frame.as_bytes())?)?;
        self.last = Some(happening.id.clone());
        let kept = happening.id.clone().into_bytes();
        Ok(vec![Action::Deliver(vec![happening]), Action::Keep(kept)])
    }
}

/// What a model can do there.
pub struct Tools;

impl Tool for Tools {
    fn call(_: &str, _: &str, _: &Context) -> Result<Output> {
        Ok(Output::text("the pond is quiet"))
    }
}

#[cfg(target_family = "wasm")]
const _: () = {
    #[used]
    #[allow(unsafe_code, reason = "a named section is how a manifest travels with the code")]
    #[unsafe(link_section = "openkoi:manifest")]
    static MANIFEST: [u8; include_bytes!("pond.toml").len()] = *include_bytes!("pond.toml");
    type Exported = openkoi_sdk::tool::Adapter<Tools>;
    openkoi_sdk::bindings::tool::export!(Exported with_types_in openkoi_sdk::bindings::tool);
};

openkoi_sdk::export_integration!(Pond, socket: PondSession);
