//! From a name, typed or configured, to one model of one connection.

mod roles;

use openkoi_core::message::Role;

use super::{
    Catalogue, Connection, Connections, EMBEDDER, Facts, ModelsError, ROLES, Route, Routes, SMALL,
};
use crate::{settings::Settings, suggest};
use roles::RoleChoice;

/// The most models that an error lists.
const MOST_LISTED: usize = 8;

impl Connections {
    /// Gives every role its models.
    ///
    /// # Errors
    ///
    /// When nothing is connected, or a model that was asked for cannot be used.
    pub fn routes(
        &self,
        settings: &Settings,
        catalogue: &Catalogue,
    ) -> Result<Routes, ModelsError> {
        let mut routes = Routes::default();
        let choice = RoleChoice { connections: self, settings, catalogue };
        let executor = choice.of(Role::EXECUTOR)?;
        for role in ROLES.into_iter().chain([SMALL]) {
            let (first, origin) = choice.for_role(role, &executor)?;
            let mut chain = vec![first];
            for other in choice.fallback(role)? {
                if !chain.contains(&other) {
                    chain.push(other);
                }
            }
            self.keep(&chain, &mut routes);
            routes.roles.insert(role.to_owned(), chain);
            routes.origins.insert(role.to_owned(), origin);
        }
        if let Some((embedder, origin)) = choice.embedder()? {
            self.keep(std::slice::from_ref(&embedder), &mut routes);
            routes.roles.insert(EMBEDDER.to_owned(), vec![embedder]);
            routes.origins.insert(EMBEDDER.to_owned(), origin);
        }
        Ok(routes)
    }

    fn keep(&self, chain: &[Route], routes: &mut Routes) {
        for route in chain {
            let known = routes.connections.iter().any(|one| one.name == route.provider);
            if let (false, Some(connection)) = (known, self.find(&route.provider)) {
                routes.connections.push(connection.clone());
            }
        }
    }

    pub(super) fn default_route(&self) -> Result<Route, ModelsError> {
        let Some(first) = self.ready.first() else { return Err(self.none()) };
        let usable = self.ready.iter().find_map(|connection| {
            let model = connection.default_model.clone()?;
            Some(Route { provider: connection.name.clone(), model })
        });
        usable.ok_or_else(|| ModelsError::NoDefault { provider: first.name.clone() })
    }

    fn none(&self) -> ModelsError {
        let first = self.missing.first().map(|connection| connection.name.clone());
        ModelsError::NoProvider {
            variables: self.variables(),
            first: first.unwrap_or_default(),
            closed: self.closed.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Returns the model of a name, which is `provider/model`, or a bare name if one connection has
    /// the model.
    ///
    /// # Errors
    ///
    /// When no model has the name, or several have. A name that is slightly wrong is an error, with
    /// suggestions.
    pub fn select(&self, name: &str, catalogue: &Catalogue) -> Result<Route, ModelsError> {
        let name = name.trim();
        if let Some((provider, model)) = name.split_once('/') {
            if let Some(connection) = self.find(provider) {
                return connection.route(model, catalogue);
            }
            if let Some(known) = self.missing.iter().find(|one| one.name == provider) {
                return Err(known.not_connected());
            }
        }
        let holders = self.ready.iter().filter(|one| one.has(name, catalogue));
        match one_of(name, holders)? {
            Some(route) => Ok(route),
            None => self.unheard_of(name, catalogue),
        }
    }

    /// Chooses a connection for a name that none is known to have.
    fn unheard_of(&self, name: &str, catalogue: &Catalogue) -> Result<Route, ModelsError> {
        if let Some((provider, _)) = name.split_once('/') {
            return Err(self.unknown_provider(provider));
        }
        // The models of a server of the user's own are in no list, unless it has one itself. A model that is known as
        // another vendor's is not asked for there: many servers answer to any name.
        if let [only] = self.ready.as_slice()
            && only.service.is_none()
            && (catalogue.facts(&only.name, name).is_some()
                || only.known(catalogue).next().is_none() && !catalogue.knows(name))
        {
            return Ok(only.route_to(name));
        }
        // A provider without a key may have it, and naming it helps more than "unknown".
        if let Some(holder) = self.missing.iter().find(|one| one.has(name, catalogue)) {
            return Err(holder.not_connected());
        }
        // Lists are not complete: a connection with other versions is the likeliest to have it.
        let kin = self.ready.iter().filter(|one| {
            one.known(catalogue).any(|known| known != name && is_version_of(name, known))
        });
        if let Some(route) = one_of(name, kin)? {
            return Ok(route);
        }
        match self.ready.as_slice() {
            [] => Err(self.none()),
            [only] if only.service.is_some() && !catalogue.knows(name) => {
                only.route(name, catalogue)
            }
            ready => {
                let suggestions = self.similar(name, catalogue);
                let known =
                    if suggestions.is_empty() { self.listed(catalogue) } else { Vec::new() };
                let (provider, model) = (ready[0].name.clone(), name.to_owned());
                Err(ModelsError::UnknownModel { provider, model, suggestions, known })
            }
        }
    }

    fn unknown_provider(&self, provider: &str) -> ModelsError {
        let all = self.ready.iter().chain(&self.on_request).chain(&self.missing);
        let known: Vec<String> = all.map(|one| one.name.clone()).collect();
        let suggestions = suggest::closest(provider, known.iter().cloned());
        ModelsError::UnknownProvider { provider: provider.to_owned(), suggestions, known }
    }

    fn similar(&self, name: &str, catalogue: &Catalogue) -> Vec<String> {
        let known = self.ready.iter().flat_map(|one| one.known(catalogue));
        let close = suggest::closest(name, known.map(str::to_owned));
        let named = close.iter().flat_map(|model| {
            let holders = self.ready.iter().filter(|one| one.has(model, catalogue));
            holders.map(|one| one.route_to(model).to_string())
        });
        named.take(3).collect()
    }

    /// Returns the first models that the connections are known to have.
    fn listed(&self, catalogue: &Catalogue) -> Vec<String> {
        let of = |one: &'_ Connection| -> Vec<String> {
            one.known(catalogue)
                .take(MOST_LISTED)
                .map(|model| one.route_to(model).to_string())
                .collect()
        };
        self.ready.iter().flat_map(of).take(MOST_LISTED).collect()
    }
}

/// Returns the route to `name` if exactly one connection has it.
fn one_of<'a>(
    name: &str,
    holders: impl Iterator<Item = &'a Connection>,
) -> Result<Option<Route>, ModelsError> {
    let mut routes: Vec<Route> = holders.map(|one| one.route_to(name)).collect();
    match routes.len() {
        0 | 1 => Ok(routes.pop()),
        _ => Err(ModelsError::Ambiguous {
            model: name.to_owned(),
            candidates: routes.iter().map(ToString::to_string).collect(),
        }),
    }
}

