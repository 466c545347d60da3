//! What a manifest asks for as one grant, and the manifest that is left of it under a grant.

use std::{collections::BTreeSet, fmt::Debug};

use openkoi_core::{
    capability::Grant,
    credential::Login,
    grant::{ComponentGrant, CredentialGrant},
    hash,
};

use super::parts::{
    CredentialEntry, CredentialStore, Manifest, PresetEntry, ProviderEntry, StoreEntry,
};

impl Manifest {
    /// Returns all that the component asks for.
    #[must_use]
    pub fn asked(&self) -> ComponentGrant {
        let mut asked = ComponentGrant {
            own: self.grant(None),
            tools: self
                .tools
                .iter()
                .map(|tool| (tool.name.clone(), self.grant(Some(&tool.name))))
                .collect(),
            ..ComponentGrant::default()
        };
        for entry in &self.credentials {
            asked.credentials.insert(entry.name.clone(), of_credential(entry));
            asked.addresses.extend(entry.urls.iter().cloned());
        }
        if let Some(provider) = &self.provider {
            of_provider(provider, &mut asked);
        }
        asked
    }

    /// Returns the grant that one tool has, or the component if it has no tools, if this is granted.
    pub(crate) fn granted(&self, tool: Option<&str>, granted: &ComponentGrant) -> Grant {
        let (asked, nothing) = (self.grant(tool), Grant::default());
        let given = match tool {
            Some(name) => granted.tools.get(name).unwrap_or(&nothing),
            None => &granted.own,
        };
        let both = asked.intersect(given);
        Grant { asked: Some(Box::new(asked)), ..both }
    }

    /// Returns the manifest without the variables, addresses and sources of credentials that are not granted.
    pub(crate) fn under(&self, granted: &ComponentGrant) -> Self {
        let mut left = self.clone();
        let nothing = CredentialGrant::default();
        for entry in &mut left.credentials {
            cut_credential(entry, granted.credentials.get(&entry.name).unwrap_or(&nothing));
            entry.urls.retain(|url| granted.addresses.contains(url));
        }
        if let Some(provider) = &mut left.provider {
            cut_provider(provider, granted);
        }
        left
    }
}

fn of_credential(entry: &CredentialEntry) -> CredentialGrant {
    let pair = entry.pair.iter().flat_map(|pair| [&pair.id, &pair.secret, &pair.token]);
    let variables = entry.environment.iter().chain(pair).filter(|name| !name.is_empty());
    CredentialGrant {
        variables: variables.cloned().collect(),
        others: entry.store.iter().map(of_store).chain(entry.login.iter().map(of_login)).collect(),
    }
}

fn cut_credential(entry: &mut CredentialEntry, granted: &CredentialGrant) {
    let is_granted = |name: &String| granted.variables.contains(name);
    entry.environment.retain(is_granted);
    entry.pair = entry.pair.take().filter(|pair| {
        [&pair.id, &pair.secret, &pair.token]
            .into_iter()
            .all(|name| name.is_empty() || is_granted(name))
    });
    entry.store = entry.store.take().filter(|store| granted.others.contains(&of_store(store)));
    entry.login = entry.login.take().filter(|login| granted.others.contains(&of_login(login)));
}

fn of_provider(provider: &ProviderEntry, asked: &mut ComponentGrant) {
    let presets = provider.presets.iter().map(|preset| &preset.base_url);
    let addresses = presets.chain([&provider.base_url, &provider.lists_url]);
    asked.addresses.extend(addresses.filter(|url| !url.is_empty()).cloned());
    let options = provider.options.iter().flat_map(|option| &option.environment);
    let variables = options.chain([&provider.base_url_environment]);
    asked.variables.extend(variables.filter(|name| !name.is_empty()).cloned());
    for preset in &provider.presets {
        asked.credentials.insert(key(preset), of_preset(preset));
    }
}

fn cut_provider(provider: &mut ProviderEntry, granted: &ComponentGrant) {
    let (variable, address) = (&granted.variables, &granted.addresses);
    for url in [&mut provider.base_url, &mut provider.lists_url] {
        if !address.contains(url) {
            url.clear();
        }
    }
    if !variable.contains(&provider.base_url_environment) {
        provider.base_url_environment.clear();
    }
    for option in &mut provider.options {
        option.environment.retain(|name| variable.contains(name));
    }
    provider.presets.retain(|preset| address.contains(&preset.base_url));
    let nothing = CredentialGrant::default();
    for preset in &mut provider.presets {
        let given = granted.credentials.get(&key(preset)).unwrap_or(&nothing);
        preset.environment.retain(|name| given.variables.contains(name));
        preset.store = preset.store.take().filter(|one| given.others.contains(&of_token(one)));
        preset.login = preset.login.take().filter(|one| given.others.contains(&of_login(one)));
    }
}

