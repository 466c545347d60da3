//! The worlds of the contract, the interfaces of `openkoi:host`, and the packages with their versions: one row each.
//!
//! Admission, the linkers, limits, the check of manifests and lists of what is there read these rows. A further kind is a
//! row here, its folder in `wit/`, its file in `kinds/`, the port of core that it serves, and its module of the SDK.

use serde::{Deserialize, Serialize};

/// The kind of a component, which fixes the world that it exports. The rows of [`WORLDS`] are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Serves models.
    Provider,
    /// Has tools.
    Tool,
    /// Links to a service.
    Integration,
    /// Judges.
    Evaluator,
    /// Takes part in a deliberation.
    Agency,
    /// Changes text on its way.
    Filter,
    /// Renders a document.
    View,
    /// Learns from outcomes.
    Learner,
    /// Embeds texts.
    Embedder,
}

impl Kind {
    /// Returns the kind that a manifest's word means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        WORLDS.iter().find(|world| world.word == word).map(|world| world.kind)
    }

    /// Returns the word of the manifest.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.world().word
    }

    /// Returns the world of the kind.
    #[must_use]
    pub fn world(self) -> &'static WorldRow {
        &WORLDS[self as usize]
    }
}

/// The world of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldRow {
    /// The kind.
    pub kind: Kind,
    /// The word of the manifest.
    pub word: &'static str,
    /// True if this host runs components of the kind.
    pub runs: bool,
    /// The interfaces that a component of the kind exports, without versions.
    pub exports: &'static [&'static str],
    /// The interfaces of `openkoi:host` that it may import.
    pub imports: &'static [&'static str],
    /// Interfaces of its own package that hold types, which it imports with them.
    pub types: &'static [&'static str],
    /// True if its manifest declares tools, which ask for capabilities one by one.
    pub has_tools: bool,
    /// True if its manifest may declare credentials.
    pub has_credentials: bool,
    /// The table of the manifest that this kind has and no other.
    pub part: Option<&'static str>,
    /// True if a manifest of the kind may go without that table.
    pub may_lack_part: bool,
    /// Running time of a call, in milliseconds, unless the manifest asks for another.
    pub cpu_ms: u64,
    /// Time of a call from beginning to end, in milliseconds, unless the manifest asks for another.
    pub wall_ms: u64,
}

/// What most kinds have in common. Its kind, word and exports are those of no row.
const USUAL: WorldRow = WorldRow {
    kind: Kind::Provider,
    word: "",
    runs: false,
    exports: &[],
    imports: &[],
    types: &[],
    has_tools: false,
    has_credentials: false,
    part: None,
    may_lack_part: false,
    cpu_ms: 2_000,
    wall_ms: 30_000,
};

/// The worlds of all kinds.
pub const WORLDS: [WorldRow; 9] = [
    WorldRow {
        kind: Kind::Provider,
        word: "provider",
        runs: true,
        exports: &["openkoi:provider/codec"],
        imports: &["log"],
        has_credentials: true,
        part: Some("provider"),
        ..USUAL
    },
    WorldRow {
        kind: Kind::Tool,
        word: "tool",
        runs: true,
        exports: &["openkoi:tool/tool"],
        imports: &["log", "progress", "http", "model", "state", "files", "process", "memory"],
        has_tools: true,
        has_credentials: true,
        cpu_ms: 5_000,
        ..USUAL
    },
    WorldRow {
        kind: Kind::Integration,
        word: "integration",
        exports: &["openkoi:tool/tool", "openkoi:integration/integration"],
        types: &["openkoi:integration/messages"],
        imports: &["log", "progress", "http", "state"],
        has_tools: true,
        has_credentials: true,
        part: Some("webhook"),
        may_lack_part: true,
        cpu_ms: 5_000,
        ..USUAL
    },
    WorldRow {
        kind: Kind::Evaluator,
        word: "evaluator",
        runs: true,
        exports: &["openkoi:evaluator/evaluator"],
        imports: &["log", "progress", "model", "files", "process"],
        part: Some("evaluator"),
        cpu_ms: 5_000,
        wall_ms: 600_000,
        ..USUAL
    },
    WorldRow {
        kind: Kind::Agency,
        word: "agency",
        runs: true,
        exports: &["openkoi:agency/agency"],
        imports: &["log", "progress", "model", "files", "records", "memory"],
        cpu_ms: 5_000,
        wall_ms: 60_000,
        ..USUAL
    },
    WorldRow { kind: Kind::Filter, word: "filter", exports: &["openkoi:filter/filter"], ..USUAL },
    WorldRow {
        kind: Kind::View,
        word: "view",
        runs: true,
        exports: &["openkoi:view/view"],
        imports: &["log", "state", "records", "memory"],
        types: &["openkoi:view/document-types"],
        part: Some("view"),
        cpu_ms: 5_000,
        ..USUAL
    },
    WorldRow {
        kind: Kind::Learner,
        word: "learner",
        runs: true,
        exports: &["openkoi:learner/learner"],
        imports: &["log", "progress", "model", "state", "records", "memory"],
        cpu_ms: 5_000,
        wall_ms: 120_000,
        ..USUAL
    },
    WorldRow {
        kind: Kind::Embedder,
        word: "embedder",
        runs: true,
        exports: &["openkoi:embedder/embedder"],
        imports: &["log"],
        ..USUAL
    },
];

