//! The check before a component is compiled or run: its imports against the world of its kind, the requests of its
//! manifest, and the interfaces of this host.
//!
//! | import | answer |
//! |---|---|
//! | `openkoi:types/*`, and the types of the kind's own package, at a version this host speaks | admitted: types only |
//! | `openkoi:host/*` of the kind's world, asked for (`log` and `progress` need not be) | admitted |
//! | the same, not asked for | [`AdmissionError::Undeclared`] |
//! | `openkoi:host/*` of another kind's world | [`AdmissionError::NotForThisKind`] |
//! | `records`, `memory` | [`AdmissionError::NotOffered`] |
//! | a package at another version | [`AdmissionError::Version`], both named |
//! | the WASI interfaces that the runtimes of languages import | admitted, with an empty context behind them |
//! | anything else, `wasi:http` and `wasi:sockets` included | [`AdmissionError::UnknownInterface`] |

use crate::{
    manifest::Manifest,
    sabotage::{Guard, off},
    world::{self, AskedWith, TYPES, WorldRow},
};

/// Interfaces that the runtimes of languages import whether a program uses them or not. An empty context serves them.
const RUNTIME: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// A component was not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The manifest does not ask for an imported interface.
    #[error("`{component}` imports `{interface}` but its manifest does not ask for it")]
    Undeclared {
        /// The component.
        component: String,
        /// The interface.
        interface: String,
    },
    /// The world of the component's kind does not have an imported interface.
    #[error(
        "`{component}` imports `{interface}`, which a component of kind `{kind}` does not have"
    )]
    NotForThisKind {
        /// The component.
        component: String,
        /// The interface.
        interface: String,
        /// The kind.
        kind: &'static str,
    },
    /// This host does not offer an imported interface of the contract yet.
    #[error("`{component}` imports `{interface}`, which this host does not offer yet")]
    NotOffered {
        /// The component.
        component: String,
        /// The interface.
        interface: String,
    },
    /// An import is not in the contract.
    #[error("`{component}` imports `{interface}`, which no OpenKoi host offers{}", hint(.interface))]
    UnknownInterface {
        /// The component.
        component: String,
        /// The interface.
        interface: String,
    },
    /// The component was built against another version of a package.
    #[error(
        "`{component}` was built against version {wants} of the package `{}` (for `{interface}`), and this OpenKoi has \
         {has}; {}", package(.interface), advice(.component, .interface, .wants, .has)
    )]
    Version {
        /// The component.
        component: String,
        /// The interface, without its version.
        interface: String,
        /// The version that it was built against.
        wants: String,
        /// The version of the package that this host has.
        has: &'static str,
    },
    /// The export of the kind is missing.
    #[error("`{component}` says that it is of kind `{kind}` but does not export `{interface}`")]
    Missing {
        /// The component.
        component: String,
        /// The interface.
        interface: String,
        /// The kind.
        kind: &'static str,
    },
    /// This host does not run components of the kind yet.
    #[error("`{component}` is of kind `{kind}`, which this host does not run yet")]
    UnknownKind {
        /// The component.
        component: String,
        /// The kind.
        kind: &'static str,
    },
}

fn hint(interface: &str) -> &'static str {
    if interface.starts_with("wasi:http/") || interface.starts_with("wasi:sockets/") {
        "; `openkoi:host/http` is the way out"
    } else {
        ""
    }
}

/// Admits a component with these imports and exports as what its manifest says.
///
/// # Errors
///
/// The first import or export that is refused.
pub fn admit(
    manifest: &Manifest,
    imports: &[String],
    exports: &[String],
) -> Result<(), AdmissionError> {
    let (world, component) = (manifest.component.kind.world(), &manifest.component.name);
    if !world.runs {
        let component = component.clone();
        return Err(AdmissionError::UnknownKind { component, kind: world.word });
    }
    imports.iter().try_for_each(|import| admit_import(manifest, world, import))?;
    world.exports.iter().try_for_each(|wanted| {
        match exports.iter().map(|name| split(name)).find(|(interface, _)| interface == wanted) {
            Some((interface, version)) => spoken(component, interface, version),
            None => Err(AdmissionError::Missing {
                component: component.clone(),
                interface: (*wanted).to_owned(),
                kind: world.word,
            }),
        }
    })
}