impl Connection {
    /// Returns the route to a model of this connection, whether it is known or not.
    pub fn route_to(&self, model: &str) -> Route {
        Route { provider: self.name.clone(), model: model.to_owned() }
    }

    /// Returns the models that the connection is known to have.
    pub(super) fn known<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a str> {
        // If another server answers at the URL, its models are those that it listed itself.
        let own = |model: &&str| {
            let facts = || catalogue.facts(self.key(), model);
            self.service.is_some() || facts().is_some_and(|facts| facts.listed)
        };
        let named = |model: &&str| self.models.iter().any(|own| own == model);
        let listed = catalogue.models(self.key()).filter(move |model| !named(model) && own(model));
        self.models.iter().map(String::as_str).chain(listed)
    }

    /// Returns the models of the connection with their facts. Its default model is among them even
    /// if no list has it.
    pub fn models<'a>(&'a self, catalogue: &'a Catalogue) -> Vec<(&'a str, Facts)> {
        let mut names: Vec<&str> = self.known(catalogue).collect();
        names.extend(self.default_model.as_deref());
        names.sort_unstable();
        names.dedup();
        let facts = |name| catalogue.facts(self.key(), name).unwrap_or_default();
        names.into_iter().map(|name| (name, facts(name))).collect()
    }

    fn has(&self, model: &str, catalogue: &Catalogue) -> bool {
        self.known(catalogue).any(|known| known == model)
    }

    /// Returns the route to a model of this connection. Lists are not complete, so an unknown name
    /// is accepted unless it looks like a slip of a known one.
    fn route(&self, model: &str, catalogue: &Catalogue) -> Result<Route, ModelsError> {
        let unknown = |suggestions| ModelsError::UnknownModel {
            provider: self.name.clone(),
            model: model.to_owned(),
            suggestions,
            known: Vec::new(),
        };
        if model.is_empty() {
            return Err(ModelsError::NoDefault { provider: self.name.clone() });
        }
        if self.has(model, catalogue) {
            return Ok(self.route_to(model));
        }
        let slips: Vec<String> = suggest::closest(model, self.known(catalogue).map(str::to_owned))
            .into_iter()
            .filter(|known| !is_version_of(model, known))
            .collect();
        if slips.is_empty() {
            return Ok(self.route_to(model));
        }
        Err(unknown(slips.iter().map(|slip| self.route_to(slip).to_string()).collect()))
    }

    fn not_connected(&self) -> ModelsError {
        let stores = self.stores.iter().filter_map(|source| source.external());
        ModelsError::NotConnected {
            provider: self.name.clone(),
            variables: self.variables(),
            stores: stores.map(|(name, _)| name.to_owned()).collect(),
        }
    }
}

/// Returns true if two names differ in numbers and the marks between them, as versions and dates
/// do, or in a word and a dot before the name, as the regions of a service do.
fn is_version_of(one: &str, other: &str) -> bool {
    let letters = |name: &str| {
        name.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect::<String>()
    };
    let forms = |name: &str| {
        let word = |word: &str| word.chars().all(char::is_alphabetic);
        let placed = name.split_once('.').filter(|(place, _)| word(place));
        [Some(name), placed.map(|(_, rest)| rest)].map(|form| form.map(letters))
    };
    let (ones, others) = (forms(one), forms(other));
    ones.iter().flatten().any(|form| others.iter().flatten().any(|other| form == other))
}

impl Routes {
    /// Returns the executor's model, which does the work.
    pub fn executor(&self) -> Option<&Route> {
        self.roles.get(Role::EXECUTOR)?.first()
    }
}

#[cfg(test)]
mod tests;