/// One interface of `openkoi:host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// The name.
    pub name: &'static str,
    /// True if this host has it.
    pub offered: bool,
    /// What a manifest asks for it with.
    pub asked: AskedWith,
}

/// The entry with which a manifest asks for an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedWith {
    /// None: it may be imported as it is.
    Free,
    /// One without further keys: the interface is granted as a whole.
    Whole,
    /// One with some of these keys. The first has to be there.
    Scoped {
        /// The keys.
        keys: &'static [ScopeKey],
        /// The advice, if the first is missing.
        advice: &'static str,
    },
}

/// A key of a capability that limits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKey {
    /// `access`.
    Access,
    /// `allow`.
    Allow,
    /// `commands`.
    Commands,
    /// `network`.
    Network,
    /// `roles`.
    Roles,
    /// `max-tokens`.
    MaxTokens,
}

impl ScopeKey {
    /// All keys.
    pub const ALL: [Self; 6] =
        [Self::Access, Self::Allow, Self::Commands, Self::Network, Self::Roles, Self::MaxTokens];
}

/// The interfaces of `openkoi:host`, in the order in which people are shown them.
pub const INTERFACES: [InterfaceRow; 9] = [
    InterfaceRow {
        name: "files",
        offered: true,
        asked: AskedWith::Scoped {
            keys: &[ScopeKey::Access],
            advice: "say `access = \"read\"` or `\"write\"`",
        },
    },
    InterfaceRow {
        name: "http",
        offered: true,
        asked: AskedWith::Scoped {
            keys: &[ScopeKey::Allow],
            advice: "say where to: `allow = [\"GET https://…\"]`",
        },
    },
    InterfaceRow { name: "memory", offered: true, asked: AskedWith::Whole },
    InterfaceRow {
        name: "model",
        offered: true,
        asked: AskedWith::Scoped {
            keys: &[ScopeKey::Roles, ScopeKey::MaxTokens],
            advice: "say which: `roles = [\"…\"]`",
        },
    },
    InterfaceRow {
        name: "process",
        offered: true,
        asked: AskedWith::Scoped {
            keys: &[ScopeKey::Commands, ScopeKey::Network],
            advice: "say which: `commands = [\"…\"]`",
        },
    },
    InterfaceRow { name: "records", offered: true, asked: AskedWith::Whole },
    InterfaceRow { name: "state", offered: true, asked: AskedWith::Whole },
    InterfaceRow { name: "log", offered: true, asked: AskedWith::Free },
    InterfaceRow { name: "progress", offered: true, asked: AskedWith::Free },
];

/// Returns the interface of this name.
#[must_use]
pub fn interface(name: &str) -> Option<&'static InterfaceRow> {
    INTERFACES.iter().find(|interface| interface.name == name)
}

/// The packages of the contract, each with the version that this host speaks.
pub const PACKAGES: [(&str, &str); 11] = [
    ("openkoi:types", "0.1.0"),
    ("openkoi:host", "0.1.0"),
    ("openkoi:provider", "0.1.0"),
    ("openkoi:tool", "0.1.0"),
    ("openkoi:integration", "0.1.0"),
    ("openkoi:evaluator", "0.1.0"),
    ("openkoi:agency", "0.1.0"),
    ("openkoi:filter", "0.1.0"),
    ("openkoi:view", "0.1.0"),
    ("openkoi:learner", "0.1.0"),
    ("openkoi:embedder", "0.1.0"),
];

/// The interfaces of `openkoi:types`: they hold types, and nothing is asked of the host by them.
pub const TYPES: [&str; 3] = ["failures", "http-types", "conversation"];

/// Returns the version of a package that this host speaks.
#[must_use]
pub fn version(package: &str) -> Option<&'static str> {
    PACKAGES.iter().find(|(name, _)| *name == package).map(|(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_found_by_its_kind_and_by_its_word() {
        for world in &WORLDS {
            assert_eq!(world.kind.world(), world);
            assert_eq!(Kind::of_word(world.word), Some(world.kind));
            let word = serde_json::to_value(world.kind).unwrap();
            assert_eq!(word, world.word);
        }
        assert_eq!(Kind::of_word("everything"), None);
    }

    #[test]
    fn each_name_in_a_row_has_a_row_of_its_own() {
        for world in &WORLDS {
            for name in world.imports {
                assert!(interface(name).is_some(), "{}: {name}", world.word);
            }
            for export in world.exports {
                let package = export.split('/').next().unwrap();
                assert!(version(package).is_some(), "{}: {export}", world.word);
            }
        }
    }
}
