//! Settings of a world's brokers.

use std::{collections::HashMap, env, ffi::OsString, path::Path, sync::Arc};

use openkoi_brokers::{
    processes::{ProcessSettings, Processes, ProgramLimits},
    secrets::SecretStore,
};

/// Returns settings of programs, whose environment is the `PATH` of the test.
pub(crate) fn processes(home: &Path) -> Processes {
    let kept = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"];
    let environment: HashMap<OsString, OsString> = kept
        .into_iter()
        .filter_map(|name| Some((OsString::from(name), env::var_os(name)?)))
        .collect();
    Processes::new(ProcessSettings {
        environment: Arc::new(environment),
        temporary: home.join("tmp"),
        spool: home.join("output"),
        read: Vec::new(),
        secret: Vec::new(),
        caches: None,
        certificates: None,
        limits: ProgramLimits::default(),
        sandbox: openkoi_brokers::processes::SandboxMode::Required,
    })
}

/// Credentials come from these variables and from the world's own home.
pub(crate) fn secrets(home: &Path, variables: &[(&str, &str)]) -> SecretStore {
    let environment: HashMap<OsString, OsString> = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect();
    SecretStore::new(home, Arc::new(environment))
}
