//! Providers in the shape of the host, with their options read, for a task or for their lists of
//! models.

use std::{io, path::Path, sync::Arc};

use openkoi_brokers::{disk, random::Random};
use openkoi_core::{failure::Failure, port::StateStore};
use openkoi_host::kinds::provider::{CatalogModels, ModelSettings, ProviderSettings};

use super::{Catalogue, Connection, Routes};
use crate::{
    app::App,
    error::AppError,
    host::{self, Kept},
    outbound::Outbound,
    settings::Settings,
};

/// The largest file that a provider's setting may name, in bytes.
const LARGEST_OPTION: u64 = 16 << 20;

/// Returns the providers of `connections`, to ask for their lists of models. No storage is opened.
///
/// # Errors
///
/// When a provider is set up wrongly.
pub(crate) fn listers(
    app: &App,
    settings: &Settings,
    connections: &[Connection],
    outbound: Outbound,
) -> Result<CatalogModels, AppError> {
    let private = app.paths()?.data();
    let host = host::host(app, settings, Kept::nothing(Arc::new(Stateless)), outbound, private)?;
    let routes = Routes { connections: connections.to_vec(), ..Routes::default() };
    Ok(CatalogModels::new(&host, model_settings(&routes, &Catalogue::default(), None)?)?)
}

/// Returns the providers and roles of `routes` in the shape of the host.
///
/// # Errors
///
/// When a file that a provider's settings name cannot be read.
pub(crate) fn model_settings(
    routes: &Routes,
    catalogue: &Catalogue,
    output: Option<u64>,
) -> Result<ModelSettings, AppError> {
    let random = Random::default();
    Ok(ModelSettings {
        providers: routes.connections.iter().map(provider).collect::<Result<_, _>>()?,
        roles: routes.roles.clone(),
        catalogue: catalogue.of(routes.services(), &routes.models()),
        output,
        chance: Arc::new(move || match random.bytes::<4>() {
            Ok(bytes) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            // Without randomness a wait is as long as it may be.
            Err(_) => 1.0,
        }),
    })
}

fn provider(connection: &Connection) -> Result<ProviderSettings, AppError> {
    let mut options = Vec::new();
    for option in &connection.options {
        let value = match &option.file {
            Some(path) => read_option(&connection.name, path)?,
            None => option.value.clone(),
        };
        options.push((option.name.clone(), value));
    }
    Ok(ProviderSettings {
        name: connection.name.clone(),
        component: connection.component.clone(),
        base_url: Some(connection.base_url.clone()).filter(|url| !url.is_empty()),
        options,
        credential: connection.sources.clone(),
        login: connection.login.clone(),
        headers: connection.headers.clone(),
        inject: connection.inject.clone(),
        price: connection.price,
    })
}

fn read_option(provider: &str, path: &Path) -> Result<String, AppError> {
    let unfit = |reason: String| AppError::OptionFile {
        provider: provider.to_owned(),
        path: path.to_owned(),
        reason,
    };
    disk::read_text(path, LARGEST_OPTION).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge | io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => {
            unfit("it is not a file of at most 16 MiB".to_owned())
        }
        _ => unfit(error.to_string()),
    })
}

/// A store without state, because providers have none.
#[derive(Debug)]
pub(crate) struct Stateless;

impl StateStore for Stateless {
    fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }

    fn set(&self, _: &str, _: &str, _: &[u8], _: u64) -> Result<(), Failure> {
        Err(refused())
    }

    fn delete(&self, _: &str, _: &str) -> Result<(), Failure> {
        Err(refused())
    }

    fn keys(&self, _: &str, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }
}

fn refused() -> Failure {
    Failure::Failed("nothing is kept here".to_owned())
}
