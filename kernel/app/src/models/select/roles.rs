//! The models of roles for which none is configured.

use openkoi_core::message::Role;

use super::super::{Catalogue, Connections, EMBEDDER, Facts, ModelsError, Route, SMALL};
use crate::settings::{Origin, Settings};

/// The factor within which the price of a judge is similar to that of the executor: a cheap run stays cheap, and good
/// work is not judged by much less.
const SIMILAR_PRICE: f64 = 2.0;

/// The values that the choice is made from.
pub(super) struct RoleChoice<'a> {
    pub(super) connections: &'a Connections,
    pub(super) settings: &'a Settings,
    pub(super) catalogue: &'a Catalogue,
}

impl RoleChoice<'_> {
    /// Returns the model of a role, given the executor's, with the reason of the choice.
    pub(super) fn for_role(
        &self,
        role: &str,
        executor: &(Route, String),
    ) -> Result<(Route, String), ModelsError> {
        if role == Role::EXECUTOR {
            return Ok(executor.clone());
        }
        if self.settings.roles.contains_key(role) {
            return self.of(role);
        }
        // `model` is meant for every role without one of its own; without it, all stay with the executor's vendor.
        let own = if self.settings.model.is_some() { self.of(role)? } else { executor.clone() };
        Ok(match role {
            Role::EVALUATOR => self.judge(own),
            SMALL => self.small(&own.0).unwrap_or(own),
            _ => own,
        })
    }

    /// Returns the configured model of a role, or else the first that is connected.
    pub(super) fn of(&self, role: &str) -> Result<(Route, String), ModelsError> {
        let origin =
            |key: &str| self.settings.origin(key).map_or_else(String::new, ToString::to_string);
        let select = |name: &str| self.connections.select(name, self.catalogue);
        if let Some(name) = self.settings.roles.get(role) {
            return Ok((select(name)?, origin(&format!("roles.{role}"))));
        }
        if let Some(name) = &self.settings.model {
            return Ok((select(name)?, origin("model")));
        }
        let route = self.connections.default_route()?;
        let origin = format!("the first provider that is connected, {}", route.provider);
        Ok((route, origin))
    }

    /// Returns the models to try when the first model of a role is unavailable.
    pub(super) fn fallback(&self, role: &str) -> Result<Vec<Route>, ModelsError> {
        let own = self.settings.fallbacks.get(role);
        let names = own.unwrap_or(&self.settings.fallback);
        names.iter().map(|name| self.connections.select(name, self.catalogue)).collect()
    }

    /// Returns the model that judges work of `own`. The work is sent to no vendor that the user did not choose: it is
    /// one of the same connection, of another family if there is one of a similar price, because that one has other
    /// blind spots. A model that was named by a flag is meant for the whole run.
    fn judge(&self, own: (Route, String)) -> (Route, String) {
        if matches!(self.settings.origin("model"), Some(Origin::Flag(_))) {
            return own;
        }
        let (route, origin) = own;
        if let Some(judge) = self.of_another_family(&route) {
            let than = family(&route.model);
            return (judge, format!("another family than {than}, of the same provider"));
        }
        let others = self.connections.ready.iter().any(|one| one.name != route.provider);
        let hint = "; another provider judges only if `roles.evaluator` names it";
        let origin = if others { format!("{origin}{hint}") } else { origin };
        (route, origin)
    }

    fn of_another_family(&self, route: &Route) -> Option<Route> {
        let connection = self.connections.find(&route.provider)?;
        let price = self.facts(route)?.blended_price().filter(|price| *price > 0.0)?;
        let similar = price / SIMILAR_PRICE..=price * SIMILAR_PRICE;
        let able = connection.known(self.catalogue).filter_map(|model| {
            let facts = self.catalogue.facts(connection.key(), model)?;
            let price = facts.blended_price().filter(|price| similar.contains(price))?;
            let other = facts.is_capable() && family(model) != family(&route.model);
            other.then_some((price, model))
        });
        let dearest = able.max_by(|(a, one), (b, other)| a.total_cmp(b).then(one.cmp(other)));
        dearest.map(|(_, model)| connection.route_to(model))
    }

    /// Returns the cheapest model of the executor's connection that can do the loop's work, if it
    /// costs less than the executor's.
    fn small(&self, executor: &Route) -> Option<(Route, String)> {
        let connection = self.connections.find(&executor.provider)?;
        let most = self.facts(executor).and_then(|facts| facts.blended_price());
        let priced = connection.known(self.catalogue).filter_map(|model| {
            let facts = self.catalogue.facts(connection.key(), model)?;
            Some((facts.is_capable().then(|| facts.blended_price())??, model))
        });
        // Of two that cost the same, the later name is likelier the newer model.
        let cheapest = priced.min_by(|(a, one), (b, other)| a.total_cmp(b).then(other.cmp(one)));
        match (cheapest, most, &connection.small_model) {
            (Some((price, model)), Some(most), _) if price < most => {
                Some((connection.route_to(model), "the cheapest that calls tools".to_owned()))
            }
            (None, _, Some(model)) | (_, None, Some(model)) => {
                Some((connection.route_to(model), "the provider's own choice".to_owned()))
            }
            _ => None,
        }
    }

    /// Returns the model that turns text into vectors, if one is configured. Without it the program's own embedder does, and
    /// nothing that is remembered leaves the machine for that.
    pub(super) fn embedder(&self) -> Result<Option<(Route, String)>, ModelsError> {
        let named = self.settings.roles.contains_key(EMBEDDER);
        named.then(|| self.of(EMBEDDER)).transpose()
    }

    fn facts(&self, route: &Route) -> Option<Facts> {
        let connection = self.connections.find(&route.provider)?;
        self.catalogue.facts(connection.key(), &route.model)
    }
}

/// Returns the family of a model: the first word of its name, without the publishers and regions
/// that services put before it (`eu.publisher.family-2-large`, `publisher/family-2`).
fn family(model: &str) -> &str {
    let mut name = model.rsplit('/').next().unwrap_or(model);
    while let Some((publisher, rest)) = name.split_once('.') {
        if publisher.is_empty() || !publisher.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            break;
        }
        name = rest;
    }
    let end = name.find(|c: char| !c.is_alphabetic()).unwrap_or(name.len());
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn a_family_is_the_first_word_of_a_models_name() {
        let families = [
            ("swim-large-4-5", "swim"),
            ("dive-6.1-small", "dive"),
            ("pond/dive-oss-120b", "dive"),
            ("us.pond.swim-large-4-5-20250929-v1:0", "swim"),
            ("fin3.3:70b", "fin"),
            ("o3", "o"),
            ("4ins", ""),
        ];
        for (model, expected) in families {
            assert_eq!(family(model), expected, "{model}");
        }
    }
}