fn admit_import(manifest: &Manifest, world: &WorldRow, import: &str) -> Result<(), AdmissionError> {
    let name = &manifest.component.name;
    let (full, version) = split(import);
    let (component, interface) = (name.clone(), full.to_owned());
    let common = full.strip_prefix("openkoi:types/").is_some_and(|types| TYPES.contains(&types));
    if common || world.types.contains(&full) {
        return spoken(name, full, version);
    }
    let Some(short) = full.strip_prefix("openkoi:host/") else {
        let runtime = RUNTIME.contains(&full);
        let runtime = runtime && version.is_some_and(|version| version.starts_with("0.2."));
        if runtime || off(Guard::HostUnknown) {
            return Ok(());
        }
        let interface = crate::text::one_line(import, 120);
        return Err(AdmissionError::UnknownInterface { component, interface });
    };
    let Some(row) = world::interface(short) else {
        let interface = crate::text::one_line(import, 120);
        return Err(AdmissionError::UnknownInterface { component, interface });
    };
    spoken(name, full, version)?;
    if !world.imports.contains(&short) {
        return Err(AdmissionError::NotForThisKind { component, interface, kind: world.word });
    }
    if !row.offered {
        return Err(AdmissionError::NotOffered { component, interface });
    }
    let free = row.asked == AskedWith::Free || off(Guard::HostUndeclared);
    if !free && !manifest.asks_for(short) {
        return Err(AdmissionError::Undeclared { component, interface });
    }
    Ok(())
}

/// Checks that this host speaks `version` of the package of an interface.
fn spoken(component: &str, interface: &str, version: Option<&str>) -> Result<(), AdmissionError> {
    let has = world::version(package(interface)).unwrap_or("no version");
    let wants = version.unwrap_or("");
    if compare(wants, has) == Spoken::Yes {
        return Ok(());
    }
    Err(AdmissionError::Version {
        component: component.to_owned(),
        interface: interface.to_owned(),
        wants: if wants.is_empty() { "none".to_owned() } else { crate::text::one_line(wants, 40) },
        has,
    })
}

/// Returns the package of an interface.
fn package(interface: &str) -> &str {
    interface.split('/').next().unwrap_or(interface)
}

/// Returns what to do about another version.
fn advice(component: &str, interface: &str, wants: &str, has: &str) -> String {
    match compare(wants, has) {
        Spoken::Newer => {
            format!("update OpenKoi, or take a `{component}` that was built for {has}")
        }
        Spoken::Yes | Spoken::Older => {
            let package = package(interface);
            format!("take a newer `{component}`, or build it anew for `{package}@{has}`")
        }
    }
}

/// How a version that a component was built against stands to that of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    /// Compatible by cargo's rules, and not newer.
    Yes,
    /// Of a later OpenKoi.
    Newer,
    /// Of an earlier one that this host cannot serve, or no version.
    Older,
}

fn compare(wants: &str, has: &str) -> Spoken {
    match (numbers(wants), numbers(has)) {
        (Some(wants), Some(has)) if wants > has => Spoken::Newer,
        (Some(wants), Some(has)) if wants.0 == has.0 && (has.0 > 0 || wants.1 == has.1) => {
            Spoken::Yes
        }
        _ => Spoken::Older,
    }
}

fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse::<u64>().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(kind: &str, rest: &str) -> Manifest {
        let text = format!(
            "[component]\nname = \"x\"\nversion = \"0.1.0\"\nkind = \"{kind}\"\npublisher = \"p\"\ndescription = \"d\"\n{rest}"
        );
        Manifest::parse(&text).unwrap()
    }

    fn tool(capability: &str) -> Manifest {
        of_tools("tool", capability)
    }

    fn of_tools(kind: &str, capability: &str) -> Manifest {
        let rest = format!(
            "[[tool]]\nname = \"t\"\ndescription = \"d\"\neffect = \"read\"\ndomain = \"d\"\nparameters = '{{\"type\":\"object\"}}'\n{capability}"
        );
        manifest(kind, &rest)
    }

    fn decide(manifest: &Manifest, import: &str) -> Result<(), AdmissionError> {
        let exports = manifest.component.kind.world().exports.iter();
        let exports: Vec<String> = exports.map(|export| format!("{export}@0.1.0")).collect();
        admit(manifest, &[import.to_owned()], &exports)
    }

    #[test]
    fn the_manifest_has_to_ask_for_an_import() {
        let import = "openkoi:host/files@0.1.0";
        let refused = decide(&tool(""), import).unwrap_err();
        let asked =
            tool("[[tool.capability]]\ninterface = \"files\"\naccess = \"read\"\nwhy = \"w\"");

        assert!(matches!(refused, AdmissionError::Undeclared { .. }));
        assert_eq!(decide(&asked, import), Ok(()));
        assert_eq!(decide(&tool(""), "openkoi:host/log@0.1.0"), Ok(()));
    }

    #[test]
    fn a_kind_has_the_interfaces_of_its_world() {
        let provider = manifest("provider", "[provider]\nbase-url = \"https://api.example.com\"");

        let refused = decide(&provider, "openkoi:host/http@0.1.0").unwrap_err();

        assert!(matches!(refused, AdmissionError::NotForThisKind { kind: "provider", .. }));
    }

    #[test]
    fn a_wrong_version_is_refused_with_both_named() {
        for wants in ["0.9.0", "1.0.0", "0.1.1", "0.1", ""] {
            let import = format!("openkoi:host/files@{wants}");
            let refused = decide(&tool(""), &import).unwrap_err();
            assert!(matches!(refused, AdmissionError::Version { .. }), "{wants}");
        }
        let text = decide(&tool(""), "openkoi:host/files@0.9.0").unwrap_err().to_string();
        assert_eq!(
            text,
            "`x` was built against version 0.9.0 of the package `openkoi:host` (for `openkoi:host/files`), and this \
             OpenKoi has 0.1.0; update OpenKoi, or take a `x` that was built for 0.1.0"
        );
        let text = decide(&tool(""), "openkoi:types/failures@0.0.9").unwrap_err().to_string();
        assert!(
            text.ends_with("take a newer `x`, or build it anew for `openkoi:types@0.1.0`"),
            "{text}"
        );
    }

    #[test]
    fn each_package_is_compared_by_its_own_version() {
        let table = [
            ("0.3.0", "0.3.2", Spoken::Yes),
            ("0.3.2", "0.3.2", Spoken::Yes),
            ("0.3.3", "0.3.2", Spoken::Newer),
            ("0.2.9", "0.3.2", Spoken::Older),
            ("1.0.0", "1.4.0", Spoken::Yes),
            ("1.5.0", "1.4.0", Spoken::Newer),
            ("0.9.0", "1.4.0", Spoken::Older),
            ("2.0.0", "1.4.0", Spoken::Newer),
            ("0.3", "0.3.2", Spoken::Older),
            ("", "0.3.2", Spoken::Older),
        ];
        for (wants, has, expected) in table {
            assert_eq!(compare(wants, has), expected, "{wants} at {has}");
        }
    }

    #[test]
    fn a_kind_that_is_not_offered_yet_is_refused_as_such() {
        let integration = of_tools("integration", "");
        let refused = decide(&integration, "openkoi:host/log@0.1.0").unwrap_err();
        assert!(matches!(refused, AdmissionError::UnknownKind { kind: "integration", .. }));
    }

    #[test]
    fn the_admitted_part_of_wasi_is_that_of_runtimes() {
        assert_eq!(decide(&tool(""), "wasi:cli/environment@0.2.6"), Ok(()));
        for import in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment",
            "openkoi:host/everything@0.1.0",
            "evil:corp/backdoor@1.0.0",
            "anything",
        ] {
            let refused = decide(&tool(""), import).unwrap_err();
            assert!(matches!(refused, AdmissionError::UnknownInterface { .. }), "{import}");
        }
    }

    #[test]
    fn the_export_of_the_kind_has_to_be_there() {
        let refused = admit(&tool(""), &[], &[]).unwrap_err();
        assert!(matches!(refused, AdmissionError::Missing { .. }));

        let newer = admit(&tool(""), &[], &["openkoi:tool/tool@0.2.0".to_owned()]).unwrap_err();
        assert!(matches!(newer, AdmissionError::Version { .. }));
    }
}
