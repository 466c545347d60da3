//! What a person grants to a component as a whole, and what an update asks for beyond it.
//!
//! A grant is kept for the digest of the component's bytes. In force is what the manifest asks for and the grant gives
//! ([`ComponentGrant::intersect`]); an update that asks for nothing [beyond](ComponentGrant::beyond) the grant of its
//! predecessor needs no question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::capability::{Access, Grant};

/// The powers of a component: for each of its tools, and for its credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ComponentGrant {
    /// The powers of a component without tools.
    pub own: Grant,
    /// The powers of each tool.
    pub tools: BTreeMap<String, Grant>,
    /// Base URLs that requests with its credentials go to, as the manifest writes them.
    pub addresses: BTreeSet<String>,
    /// Variables of the environment that it gets the values of.
    pub variables: BTreeSet<String>,
    /// The sources of its credentials, by the name of the credential.
    pub credentials: BTreeMap<String, CredentialGrant>,
}

/// The places from which one credential may be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CredentialGrant {
    /// Variables of the environment.
    pub variables: BTreeSet<String>,
    /// Logins, and stores of other programs, each described so that two of them differ.
    pub others: BTreeSet<String>,
}

/// One thing that is asked for and not granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beyond {
    /// The tool that asks, if one does.
    pub tool: Option<String>,
    /// The interface, or `address`, `variable` or `credential`.
    pub what: String,
    /// The rule, name or level that is asked for, as the manifest writes it. Empty for an interface as a whole.
    pub asked: String,
}

