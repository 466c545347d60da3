//! Integrations: links to a service where people talk. The host owns the connection, the credentials and the signatures.
//!
//! What needs the service's answers is written as one `async` function that asks a [`Link`]; the host does each step, and
//! a delivery that was cut off goes on from the answers that it recorded. Such a function may wait for its link and for
//! nothing else.
//!
//! ```
//! use openkoi_sdk::{Failure, Result, integration::*, provider::HttpRequest};
//!
//! struct Pond;
//!
//! impl Integration for Pond {
//!     async fn deliver(link: Link, message: Outgoing, _: Settings) -> Result<Sent> {
//!         let request = HttpRequest::post_json("https://pond.example/messages", &message.text)?;
//!         let answer = link.http(request).await?;
//!         if answer.status != 201 {
//!             return Err(Failure::failed(format!("the pond said {}", answer.status)));
//!         }
//!         Ok(Sent { id: String::from_utf8_lossy(&answer.body).into_owned(), thread: None })
//!     }
//!
//!     async fn check(_: Link, _: Settings) -> Result<Identity> {
//!         Err(Failure::unsupported("accounts"))
//!     }
//!
//!     fn receive(_: Event, _: &Settings) -> Result<Reception> {
//!         Ok(Reception::default())
//!     }
//! }
//!
//! let said = |request: &Request| match request {
//!     Request::Http(_) => Ok(Answer::Http(HttpAnswer { status: 201, headers: vec![], body: b"7".into() })),
//!     Request::Mail(_) => Err(Failure::unsupported("mail")),
//! };
//! let sent = run(|link| Pond::deliver(link, Outgoing::text("north", "hello"), vec![]), said);
//! assert_eq!(sent.unwrap().id, "7");
//! ```

mod adapter;
mod machine;
mod messages;
mod service;
mod socket;

pub use crate::bindings::integration::exports::openkoi::integration::integration::{
    Alarm, Event, Identity, Page, Reception, Reply, Webhook,
};
pub use crate::bindings::integration::openkoi::integration::messages::{
    Answer, Attachment, Author, Button, ButtonStyle, Field, Happening, HttpAnswer, Incoming,
    Letter, Link as HyperLink, Outgoing, Place, Press, Reaction, RemoteFile, Removal, Request,
    Sent, Settings, Tone, What,
};
pub use crate::bindings::socket::exports::openkoi::integration::socket::{
    Action, Closing, Frame, OutgoingFrame, SocketEvent,
};
pub use machine::{Link, run};
pub use service::Integration;
pub use socket::Session;

#[doc(hidden)]
pub use adapter::Adapter;
#[doc(hidden)]
pub use socket::SocketAdapter;
