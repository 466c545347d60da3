//! The search for servers of models on this machine, if no provider is connected.

use super::{
    Connection, Connections, CredentialState,
    ask::{self, GLANCE},
};
use crate::{app::App, error::AppError, settings::Settings};

/// Looks for servers on this machine if no provider is connected and the settings name none.
/// Servers that list a usable model are connected, with the first such model as the default.
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
    /// Returns the services on this machine that can be used on request.
    pub fn local(&self) -> Vec<Connection> {
        self.on_request.iter().filter(|one| one.is_local()).cloned().collect()
    }

    /// Connects a service on this machine. `model` becomes its default unless it has one.
    fn take_up(&mut self, name: &str, model: &str) {
        let Some(place) = self.on_request.iter().position(|one| one.name == name) else { return };
        let mut connection = self.on_request.remove(place);
        connection.default_model.get_or_insert_with(|| model.to_owned());
        self.ready.push(connection);
    }
}

impl Connection {
    /// Returns true for a server on this machine that needs no credential.
    fn is_local(&self) -> bool {
        self.found == CredentialState::NotNeeded && self.is_on_this_machine()
    }

    /// Returns true for a server on this machine.
    pub fn is_on_this_machine(&self) -> bool {
        let host = self.base_url.split_once("://").map(|(_, rest)| rest);
        let host = host.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        name == "localhost" || loopback
    }
}