impl ComponentGrant {
    /// Returns the powers that both grants give.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let tools = self
            .tools
            .iter()
            .filter_map(|(name, own)| Some((name.clone(), own.intersect(other.tools.get(name)?))));
        let credentials = self.credentials.iter().filter_map(|(name, own)| {
            let other = other.credentials.get(name)?;
            let both = CredentialGrant {
                variables: common(&own.variables, &other.variables),
                others: common(&own.others, &other.others),
            };
            Some((name.clone(), both))
        });
        Self {
            own: self.own.intersect(&other.own),
            tools: tools.collect(),
            addresses: common(&self.addresses, &other.addresses),
            variables: common(&self.variables, &other.variables),
            credentials: credentials.collect(),
        }
    }

    /// Returns what is asked for here and not covered by `granted`, sorted. Empty: nobody has to be asked.
    #[must_use]
    pub fn beyond(&self, granted: &Self) -> Vec<Beyond> {
        let nothing = (Grant::default(), CredentialGrant::default());
        let mut all = Vec::new();
        let mut note = |tool: Option<&String>, what: &str, asked: String| {
            all.push(Beyond { tool: tool.cloned(), what: what.to_owned(), asked });
        };
        grant_beyond(&self.own, &granted.own, &mut |what, asked| note(None, what, asked));
        for (name, own) in &self.tools {
            let given = granted.tools.get(name).unwrap_or(&nothing.0);
            grant_beyond(own, given, &mut |what, asked| note(Some(name), what, asked));
        }
        for address in self.addresses.difference(&granted.addresses) {
            note(None, "address", address.clone());
        }
        for variable in self.variables.difference(&granted.variables) {
            note(None, "variable", variable.clone());
        }
        for (name, own) in &self.credentials {
            let given = granted.credentials.get(name).unwrap_or(&nothing.1);
            for variable in own.variables.difference(&given.variables) {
                note(None, "credential", format!("{name} from the variable {variable}"));
            }
            for other in own.others.difference(&given.others) {
                note(None, "credential", format!("{name} from {other}"));
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Returns the variables whose values it gets, or that hold its credentials.
    pub fn all_variables(&self) -> impl Iterator<Item = &str> {
        let held = self.credentials.values().flat_map(|one| &one.variables);
        self.variables.iter().chain(held).map(String::as_str)
    }
}

/// Tells `note` the interface and scope of each power that `granted` lacks.
fn grant_beyond(asked: &Grant, granted: &Grant, note: &mut dyn FnMut(&str, String)) {
    if let Some(access) = asked.files.filter(|access| granted.files < Some(*access)) {
        let word = if access == Access::Read { "read" } else { "write" };
        note("files", word.to_owned());
    }
    for rule in &asked.http {
        if !granted.http.iter().any(|wide| rule.is_within(wide)) {
            note("http", rule.to_string());
        }
    }
    for rule in &asked.commands {
        if !granted.commands.iter().any(|wide| rule.is_within(wide)) {
            note("process", rule.to_string());
        }
    }
    if asked.network && !granted.network {
        note("process", "with network".to_owned());
    }
    for (role, most) in &asked.roles {
        let covered = granted.roles.get(role).is_some_and(|given| match (most, given) {
            (_, None) => true,
            (Some(most), Some(given)) => most <= given,
            (None, Some(_)) => false,
        });
        if !covered {
            let most = most.map_or_else(String::new, |most| format!(", at most {most} tokens"));
            note("model", format!("{role}{most}"));
        }
    }
    for interface in asked.whole.difference(&granted.whole) {
        note(interface, String::new());
    }
}

fn common(one: &BTreeSet<String>, other: &BTreeSet<String>) -> BTreeSet<String> {
    one.intersection(other).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn http(rules: &[&str]) -> Grant {
        let http = rules.iter().map(|rule| rule.parse().expect("a rule")).collect();
        Grant { http, ..Grant::default() }
    }

    fn component() -> ComponentGrant {
        ComponentGrant {
            tools: [("read".to_owned(), http(&["GET https://api.example.com/v1/**"]))].into(),
            addresses: set(&["https://api.example.com/v1"]),
            variables: set(&["EXAMPLE_REGION"]),
            credentials: [(
                "key".to_owned(),
                CredentialGrant { variables: set(&["EXAMPLE_KEY"]), ..Default::default() },
            )]
            .into(),
            ..ComponentGrant::default()
        }
    }

    fn lines(asked: &ComponentGrant, granted: &ComponentGrant) -> Vec<String> {
        let line = |one: &Beyond| {
            format!("{} {}: {}", one.tool.as_deref().unwrap_or("-"), one.what, one.asked)
        };
        asked.beyond(granted).iter().map(line).collect()
    }

    #[test]
    fn what_asks_for_the_same_or_less_asks_for_nothing_beyond() {
        let granted = component();
        let mut less = granted.clone();
        less.credentials.clear();
        less.tools.insert("read".to_owned(), http(&["GET https://api.example.com/v1/items/*"]));

        assert!(granted.beyond(&granted).is_empty());
        assert!(less.beyond(&granted).is_empty());
        assert!(ComponentGrant::default().beyond(&granted).is_empty());
    }

    #[test]
    fn each_thing_beyond_is_named() {
        let mut more = component();
        let tool = Grant {
            files: Some(Access::Write),
            commands: vec!["git".parse().expect("a name")],
            network: true,
            roles: [("small".to_owned(), Some(500))].into(),
            whole: set(&["state"]),
            ..http(&["https://api.example.com/v1/**", "GET https://api.example.com/v1/a"])
        };
        more.tools.insert("read".to_owned(), tool);
        more.tools.insert("other".to_owned(), http(&["GET https://api.example.com/v1/**"]));
        more.addresses.insert("https://evil.example".to_owned());
        more.variables.insert("HOME".to_owned());
        let key = more.credentials.entry("key".to_owned()).or_default();
        key.variables.insert("GITHUB_TOKEN".to_owned());
        key.others.insert("the login".to_owned());

        assert_eq!(
            lines(&more, &component()),
            [
                "- address: https://evil.example",
                "- credential: key from the login",
                "- credential: key from the variable GITHUB_TOKEN",
                "- variable: HOME",
                "other http: GET https://api.example.com/v1/**",
                "read files: write",
                "read http: https://api.example.com/v1/**",
                "read model: small, at most 500 tokens",
                "read process: git",
                "read process: with network",
                "read state: ",
            ]
        );
    }

    #[test]
    fn what_is_common_to_two_grants_asks_for_nothing_beyond_either() {
        let mut other = component();
        other.variables = set(&["HOME"]);
        other.tools.insert("read".to_owned(), http(&["https://*/v1/a/*"]));

        let both = component().intersect(&other);

        assert!(both.beyond(&component()).is_empty());
        assert!(both.beyond(&other).is_empty());
        assert_eq!(both.variables, set(&[]));
        assert_eq!(both.tools["read"], http(&["GET https://api.example.com/v1/a/*"]));
    }

    #[test]
    fn a_grant_is_kept_as_json() {
        let text = serde_json::to_string(&component()).expect("it is written");
        let back: ComponentGrant = serde_json::from_str(&text).expect("it is read");
        assert_eq!(back, component());
        assert!(serde_json::from_str::<ComponentGrant>("{\"surprise\":1}").is_err());
    }
}