/// Returns the name of a preset's credential. No credential of a manifest has a space in its name.
fn key(preset: &PresetEntry) -> String {
    format!("preset {}", preset.name)
}

fn of_preset(preset: &PresetEntry) -> CredentialGrant {
    let others: BTreeSet<String> =
        preset.store.iter().map(of_token).chain(preset.login.iter().map(of_login)).collect();
    CredentialGrant { variables: preset.environment.iter().cloned().collect(), others }
}

fn of_login(login: &Login) -> String {
    exact(&format!("a login at {}", login.token_url), login)
}

fn of_store(store: &CredentialStore) -> String {
    let CredentialStore::IniProfile(profiles) = store;
    exact(&format!("the profiles of {} in {}", profiles.program, profiles.path), profiles)
}

fn of_token(store: &StoreEntry) -> String {
    exact(&format!("the token of {} in {}", store.program, store.path), store)
}

/// Returns words for a source with a mark of all its details, so that an update that changes one is seen.
fn exact(words: &str, source: &impl Debug) -> String {
    let mark = hash::of_bytes(format!("{source:?}").as_bytes());
    format!("{words} ({})", mark.get(..12).unwrap_or(&mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: &str = r#"
        [component]
        name = "wire"
        version = "0.1.0"
        kind = "provider"
        publisher = "p"
        description = "d"
        [[credential]]
        name = "key"
        environment = ["WIRE_KEY", "GITHUB_TOKEN"]
        inject = "bearer"
        [provider]
        base-url = "https://api.example.com/v1"
        base-url-environment = "WIRE_URL"
        [[provider.option]]
        name = "region"
        environment = ["WIRE_REGION"]
        [[provider.preset]]
        name = "pond"
        base-url = "https://pond.example/v1"
        environment = ["POND_KEY"]
        [[provider.preset]]
        name = "brook"
        base-url = "https://brook.example/v1"
        environment = ["BROOK_KEY"]
    "#;

    fn manifest() -> Manifest {
        Manifest::parse(PROVIDER).unwrap()
    }

    #[test]
    fn what_is_asked_for_is_granted_whole_by_itself() {
        let manifest = manifest();
        assert_eq!(manifest.under(&manifest.asked()), manifest);
    }

    #[test]
    fn each_variable_and_address_of_a_provider_is_asked_for() {
        let asked = manifest().asked();
        let variables: BTreeSet<&str> = asked.all_variables().collect();
        assert_eq!(
            variables.into_iter().collect::<Vec<_>>(),
            ["BROOK_KEY", "GITHUB_TOKEN", "POND_KEY", "WIRE_KEY", "WIRE_REGION", "WIRE_URL"]
        );
        assert_eq!(asked.addresses.len(), 3);
    }

    #[test]
    fn what_is_not_granted_is_not_in_force() {
        let nothing = manifest().under(&ComponentGrant::default());
        let provider = nothing.provider.unwrap();
        assert_eq!(nothing.credentials[0].environment, Vec::<String>::new());
        assert_eq!((provider.base_url.as_str(), provider.base_url_environment.as_str()), ("", ""));
        assert!(provider.presets.is_empty() && provider.options[0].environment.is_empty());

        let mut some = manifest().asked();
        some.credentials.get_mut("key").unwrap().variables.remove("GITHUB_TOKEN");
        some.credentials.remove("preset pond");
        some.addresses.remove("https://brook.example/v1");
        let left = manifest().under(&some);
        assert_eq!(left.credentials[0].environment, ["WIRE_KEY"]);
        let presets = left.provider.unwrap().presets;
        assert_eq!(presets.len(), 1);
        assert!(presets[0].name == "pond" && presets[0].environment.is_empty());
    }

    #[test]
    fn another_place_of_a_login_is_another_source() {
        let login = r#"[credential.login]
            client-id = "a"
            device-url = "https://a.example/device"
            token-url = "https://a.example/token"
            [provider]"#;
        let with = |login: &str| {
            Manifest::parse(&PROVIDER.replace("[provider]\n", &format!("{login}\n"))).unwrap()
        };
        let (one, other) =
            (with(login), with(&login.replace("example/device", "example/elsewhere")));

        let beyond = other.asked().beyond(&one.asked());

        assert_eq!(beyond.len(), 1);
        assert!(beyond[0].asked.starts_with("key from a login at https://a.example/token"));
        assert_eq!(other.under(&one.asked()).credentials[0].login, None);
        assert!(one.under(&one.asked()).credentials[0].login.is_some());
    }
}
