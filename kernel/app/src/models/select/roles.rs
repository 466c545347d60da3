//! The models of roles for which none is configured.

use openkoi_core::message::Role;

use super::super::{
    Catalogue, Connection, Connections, EMBEDDER, Facts, ModelsError, Route, SMALL,
};
use crate::settings::{Origin, Settings};

/// The most that the evaluator's model may cost, as a multiple of the executor's, so that a cheap
/// run stays cheap.
const DEAREST_JUDGE: f64 = 2.0;

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
        let chosen = match role {
            Role::EVALUATOR => self.of_another_family(&executor.0),
            SMALL => self.small(&executor.0),
            _ => None,
        };
        chosen.map_or_else(|| self.of(role), Ok)
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

    /// Returns an evaluator's model without the executor's blind spots: one of another connection
    /// and another family. A model that was named by a flag is meant for the whole run, so then
    /// there is none.
    fn of_another_family(&self, executor: &Route) -> Option<(Route, String)> {
        if matches!(self.settings.origin("model"), Some(Origin::Flag(_))) {
            return None;
        }
        let most = self.facts(executor).and_then(|facts| facts.blended_price());
        let most = most.map(|price| price * DEAREST_JUDGE);
        let others = self.connections.ready.iter().filter(|one| one.name != executor.provider);
        let mut judges = others.filter_map(|one| self.judge(one, &executor.model, most));
        Some((judges.next()?, format!("another family than {}", family(&executor.model))))
    }

    /// Returns the model of a connection that would judge the work of `executor`: the default if it
    /// costs at most `most`, or else the dearest that does, which is likely the best.
    fn judge(&self, connection: &Connection, executor: &str, most: Option<f64>) -> Option<Route> {
        let able = |model: &str| {
            let facts = self.catalogue.facts(connection.key(), model)?;
            (facts.is_capable() && family(model) != family(executor)).then_some(facts)
        };
        let affordable = |facts: &Facts| match (most, facts.blended_price()) {
            (Some(most), Some(price)) => price <= most,
            _ => most.is_none(),
        };
        let own = connection.default_model.as_deref();
        if let Some(model) = own.filter(|model| able(model).is_some_and(|facts| affordable(&facts)))
        {
            return Some(connection.route_to(model));
        }
        let priced = connection.known(self.catalogue).filter_map(|model| {
            let facts = able(model).filter(|facts| most.is_some() && affordable(facts))?;
            Some((facts.blended_price()?, model))
        });
        let dearest = priced.max_by(|(a, one), (b, other)| a.total_cmp(b).then(one.cmp(other)));
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

    /// Returns the model that turns text into vectors, if one is configured or known.
    pub(super) fn embedder(&self) -> Result<Option<(Route, String)>, ModelsError> {
        if self.settings.roles.contains_key(EMBEDDER) {
            return self.of(EMBEDDER).map(Some);
        }
        let embeds = |one: &Connection| {
            let mut known = one.known(self.catalogue);
            let model = known.find(|model| {
                self.catalogue.facts(one.key(), model).is_some_and(|facts| facts.embeds)
            });
            model.map(|model| one.route_to(model))
        };
        let first = self.connections.ready.iter().find_map(embeds);
        Ok(first.map(|route| {
            let origin = format!("the first that is connected, {}", route.provider);
            (route, origin)
        }))
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
