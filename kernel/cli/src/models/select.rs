//! From a name that was typed or configured to one model of one connection.

use openkoi_core::message::Role;

use super::{Catalogue, Connection, Connections, ModelsError, ROLES, Route, Routes};
use crate::{settings::Settings, suggest};

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
        let fallback: Vec<Route> = settings
            .fallback
            .iter()
            .map(|name| self.select(name, catalogue))
            .collect::<Result<_, _>>()?;
        for role in ROLES {
            let (first, origin) = self.first(role, settings, catalogue)?;
            let others = fallback.iter().filter(|route| **route != first).cloned();
            let chain: Vec<Route> = std::iter::once(first.clone()).chain(others).collect();
            self.keep(&chain, &mut routes);
            routes.roles.insert(role.to_owned(), chain);
            routes.origins.insert(role.to_owned(), origin);
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

    fn first(
        &self,
        role: &str,
        settings: &Settings,
        catalogue: &Catalogue,
    ) -> Result<(Route, String), ModelsError> {
        let origin = |key: &str| settings.origin(key).map_or_else(String::new, ToString::to_string);
        if let Some(name) = settings.roles.get(role) {
            return Ok((self.select(name, catalogue)?, origin(&format!("roles.{role}"))));
        }
        if let Some(name) = &settings.model {
            return Ok((self.select(name, catalogue)?, origin("model")));
        }
        let route = self.default_route()?;
        let origin = format!("the first provider that is connected, {}", route.provider);
        Ok((route, origin))
    }

    fn default_route(&self) -> Result<Route, ModelsError> {
        let Some(first) = self.ready.first() else { return Err(self.none()) };
        let usable = self.ready.iter().find_map(|connection| {
            let model = connection.default_model.clone()?;
            Some(Route { provider: connection.name.clone(), model })
        });
        usable.ok_or_else(|| ModelsError::NoDefault { provider: first.name.clone() })
    }

    fn none(&self) -> ModelsError {
        let first = self.missing.first().map(|connection| connection.name.clone());
        ModelsError::NoProvider { variables: self.variables(), first: first.unwrap_or_default() }
    }

    /// Returns the model that a name means: `provider/model`, or a bare name that one connection has.
    ///
    /// # Errors
    ///
    /// When nothing, or more than one thing, is meant. A name is never corrected by itself.
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
        let holders: Vec<&Connection> =
            self.ready.iter().filter(|one| one.has(name, catalogue)).collect();
        match holders.as_slice() {
            [one] => Ok(one.route_to(name)),
            [] => self.unheard_of(name, catalogue),
            several => Err(ModelsError::Ambiguous {
                model: name.to_owned(),
                candidates: several.iter().map(|one| one.route_to(name).to_string()).collect(),
            }),
        }
    }

    /// Decides about a name that no connection is known to have.
    fn unheard_of(&self, name: &str, catalogue: &Catalogue) -> Result<Route, ModelsError> {
        if let Some((provider, _)) = name.split_once('/') {
            return Err(self.unknown_provider(provider));
        }
        // A provider that needs a key may have it: that is a better answer than "unknown".
        if let Some(holder) = self.missing.iter().find(|one| one.has(name, catalogue)) {
            return Err(holder.not_connected());
        }
        match self.ready.as_slice() {
            [] => Err(self.none()),
            [only] => only.route(name, catalogue),
            several => Err(ModelsError::UnknownModel {
                provider: several[0].name.clone(),
                model: name.to_owned(),
                suggestions: self.similar(name, catalogue),
            }),
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
        let named: Vec<String> = named.take(3).collect();
        if named.is_empty() {
            return self.ready.iter().take(3).map(|one| one.route_to(name).to_string()).collect();
        }
        named
    }
}

impl Connection {
    fn route_to(&self, model: &str) -> Route {
        Route { provider: self.name.clone(), model: model.to_owned() }
    }

    /// Returns the models it is known to have.
    fn known<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a str> {
        let listed = self.service.iter().flat_map(|service| catalogue.models(service));
        self.models.iter().map(String::as_str).chain(listed)
    }

    fn has(&self, model: &str, catalogue: &Catalogue) -> bool {
        self.known(catalogue).any(|known| known == model)
    }

    /// Returns the route to a model of this connection. A name that is not known passes, because the list is
    /// never complete, unless it looks like a slip of a known one.
    fn route(&self, model: &str, catalogue: &Catalogue) -> Result<Route, ModelsError> {
        let unknown = |suggestions| ModelsError::UnknownModel {
            provider: self.name.clone(),
            model: model.to_owned(),
            suggestions,
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
        ModelsError::NotConnected { provider: self.name.clone(), variables: self.variables() }
    }
}

/// Whether two names differ only in numbers and the marks between them, as versions and dates do, or in a word and a
/// dot before them, as the places do where one service has the same model.
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
    /// Returns the model that does the work.
    pub fn executor(&self) -> Option<&Route> {
        self.roles.get(Role::EXECUTOR)?.first()
    }
}

#[cfg(test)]
mod tests;
