//! `openkoi plugin inspect`: the details of one component.

use std::sync::Arc;

use openkoi_core::capability::Access;
use openkoi_host::manifest::{Capability, CredentialEntry, LimitRequest, Manifest, ToolEntry};
use serde_json::{Value, json};

use crate::output::{Output, Page, Style};

/// A component: its manifest, and the origin of its bytes.
pub(super) struct Inspected {
    pub(super) manifest: Arc<Manifest>,
    pub(super) digest: String,
    pub(super) built_in: bool,
}

impl Output for Inspected {
    fn text(&self, page: &mut Page) {
        let about = &self.manifest.component;
        page.field_styled("component", &about.name, Style::Strong);
        page.field("kind", about.kind.word());
        page.field("version", &about.version);
        page.field("publisher", &about.publisher);
        page.field(
            "origin",
            if self.built_in { "came with OpenKoi" } else { "a file, not installed" },
        );
        page.field("digest", &self.digest);
        page.field("imports", self.imports().join(", "));
        page.gap();
        page.line(&about.description);
        self.capabilities(page);
        self.credentials(page);
        self.tools(page);
        self.limits(page);
    }

    fn json(&self) -> Value {
        let manifest = &self.manifest;
        json!({
            "name": manifest.component.name,
            "kind": manifest.component.kind.word(),
            "version": manifest.component.version,
            "publisher": manifest.component.publisher,
            "description": manifest.component.description,
            "built_in": self.built_in,
            "digest": self.digest,
            "imports": self.imports(),
            "capabilities": manifest.capabilities.iter().map(capability_json).collect::<Vec<_>>(),
            "credentials": manifest.credentials.iter().map(credential_json).collect::<Vec<_>>(),
            "tools": manifest.tools.iter().map(tool_json).collect::<Vec<_>>(),
            "limits": limits(&manifest.limits)
                .map(|(name, value)| (name.to_owned(), json!(value)))
                .collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl Inspected {
    /// Returns the interfaces that the component may import. Admission refuses all others, and two
    /// of them need no entry in the manifest.
    fn imports(&self) -> Vec<String> {
        let offered = ["files", "http", "memory", "model", "process", "records", "state"];
        let asked = offered.into_iter().filter(|name| self.manifest.asks_for(name));
        asked.chain(["log", "progress"]).map(str::to_owned).collect()
    }

    fn capabilities(&self, page: &mut Page) {
        if self.manifest.capabilities.is_empty() {
            return;
        }
        page.title("Asks for");
        self.manifest.capabilities.iter().for_each(|asked| capability(page, asked));
    }

    fn credentials(&self, page: &mut Page) {
        if self.manifest.credentials.is_empty() {
            return;
        }
        page.title("Credentials, which it never sees");
        for credential in &self.manifest.credentials {
            let need = if credential.required { "required" } else { "optional" };
            let names = [credential.environment.clone(), external(credential)].concat().join(", ");
            page.line(format!("{} ({need}): {names}", credential.name));
        }
    }

    fn tools(&self, page: &mut Page) {
        for tool in &self.manifest.tools {
            page.title(&format!("Tool {}", tool.name));
            let again = if tool.idempotent { ", may be repeated" } else { "" };
            page.field("effect", format!("{}{again}", tool.effect.word()));
            page.field("domain", &tool.domain);
            page.line(tool.description.trim());
            tool.capabilities.iter().for_each(|asked| capability(page, asked));
        }
    }

    fn limits(&self, page: &mut Page) {
        let set: Vec<String> = limits(&self.manifest.limits)
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !set.is_empty() {
            page.title("Limits of a call");
            page.line(set.join(", "));
        }
    }
}

fn capability(page: &mut Page, asked: &Capability) {
    let (interface, scope) = (&asked.interface, scope(asked).join(", "));
    let colon = if scope.is_empty() { "" } else { ": " };
    page.line(format!("- {interface}{colon}{scope}"));
    page.styled(format!("  {}", asked.why), Style::Faint);
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

fn capability_json(asked: &Capability) -> Value {
    json!({ "interface": asked.interface, "scope": scope(asked), "why": asked.why })
}

/// Returns the stores of other programs where the credential is looked for, in words.
fn external(credential: &CredentialEntry) -> Vec<String> {
    credential.others().map(|source| source.to_string()).collect()
}

fn credential_json(credential: &CredentialEntry) -> Value {
    json!({
        "name": credential.name,
        "environment": credential.environment,
        "external": external(credential),
        "required": credential.required,
    })
}

fn tool_json(tool: &ToolEntry) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "effect": tool.effect.word(),
        "idempotent": tool.idempotent,
        "domain": tool.domain,
        "target": tool.target,
        "parameters": tool.schema,
        "capabilities": tool.capabilities.iter().map(capability_json).collect::<Vec<_>>(),
    })
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
