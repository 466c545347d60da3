//! `openkoi plugin inspect`: the details of one component.

use std::sync::Arc;

use openkoi_core::{
    capability::Access,
    document::{Block, Document, Heading, Item, Pairs, Span, Value, Verbatim},
};
use openkoi_host::{
    manifest::{Capability, CredentialEntry, LimitRequest, Manifest, ToolEntry},
    world::{AskedWith, INTERFACES},
};

use crate::output::Output;

/// A component: its manifest, and the origin of its bytes.
pub(super) struct Inspected {
    pub(super) manifest: Arc<Manifest>,
    pub(super) digest: String,
    pub(super) origin: Origin,
}

/// Where the bytes of a component are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// They came with the program.
    BuiltIn,
    /// They are kept in the home.
    Installed,
    /// They are in a file, and nothing more.
    File,
}

impl Origin {
    fn words(self) -> &'static str {
        match self {
            Self::BuiltIn => "came with OpenKoi",
            Self::Installed => "installed",
            Self::File => "a file, not installed",
        }
    }
}

impl Output for Inspected {
    fn document(&self) -> Document {
        let about = &self.manifest.component;
        let pairs = Pairs::new("")
            .pair("name", "component", Span::strong(&about.name))
            .pair("kind", "kind", about.kind.word())
            .pair("version", "version", &about.version)
            .pair("publisher", "publisher", &about.publisher)
            .for_people("origin", self.origin.words())
            .for_programs("built_in", self.origin == Origin::BuiltIn)
            .for_programs("installed", self.origin == Origin::Installed)
            .pair("digest", "digest", &self.digest)
            .pair("imports", "imports", Value::list(self.imports()))
            .for_programs("description", &about.description);
        let mut document = Document::new("Component")
            .with(pairs)
            .with(Heading::end())
            .with(Block::paragraph(&about.description));
        self.capabilities(&mut document);
        self.credentials(&mut document);
        self.tools(&mut document);
        self.limits(&mut document);
        document
    }
}

impl Inspected {
    /// Returns the interfaces that the component may import. Admission refuses all others.
    fn imports(&self) -> Vec<String> {
        let world = self.manifest.component.kind.world();
        let may = INTERFACES.iter().filter(|interface| {
            let asked =
                interface.asked == AskedWith::Free || self.manifest.asks_for(interface.name);
            asked && world.imports.contains(&interface.name)
        });
        may.map(|interface| interface.name.to_owned()).collect()
    }

    fn capabilities(&self, document: &mut Document) {
        let all = &self.manifest.capabilities;
        if !all.is_empty() {
            document.push(Heading::new("", "Asks for"));
            document.push(capabilities(all));
        }
        document.push(Pairs::new("").for_programs("capabilities", asked(all)));
    }

    fn credentials(&self, document: &mut Document) {
        let all = &self.manifest.credentials;
        if !all.is_empty() {
            document.push(Heading::new("", "Credentials, which it never sees"));
        }
        document.blocks.extend(all.iter().map(|credential| {
            let need = if credential.required { "required" } else { "optional" };
            let names = [credential.environment.clone(), external(credential)].concat().join(", ");
            let urls = match credential.urls.as_slice() {
                [] => String::new(),
                urls => format!(" for {}", urls.join(", ")),
            };
            Block::paragraph(format!("{} ({need}){urls}: {names}", credential.name))
        }));
        let values = Value::List(all.iter().map(credential).collect());
        document.push(Pairs::new("").for_programs("credentials", values));
    }

    fn tools(&self, document: &mut Document) {
        for tool in &self.manifest.tools {
            let again = if tool.idempotent { ", may be repeated" } else { "" };
            document.push(Heading::new("", format!("Tool {}", tool.name)));
            document.push(
                Pairs::new("")
                    .for_people("effect", format!("{}{again}", tool.effect.word()))
                    .for_people("domain", &tool.domain),
            );
            document.push(Verbatim::new("", tool.description.trim()));
            document.push(capabilities(&tool.capabilities));
        }
        let values = Value::List(self.manifest.tools.iter().map(tool).collect());
        document.push(Pairs::new("").for_programs("tools", values));
    }

    fn limits(&self, document: &mut Document) {
        let set: Vec<(&str, u64)> = limits(&self.manifest.limits).collect();
        let words = set.iter().map(|(name, value)| format!("{name} = {value}"));
        if !set.is_empty() {
            document.push(Heading::new("", "Limits of a call"));
            document.push(Block::paragraph(words.collect::<Vec<_>>().join(", ")));
        }
        let pairs = set.iter().fold(Pairs::new("limits"), |pairs, (name, value)| {
            pairs.for_programs(*name, Value::count(*value))
        });
        document.push(pairs);
    }
}

/// Returns what is asked for, each with its reason below it.
fn capabilities(all: &[Capability]) -> Block {
    let item = |asked: &Capability| {
        let (interface, scope) = (&asked.interface, scope(asked).join(", "));
        let colon = if scope.is_empty() { "" } else { ": " };
        [Item::new(0, format!("{interface}{colon}{scope}")), Item::new(1, Span::muted(&asked.why))]
    };
    Block::Items(all.iter().flat_map(item).collect())
}

/// Returns the limits of a capability, in words.
fn scope(asked: &Capability) -> Vec<String> {
    let access = asked.access.map(|access| match access {
        Access::Read => "read".to_owned(),
        Access::Write => "write".to_owned(),
    });
    let network = asked.network.then(|| "with network".to_owned());
    let tokens = asked.max_tokens.map(|most| format!("at most {most} tokens"));
    access
        .into_iter()
        .chain(asked.allow.iter().map(ToString::to_string))
        .chain(asked.commands.iter().map(ToString::to_string))
        .chain(asked.roles.iter().cloned())
        .chain(network)
        .chain(tokens)
        .collect()
}

fn asked(all: &[Capability]) -> Value {
    let one = |asked: &Capability| {
        Value::record([
            ("interface", (&asked.interface).into()),
            ("scope", Value::list(scope(asked))),
            ("why", (&asked.why).into()),
        ])
    };
    Value::List(all.iter().map(one).collect())
}

/// Returns the stores of other programs where the credential is looked for, in words.
fn external(credential: &CredentialEntry) -> Vec<String> {
    credential.others().map(|source| source.to_string()).collect()
}

fn credential(credential: &CredentialEntry) -> Value {
    Value::record([
        ("name", (&credential.name).into()),
        ("environment", Value::list(&credential.environment)),
        ("external", Value::list(external(credential))),
        ("required", credential.required.into()),
        ("urls", Value::list(&credential.urls)),
    ])
}

fn tool(tool: &ToolEntry) -> Value {
    Value::record([
        ("name", (&tool.name).into()),
        ("description", (&tool.description).into()),
        ("effect", tool.effect.word().into()),
        ("idempotent", tool.idempotent.into()),
        ("domain", (&tool.domain).into()),
        ("target", Value::data(&tool.target)),
        ("parameters", Value::data(&tool.schema)),
        ("capabilities", asked(&tool.capabilities)),
    ])
}

fn limits(asked: &LimitRequest) -> impl Iterator<Item = (&'static str, u64)> {
    let all = [
        ("memory-mib", asked.memory_mib),
        ("wall-ms", asked.wall_ms),
        ("cpu-ms", asked.cpu_ms),
        ("host-calls", asked.host_calls),
        ("host-bytes-mib", asked.host_bytes_mib),
        ("output-kib", asked.output_kib),
    ];
    all.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)))
}
