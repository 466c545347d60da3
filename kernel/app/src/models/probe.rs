//! Whether a server on this machine serves models: the last place to look, and only where nothing else is.

use super::{
    Connection, Connections, CredentialState,
    ask::{self, GLANCE},
};
use crate::{app::App, error::AppError, settings::Settings};

/// Looks for servers on this machine if nothing is connected and nobody named a provider. Those that answer with
/// a model are connected, and its first one is the default.
///
/// # Errors
///
/// When there is no home, or a provider is set up wrongly.
pub fn probe(
    app: &App,
    settings: &Settings,
    connections: &mut Connections,
) -> Result<(), AppError> {
    if !connections.ready.is_empty() || names_a_provider(settings) {
        return Ok(());
    }
    let local = connections.local();
    for answered in ask::ask(app, settings, &local, GLANCE)? {
        let Ok(listing) = answered.listing else { continue };
        let works =
            |model: &&super::listing::ListedModel| !model.embeds && model.tools != Some(false);
        let Some(first) = listing.models.iter().find(works) else { continue };
        connections.take_up(&answered.provider, &first.id);
    }
    Ok(())
}

fn names_a_provider(settings: &Settings) -> bool {
    settings.model.iter().chain(settings.roles.values()).any(|name| name.contains('/'))
}

impl Connections {
    /// Returns the services of this machine that can be used and that nobody asked for yet.
    pub fn local(&self) -> Vec<Connection> {
        self.on_request.iter().filter(|one| one.is_local()).cloned().collect()
    }

    /// Uses a service of this machine without being asked, with this model unless the user said which.
    fn take_up(&mut self, name: &str, model: &str) {
        let Some(place) = self.on_request.iter().position(|one| one.name == name) else { return };
        let mut connection = self.on_request.remove(place);
        connection.default_model.get_or_insert_with(|| model.to_owned());
        self.ready.push(connection);
    }
}

impl Connection {
    /// Whether it is a server of this machine that wants no credential.
    fn is_local(&self) -> bool {
        let host = self.base_url.split_once("://").map(|(_, rest)| rest);
        let host = host.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        self.found == CredentialState::NotNeeded && (name == "localhost" || loopback)
    }
}
