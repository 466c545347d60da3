//! The host of components, wired to the brokers.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use openkoi_brokers::{clock::SystemClock, random::Random};
use openkoi_core::{
    port::{Recall, Records, StateStore},
    unrecorded::Unrecorded,
};
use openkoi_host::{
    Brokers, Host,
    catalog::{Catalog, Embedded, Form, current::CurrentCatalog},
    manifest::{Kind, LimitRequest},
};
use openkoi_storage::Storage;

use crate::{app::App, error::AppError, outbound::Outbound, sandbox, settings::Settings};

/// Returns the components that come with the program. The process has one engine, and each
/// component is loaded once, however many tasks use it.
fn built_in() -> &'static Catalog {
    static BUILT_IN: OnceLock<Catalog> = OnceLock::new();
    BUILT_IN.get_or_init(|| Catalog::new(openkoi_components::all().iter().filter_map(embedded)))
}

/// Returns the components of an application, which all its hosts follow. Code that is compiled for it is kept in its
/// home.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn catalog(app: &App) -> Result<&Arc<CurrentCatalog>, AppError> {
    if let Some(current) = app.catalog.get() {
        return Ok(current);
    }
    let (kept, not_used) = app.with_installed(built_in().keeping(app.paths()?.code()))?;
    for one in not_used {
        tracing::warn!(component = one.name, why = one.why, "an installed component is not used");
    }
    Ok(app.catalog.get_or_init(|| Arc::new(CurrentCatalog::new(kept))))
}

/// Returns a bundled component in the shape of the catalog. The build has checked its kind.
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

/// What components may see of what is kept.
pub(crate) struct Kept {
    state: Arc<dyn StateStore>,
    records: Arc<dyn Records>,
    memory: Arc<dyn Recall>,
}

impl Kept {
    /// Returns that of a storage.
    pub(crate) fn of(storage: &Arc<Storage>) -> Self {
        Self { state: storage.clone(), records: storage.clone(), memory: storage.clone() }
    }

    /// Returns that of somebody who opens no storage.
    pub(crate) fn nothing(state: Arc<dyn StateStore>) -> Self {
        Self { state, records: Arc::new(Unrecorded), memory: Arc::new(Unrecorded) }
    }
}

/// Returns a host with these settings, whose programs keep what they write in `private`. No component is loaded yet.
///
/// # Errors
///
/// When there is no home, or the limits of a component cannot be read.
pub(crate) fn host(
    app: &App,
    settings: &Settings,
    kept: Kept,
    outbound: Outbound,
    private: &Path,
) -> Result<Host, AppError> {
    Ok(Host::following(
        Arc::clone(catalog(app)?),
        limits(settings)?,
        Brokers {
            logins: outbound.logins,
            transport: Arc::new(outbound.egress),
            secrets: outbound.secrets,
            processes: sandbox::processes_below(app, settings, private)?,
            state: kept.state,
            records: kept.records,
            memory: kept.memory,
            clock: Arc::new(SystemClock),
            random: Random::default(),
        },
    ))
}

/// Returns the limits that the user set for components, by component.
fn limits(settings: &Settings) -> Result<BTreeMap<String, LimitRequest>, AppError> {
    let requests = settings.component_limits.iter().map(|(name, limits)| {
        let request = serde_json::to_value(limits).and_then(serde_json::from_value);
        request.map(|request: LimitRequest| (name.clone(), request)).map_err(|error| {
            AppError::ComponentLimits { component: name.clone(), reason: error.to_string() }
        })
    });
    requests.collect()
}

#[cfg(test)]
mod tests {
    use openkoi_host::manifest::Manifest;

    #[test]
    fn a_manifest_that_came_with_the_program_passes_all_checks_of_others() {
        for component in openkoi_components::all() {
            let parsed = Manifest::parse(component.manifest);
            assert_eq!(parsed, Manifest::of_built_in(component.manifest), "{}", component.name);
            assert!(parsed.is_ok(), "{}: {parsed:?}", component.name);
        }
    }
}
