//! Which model each role gets where nobody says it.

use openkoi_core::message::Role;

use super::super::{
    Catalogue, Connection, Connections, EMBEDDER, Facts, ModelsError, Route, SMALL,
};
use crate::settings::{Origin, Settings};

/// How much more than the executor the judge may cost. A cheap run stays a cheap one.
const DEAREST_JUDGE: f64 = 2.0;

/// What the choice is made from.
pub(super) struct Choice<'a> {
    pub(super) connections: &'a Connections,
    pub(super) settings: &'a Settings,
    pub(super) catalogue: &'a Catalogue,
}

impl Choice<'_> {
    /// Returns the model of a role, given the executor's, with what decided.
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

    /// Returns the model of a role by what is configured, else the first that is connected.
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

    /// Returns what to try when the first model of a role is unavailable.
    pub(super) fn fallback(&self, role: &str) -> Result<Vec<Route>, ModelsError> {
        let own = self.settings.fallbacks.get(role);
        let names = own.unwrap_or(&self.settings.fallback);
        names.iter().map(|name| self.connections.select(name, self.catalogue)).collect()
    }

    /// Returns a judge that does not share the executor's blind spots: the default model of another connection,
    /// of another family. Whoever names a model for one run means that model for all of it.
    fn of_another_family(&self, executor: &Route) -> Option<(Route, String)> {
        if matches!(self.settings.origin("model"), Some(Origin::Flag(_))) {
            return None;
        }
        let price = self.facts(executor).and_then(|facts| facts.blended_price());
        let others = self.connections.ready.iter().filter(|one| one.name != executor.provider);
        let mut judges = others.filter_map(|one| {
            let route = one.route_to(one.default_model.as_ref()?);
            let facts = self.facts(&route).filter(Facts::is_capable)?;
            let dear = price.zip(facts.blended_price());
            let affordable = dear.is_none_or(|(own, judge)| judge <= own * DEAREST_JUDGE);
            (affordable && family(&route.model) != family(&executor.model)).then_some(route)
        });
        let origin = format!("another family than {}", family(&executor.model));
        Some((judges.next()?, origin))
    }

    /// Returns the cheapest model of the executor's own connection that can do the loop's work, if it is cheaper.
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

    /// Returns the model that turns text into vectors, where one is configured or known.
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

/// Returns the family of a model: the word its name begins with, without the publishers and regions that
/// services put before it (`us.anthropic.claude-…`, `openai/gpt-…`).
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
            ("claude-sonnet-4-5", "claude"),
            ("gpt-6.1-sol", "gpt"),
            ("openai/gpt-oss-120b", "gpt"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"),
            ("llama3.3:70b", "llama"),
            ("o3", "o"),
            ("4chan", ""),
        ];
        for (model, expected) in families {
            assert_eq!(family(model), expected, "{model}");
        }
    }
}
