//! What tests need to look at OpenKoi from outside: a hermetic [`Home`] that runs the built binary, small
//! [`project`]s with a failing test, the [`script`] of the scripted provider, and strict provider servers on
//! loopback.
//!
//! ```no_run
//! use openkoi_test_support::{Home, Kind, OpenAi, call, reply};
//!
//! let server = OpenAi::start([call("read_file", r#"{"path":"a"}"#), reply("It says a.")]);
//! let home = Home::new().project(Kind::Shell).provider(&server);
//! let run = home.openkoi(["what does a say?", "-i", "0"]).run();
//! assert_eq!(run.code, 0, "{run}");
//! server.finish();
//! ```
//!
//! In the order of a test: [`home`], [`binary`], [`command`], [`project`] and [`tree`] are the near side of
//! the binary, [`server`] with [`openai`], [`responses`], [`anthropic`], [`bedrock`], [`google`], [`ollama`] and [`canary`]
//! are the far side, and [`receiver`] is that of webhooks. The servers know the vendors' public API references and nothing of our codecs: a request that
//! the vendor would refuse is refused here too, and fails the test even if the program copes with the refusal.
//! [`circles`] looks at the sources instead of the program.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up has to fail, loudly and at once"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "as above"))]

pub mod anthropic;
pub mod authorization;
pub mod bedrock;
pub mod binary;
pub mod canary;
pub mod circles;
pub mod command;
pub mod daemon;
pub mod desktop;
pub mod google;
pub mod home;
#[cfg(target_os = "linux")]
pub mod kernel;
pub mod keyring;
pub mod mount;
pub mod normal;
pub mod ollama;
pub mod openai;
pub mod project;
pub mod receiver;
pub mod responses;
pub mod screen;
pub mod script;
pub mod server;
pub mod skip;
pub mod terminal;
pub mod tree;
pub mod wait;

mod schema;

pub use anthropic::Anthropic;
pub use bedrock::Bedrock;
pub use canary::Canary;
pub use command::{Invocation, Run, Running};
pub use daemon::Daemon;
pub use desktop::Desktop;
pub use google::Google;
pub use home::Home;
pub use keyring::Keyring;
pub use ollama::Ollama;
pub use openai::OpenAi;
pub use project::Kind;
pub use responses::OpenAiResponses;
pub use screen::Screen;
pub use script::{Script, turn};
pub use server::{
    Received, Role,
    reply::{Reply, Stop, call, plan, reply, verdict},
};
pub use terminal::Terminal;
pub use tree::Tree;
pub use wait::until;
