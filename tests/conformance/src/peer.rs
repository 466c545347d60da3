//! A provider and its server, facing each other.

use std::sync::{Arc, Mutex, PoisonError};

use openkoi_brokers::{
    egress::{Egress, EgressSettings},
    secrets::SecretStore,
};
use openkoi_core::{
    credential::{SecretSource, VariablePair},
    message::{Message, OfferedTool, Part, Prompt, Role, Speaker, ToolResult, Turn},
    model::ModelError,
    port::{Delta, Deltas, Model},
};
use openkoi_host::{
    catalog::{Embedded, Form},
    kinds::provider::{CatalogModels, Offered, ProviderSettings},
    manifest::Kind,
};
use openkoi_test_support::{
    Reply,
    server::{Server, Wire},
};
use openkoi_testing::World;
use serde_json::json;

/// A provider that is set up for a server.
pub struct Peer<W: Wire> {
    /// The server.
    pub server: Server<W>,
    models: CatalogModels,
    world: World,
}

impl<W: Wire> Peer<W> {
    /// Starts a server with these replies and a provider for it.
    ///
    /// # Panics
    ///
    /// When there is no such component, or no port.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut world = World::new();
        let component = openkoi_components::find(W::COMPONENT).and_then(embedded);
        world.load_built(component);
        for (name, value) in W::environment() {
            world.variable(name, value);
        }
        world.hurry().transport(egress());
        Self::within(world, replies)
    }

    fn within(mut world: World, replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Server::<W>::start(replies);
        let models = world.models(settings(&server), W::MODEL);
        Self { server, models, world }
    }

    /// Judges the server and faces the same provider with another.
    #[must_use]
    pub fn again(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.server.finish();
        Self::within(self.world, replies)
    }

    /// Asks for one turn that nobody is shown while it arrives.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn ask(&self, prompt: &Prompt) -> Result<Turn, ModelError> {
        self.models.complete(&executor(), prompt, &|_| false).await
    }

    /// Asks for one turn, and passes on what is shown on the way.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn watch(&self, prompt: &Prompt, shown: &Deltas<'_>) -> Result<Turn, ModelError> {
        self.models.complete(&executor(), prompt, shown).await
    }

    /// Asks for one turn, and returns all text that was shown on the way, in pieces.
    ///
    /// # Errors
    ///
    /// There is no turn.
    pub async fn show(&self, prompt: &Prompt) -> Result<(Turn, Vec<String>), ModelError> {
        let (turn, pieces) = self.shown(prompt).await;
        Ok((turn?, pieces))
    }

    /// As [`Peer::show`], for a turn that may break off.
    pub async fn shown(&self, prompt: &Prompt) -> (Result<Turn, ModelError>, Vec<String>) {
        let pieces = Mutex::new(Vec::new());
        let keep = |delta: Delta<'_>| {
            let Delta::Text(text) = delta else { return false };
            pieces.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
            true
        };
        let turn = self.watch(prompt, &keep).await;
        (turn, pieces.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for the list of models.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn list(&self) -> Result<Vec<Offered>, ModelError> {
        self.models.list_models(W::NAME).await
    }
}

fn executor() -> Role {
    Role::new(Role::EXECUTOR)
}

fn embedded(one: &openkoi_components::Embedded) -> Option<Embedded> {
    Some(Embedded {
        name: one.name,
        kind: Kind::of_word(one.kind)?,
        digest: one.digest,
        manifest: one.manifest,
        form: match one.form {
            openkoi_components::Form::Native => Form::Native,
            openkoi_components::Form::WebAssembly => Form::WebAssembly,
        },
        code: one.code,
        unpack: one.unpacked_by(),
        wasm_len: one.wasm_length,
        code_len: one.code_length,
    })
}

fn egress() -> Arc<Egress> {
    let secrets = SecretStore::new(std::path::Path::new("/nonexistent"), Arc::default());
    Arc::new(Egress::new(secrets, EgressSettings::default()))
}

/// Returns where keys that sign are.
fn keys() -> SecretSource {
    SecretSource::Pair(Box::new(VariablePair {
        id: "AWS_ACCESS_KEY_ID".to_owned(),
        secret: "AWS_SECRET_ACCESS_KEY".to_owned(),
        token: "AWS_SESSION_TOKEN".to_owned(),
    }))
}

fn settings<W: Wire>(server: &Server<W>) -> ProviderSettings {
    let options = W::options().into_iter();
    let variables = W::environment().into_iter();
    let variables = variables.map(|(name, _)| SecretSource::Variable(name.to_owned()));
    ProviderSettings {
        name: W::NAME.to_owned(),
        component: W::COMPONENT.to_owned(),
        base_url: Some(server.base_url()),
        options: options.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        credential: if W::SIGNED { vec![keys()] } else { variables.collect() },
        ..ProviderSettings::default()
    }
}

/// Returns a prompt with two tools.
#[must_use]
pub fn prompt(text: &str) -> Prompt {
    Prompt {
        system: "You answer the tests of OpenKoi.".to_owned(),
        messages: vec![Message::user(text)],
        tools: vec![
            tool("read_file", "Reads a file.", "path"),
            tool("shell", "Runs a line of shell.", "command"),
        ],
        max_tokens: Some(2_000),
        ..Prompt::default()
    }
}

fn tool(name: &str, description: &str, argument: &str) -> OfferedTool {
    OfferedTool {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { argument: { "type": "string" } },
            "required": [argument],
            "additionalProperties": false,
        })
        .into(),
    }
}

/// Goes on with `prompt` after `turn`: each of its calls is answered by what `answer` says of its arguments.
pub fn go_on(prompt: &mut Prompt, turn: &Turn, answer: impl Fn(&str) -> String) {
    let results = turn.calls().into_iter().map(|call| {
        Part::ToolResult(ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            content: answer(&call.arguments),
            is_error: false,
        })
    });
    let results = Message { speaker: Speaker::User, parts: results.collect() };
    prompt.messages.push(Message::assistant(turn.parts.clone()));
    prompt.messages.push(results);
}
