use std::path::Path;

use openkoi_core::credential::SecretSource;
use openkoi_host::manifest::Manifest;

use super::*;
use crate::{
    environment::Environment,
    models::{CredentialState, base_url::place, connect},
    settings::{Layers, Settings, file},
};

const ALPHA: &str = r#"
    [component]
    name = "alpha"
    version = "0.1.0"
    kind = "provider"
    publisher = "tests"
    description = "Speaks alpha."
    [[credential]]
    name = "api-key"
    environment = ["ALPHA_API_KEY"]
    inject = "bearer"
    required = true
    [provider]
    base-url = "https://alpha.example.com/v1"
    default-model = "swim-large"
    [[provider.option]]
    name = "organization"
    [[provider.preset]]
    name = "gamma"
    base-url = "https://gamma.example.com/v1"
    environment = ["GAMMA_API_KEY"]
    default-model = "dive-1"
    options = { organization = "pond" }
    [[provider.preset]]
    name = "gamma-pro"
    base-url = "https://pro.gamma.example.com/v1"
    environment = ["GAMMA_PRO_KEY"]
    default-model = "dive-1"
    models-of = "gamma"
"#;

const BETA: &str = r#"
    [component]
    name = "beta"
    version = "0.1.0"
    kind = "provider"
    publisher = "tests"
    description = "Speaks beta."
    [[credential]]
    name = "api-key"
    environment = ["BETA_API_KEY"]
    inject = "bearer"
    required = true
    [provider]
    base-url = "https://beta.example.com"
    base-url-environment = "BETA_HOST"
    default-model = "swim-large"
"#;

const SCRIPT: &str = r#"
    [component]
    name = "scripted"
    version = "0.1.0"
    kind = "provider"
    publisher = "tests"
    description = "Answers from a script."
    [provider]
    transport = "local"
    default-model = "demo"
    [[provider.option]]
    name = "script"
    file = true
"#;

const MODELS: &str = r#"{"providers": {
    "alpha": {"models": {
        "swim-large": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": 3, "output": 15}},
        "swim-small": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": 0.1, "output": 0.5}},
        "swim-mute": {"tool_call": false, "limit": {"context": 200000}, "cost": {"input": 0, "output": 0}},
        "scale": {"embeds": true},
        "fin-2": {}
    }},
    "beta": {"models": {"swim-large": {}, "gill": {}}},
    "gamma": {"models": {
        "dive-0": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": 1, "output": 5}},
        "dive-1": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": 2, "output": 10}}
    }}
}}"#;

const DELTA: &str = r#"
    [component]
    name = "delta"
    version = "0.1.0"
    kind = "provider"
    publisher = "tests"
    description = "Speaks delta."
    [[credential]]
    name = "api-key"
    environment = ["DELTA_API_KEY"]
    inject = "bearer"
    required = true
    [[credential]]
    name = "keys"
    inject = { sigv4 = "delta" }
    required = true
    [credential.pair]
    id = "DELTA_ID"
    secret = "DELTA_SECRET"
    token = "DELTA_TOKEN"
    [credential.store]
    format = "ini-profile"
    name = "delta-tools"
    program = "Delta"
    path = "~/.delta"
    profile-environment = "DELTA_PROFILE"
    profile = "default"
    files = [{ path = "~/.delta/keys", environment = "DELTA_FILE" }]
    id = "id"
    secret = "secret"
    token = "token"
    [provider]
    base-url = "https://delta.{region}.example.com"
    default-model = "reef"
    [[provider.option]]
    name = "region"
"#;

struct World {
    config: &'static str,
    keys: Vec<&'static str>,
}

impl World {
    fn new(config: &'static str, keys: &[&'static str]) -> Self {
        Self { config, keys: keys.to_vec() }
    }

    fn settings(&self) -> Settings {
        let mut layers = Layers::defaults();
        let path = Path::new("/koi/config.toml");
        layers.user(file::parse(self.config, path).unwrap(), path).unwrap();
        Settings::of(layers, &Environment::of([], Path::new("/")))
    }

    fn connections(&self) -> Result<Connections, ModelsError> {
        let manifests = [ALPHA, BETA, SCRIPT].map(|text| Manifest::parse(text).unwrap());
        connect(&self.settings(), &manifests, &|source| self.has(source))
    }

    fn has(&self, source: &SecretSource) -> bool {
        let name = match source {
            SecretSource::Variable(name)
            | SecretSource::Saved(name)
            | SecretSource::Login(name) => name,
            SecretSource::Pair(_) => "variables of others",
            SecretSource::Profile(_) => "profile of others",
            SecretSource::Foreign(_) => "store of others",
        };
        self.keys.contains(&name)
    }

    fn select(&self, name: &str) -> Result<String, ModelsError> {
        let catalogue = Catalogue::parse(MODELS).unwrap();
        Ok(self.connections()?.select(name, &catalogue)?.to_string())
    }

    fn model(&self, role: &str) -> String {
        self.routes().unwrap().roles[role][0].to_string()
    }

    fn routes(&self) -> Result<Routes, ModelsError> {
        let catalogue = Catalogue::parse(MODELS).unwrap();
        self.connections()?.routes(&self.settings(), &catalogue)
    }

    fn executor(&self) -> String {
        self.routes().unwrap().executor().unwrap().to_string()
    }
}

#[test]
fn the_first_provider_of_the_catalog_with_a_key_does_the_work() {
    assert_eq!(World::new("", &["BETA_API_KEY", "GAMMA_API_KEY"]).executor(), "gamma/dive-1");
    assert_eq!(World::new("", &["BETA_API_KEY"]).executor(), "beta/swim-large");
}

#[test]
fn a_configured_provider_comes_before_those_of_the_catalog() {
    let world = World::new("[providers.beta]\n", &["ALPHA_API_KEY", "BETA_API_KEY"]);

    assert_eq!(world.executor(), "beta/swim-large");
}

#[test]
fn a_key_file_connects_as_a_variable_does() {
    let world = World::new("", &["beta"]);

    let connections = world.connections().unwrap();
    assert_eq!(connections.ready[0].found, CredentialState::At(SecretSource::Saved("beta".into())));
}

#[test]
fn without_a_provider_the_message_names_what_was_looked_for() {
    let error = World::new("", &[]).routes().unwrap_err();

    assert!(matches!(error, ModelsError::NoProvider { .. }), "{error}");
    let looked_for = "ALPHA_API_KEY, GAMMA_API_KEY, GAMMA_PRO_KEY, BETA_API_KEY";
    assert!(error.to_string().contains(looked_for), "{error}");
}

#[test]
fn a_provider_that_needs_no_key_is_used_only_when_it_is_named() {
    assert!(World::new("", &[]).routes().is_err());
    assert_eq!(World::new("", &[]).select("scripted/demo").unwrap(), "scripted/demo");
    assert_eq!(World::new("model = \"scripted/file\"", &[]).executor(), "scripted/file");
}

#[test]
fn a_named_provider_without_a_key_says_which_variable_to_set() {
    let error = World::new("", &["BETA_API_KEY"]).select("alpha/swim-large").unwrap_err();

    let variables = vec!["ALPHA_API_KEY".to_owned()];
    assert_eq!(
        error,
        ModelsError::NotConnected { provider: "alpha".into(), variables, stores: Vec::new() }
    );
}

#[test]
fn a_bare_name_resolves_where_one_provider_has_it_and_is_ambiguous_where_two_do() {
    let world = World::new("", &["ALPHA_API_KEY", "BETA_API_KEY"]);

    assert_eq!(world.select("gill").unwrap(), "beta/gill");
    assert_eq!(
        world.select("swim-large").unwrap_err(),
        ModelsError::Ambiguous {
            model: "swim-large".into(),
            candidates: vec!["alpha/swim-large".into(), "beta/swim-large".into()],
        }
    );
}

#[test]
fn a_misspelt_model_is_refused_with_what_may_have_been_meant() {
    let world = World::new("", &["ALPHA_API_KEY"]);

    let ModelsError::UnknownModel { suggestions, .. } =
        world.select("alpha/swim-lrage").unwrap_err()
    else {
        panic!("the model was taken for another trouble");
    };
    assert_eq!(suggestions, ["alpha/swim-large"]);
    assert!(matches!(world.select("swim-smal"), Err(ModelsError::UnknownModel { .. })));
}

#[test]
fn a_new_version_of_a_known_model_is_not_taken_for_a_typing_error() {
    let world = World::new("", &["ALPHA_API_KEY"]);

    assert_eq!(world.select("alpha/fin-2.5").unwrap(), "alpha/fin-2.5");
    assert_eq!(world.select("alpha/brand-new").unwrap(), "alpha/brand-new");
}

/// Returns what may have been meant by the name of a provider that nobody knows, and what there is.
fn meant(error: ModelsError) -> (Vec<String>, Vec<String>) {
    match error {
        ModelsError::UnknownProvider { suggestions, known, .. } => (suggestions, known),
        other => panic!("{other}"),
    }
}

#[test]
fn a_misspelt_provider_is_refused_with_what_may_have_been_meant() {
    let error = World::new("", &["ALPHA_API_KEY"]).select("alpah/swim-large").unwrap_err();

    let known = ["scripted", "alpha", "gamma", "gamma-pro", "beta"];
    let (suggestions, all) = meant(error);
    assert_eq!((suggestions, all.len()), (vec!["alpha".to_owned()], known.len()));
    let other = World::new("", &[]).select("zebra/swim-large").unwrap_err();
    assert_eq!(meant(other), (Vec::new(), known.map(str::to_owned).to_vec()));
}

#[test]
fn the_models_of_a_service_are_not_those_of_another_server_at_its_place() {
    let config = "[providers.alpha]\nbase_url = \"http://127.0.0.1:9/v1/\"\n";
    let world = World::new(config, &["ALPHA_API_KEY"]);

    let connections = world.connections().unwrap();
    assert_eq!(connections.ready[0].base_url, "http://127.0.0.1:9/v1");
    assert_eq!(world.select("alpha/swim-lrage").unwrap(), "alpha/swim-lrage");
    assert_eq!(world.select("swim-large").unwrap(), "alpha/swim-large", "it stands in for alpha");
}

#[test]
fn a_server_of_another_name_is_not_sent_the_key_of_the_service() {
    let config = "[providers.mine]\ncomponent = \"alpha\"\nbase_url = \"http://127.0.0.1:9\"\nmodels = [\"m\"]\n";
    let world = World::new(config, &["ALPHA_API_KEY"]);

    let connections = world.connections().unwrap();
    assert_eq!(connections.ready[0].sources, [SecretSource::Saved("mine".into())]);
    assert_eq!(connections.ready[0].found, CredentialState::NotNeeded);
    assert_eq!(world.executor(), "mine/m");
}

#[test]
fn a_variable_that_was_named_has_to_be_set() {
    let config = "[providers.mine]\ncomponent = \"alpha\"\nbase_url = \"http://127.0.0.1:9\"\napi_key_env = \"MINE\"\n";

    assert_eq!(World::new(config, &[]).connections().unwrap().missing[0].name, "mine");
    assert_eq!(World::new(config, &["MINE"]).connections().unwrap().ready[0].name, "mine");
}

#[test]
fn a_server_of_ones_own_needs_no_component() {
    const LOCAL: &str = r#"
        [component]
        name = "wire"
        version = "0.1.0"
        kind = "provider"
        publisher = "tests"
        description = "Speaks what many servers speak."
        [[credential]]
        name = "api-key"
        environment = ["WIRE_API_KEY"]
        inject = "bearer"
        required = true
        [provider]
        base-url = "https://wire.example.com/v1"
        [[provider.preset]]
        name = "wire-here"
        base-url = "http://127.0.0.1:8080/v1"
    "#;
    let manifests = [ALPHA, LOCAL].map(|text| Manifest::parse(text).unwrap());
    let connect = |config: &str| {
        let mut layers = Layers::defaults();
        let path = Path::new("/koi/config.toml");
        layers.user(file::parse(config, path).unwrap(), path).unwrap();
        let settings = Settings::of(layers, &Environment::of([], Path::new("/")));
        connect(&settings, &manifests, &|_| false)
    };

    let own = connect("[providers.koi]\nbase_url = 'http://10.0.0.1:1/v1'\n").unwrap();
    let error = connect("[providers.koi]\n").unwrap_err();

    assert_eq!((own.ready[0].name.as_str(), own.ready[0].component.as_str()), ("koi", "wire"));
    assert!(error.to_string().ends_with("there are: alpha, wire"), "{error}");
}

#[test]
fn keys_and_prices_that_stand_in_the_wrong_place_are_told_of() {
    for (line, told) in [
        ("api_key = 'sk-1'", "`api_key_env`"),
        ("price = 0", "it has to be a table"),
        ("base_urll = 'https://x'", "did you mean `base_url`?"),
    ] {
        let mut layers = Layers::defaults();
        let path = Path::new("/koi/config.toml");
        let config = format!("[providers.alpha]\n{line}\n");
        layers.user(file::parse(&config, path).unwrap(), path).unwrap();
        let settings = Settings::of(layers, &Environment::of([], Path::new("/")));

        let found = connect(&settings, &[Manifest::parse(ALPHA).unwrap()], &|_| true).unwrap();

        assert!(found.warnings[0].contains(told), "{:?}", found.warnings);
        assert!(!found.warnings[0].contains("sk-1"));
    }
}

#[test]
fn an_unknown_component_is_a_fault_of_the_configuration() {
    let error = World::new("[providers.mine]\ncomponent = \"alhpa\"\n", &[]).connections();

    let Err(ModelsError::NoComponent { suggestions, .. }) = error else { panic!("{error:?}") };
    assert_eq!(suggestions, ["alpha"]);
}

#[test]
fn the_path_of_a_file_option_is_taken_from_the_directory_of_the_configuration() {
    let config = "[providers.scripted]\nscript = \"turns.jsonl\"\nscrpit = 1\n";

    let connections = World::new(config, &[]).connections().unwrap();

    let option = &connections.ready[0].options[0];
    assert_eq!(option.file.as_deref(), Some(Path::new("/koi/turns.jsonl")));
    assert_eq!(
        connections.warnings,
        ["`providers.scripted` has no setting `scrpit`; did you mean `script`?"]
    );
}

#[test]
fn a_preset_brings_its_settings_and_the_users_own_go_before_them() {
    let of = |config: &'static str| {
        let connections = World::new(config, &["GAMMA_API_KEY"]).connections().unwrap();
        let options = &connections.find("gamma").unwrap().options;
        options.iter().map(|option| (option.name.clone(), option.value.clone())).collect::<Vec<_>>()
    };
    let organization = |value: &str| vec![("organization".to_owned(), value.to_owned())];

    assert_eq!(of(""), organization("pond"));
    assert_eq!(of("[providers.gamma]\n"), organization("pond"));
    assert_eq!(of("[providers.gamma]\norganization = \"lake\"\n"), organization("lake"));
    assert_eq!(World::new("", &["ALPHA_API_KEY"]).connections().unwrap().ready[0].options, []);
}

#[test]
fn a_vendors_own_variable_says_where_its_service_is_unless_the_user_does() {
    let at = |config: &'static str, host: &str| {
        let mut manifests = [ALPHA, BETA].map(|text| Manifest::parse(text).unwrap());
        let value = |name: &str| (name == "BETA_HOST").then(|| host.to_owned());
        let warnings = place(&mut manifests, &value);
        let settings = World::new(config, &[]).settings();
        let connections = connect(&settings, &manifests, &|_| true).unwrap();
        (connections.find("beta").unwrap().base_url.clone(), warnings.len())
    };

    assert_eq!(at("", "10.0.0.5:1"), ("https://10.0.0.5:1".to_owned(), 0));
    assert_eq!(at("", "http://10.0.0.5:1/v1"), ("http://10.0.0.5:1/v1".to_owned(), 0));
    assert_eq!(at("", "nowhere at all"), ("https://beta.example.com".to_owned(), 1));
    let config = "[providers.beta]\nbase_url = \"https://mine.example.com\"\n";
    assert_eq!(at(config, "10.0.0.5:1"), ("https://mine.example.com".to_owned(), 0));
}

#[test]
fn roles_have_their_own_models_and_everyone_has_the_fallback() {
    let config = "model = \"alpha/swim-large\"\n[roles]\nevaluator = \"gill\"\n[fallback]\nmodels = [\"beta/gill\"]\n";
    let routes = World::new(config, &["ALPHA_API_KEY", "BETA_API_KEY"]).routes().unwrap();

    let chain = |role: &str| routes.roles[role].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(chain("executor"), ["alpha/swim-large", "beta/gill"]);
    assert_eq!(chain("evaluator"), ["beta/gill"]);
    assert_eq!(routes.origins["evaluator"], "/koi/config.toml:3");
    assert_eq!(routes.connections.len(), 2);
}

#[test]
fn no_vendor_sees_the_work_that_the_user_did_not_choose() {
    let keys = ["ALPHA_API_KEY", "BETA_API_KEY", "GAMMA_API_KEY"];
    let local_executor = "[providers.mine]\ncomponent = 'alpha'\nbase_url = 'http://127.0.0.1:9'\n\
                          models = ['m']\n[roles]\nexecutor = 'mine/m'";
    let local_model = "model = 'mine/m'\n[providers.mine]\ncomponent = 'alpha'\n\
                       base_url = 'http://127.0.0.1:9'\nmodels = ['m']\n";
    for (config, vendor) in [
        ("", "alpha/"),
        ("model = 'dive-1'", "gamma/"),
        ("[roles]\nexecutor = 'dive-1'", "gamma/"),
        (local_executor, "mine/"),
        (local_model, "mine/"),
    ] {
        let routes = World::new(config, &keys).routes().unwrap();

        for (role, chain) in &routes.roles {
            assert!(chain[0].to_string().starts_with(vendor), "{config}: {role}: {chain:?}");
        }
        assert!(routes.origins[Role::EVALUATOR].contains("only if `roles.evaluator` names it"));
    }
    let named = World::new("[roles]\nevaluator = 'dive-1'", &keys);
    assert_eq!(named.model(Role::EVALUATOR), "gamma/dive-1");
    assert_eq!(named.executor(), "alpha/swim-large");
}

#[test]
fn a_judge_of_another_family_at_the_same_provider_costs_about_as_much() {
    macro_rules! beside {
        ($name:literal, $input:literal, $output:literal) => {
            concat!(
                r#"{"providers": {"alpha": {"models": {
                "swim-large": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": 3, "output": 15}},
                ""#,
                $name,
                r#"": {"tool_call": true, "limit": {"context": 200000}, "cost": {"input": "#,
                $input,
                r#", "output": "#,
                $output,
                "}}}}}}"
            )
        };
    }
    for (known, judge) in [
        (beside!("dive-9", 2, 10), "alpha/dive-9"),
        (beside!("dive-9", 0.5, 2.5), "alpha/swim-large"),
        (beside!("dive-9", 9, 45), "alpha/swim-large"),
        (beside!("swim-9", 3, 15), "alpha/swim-large"),
    ] {
        let world = World::new("", &["ALPHA_API_KEY"]);
        let catalogue = Catalogue::parse(known).unwrap();
        let environment = Environment::of([], Path::new("/"));
        let settings = Settings::of(Layers::defaults(), &environment);

        let routes = world.connections().unwrap().routes(&settings, &catalogue).unwrap();

        assert_eq!(routes.roles[Role::EVALUATOR][0].to_string(), judge, "{known}");
    }
}

#[test]
fn a_name_that_is_known_as_another_vendors_is_not_sent_to_a_server_of_ones_own() {
    let config = "[providers.mine]\ncomponent = 'alpha'\nbase_url = 'http://127.0.0.1:9'\n";
    let world = World::new(config, &[]);
    let listing = "[providers.mine]\ncomponent = 'alpha'\nbase_url = 'http://127.0.0.1:9'\n\
                   models = ['koi-large', 'koi-mini']\n";
    let lists = World::new(listing, &[]);
    let unknown = |world: &World, name: &str| match world.select(name) {
        Err(ModelsError::UnknownModel { suggestions, known, .. }) => (suggestions, known),
        other => panic!("{name}: {other:?}"),
    };

    assert_eq!(world.select("brand-new").unwrap(), "mine/brand-new");
    assert_eq!(world.select("mine/swim-large").unwrap(), "mine/swim-large", "it was named");
    assert!(matches!(world.select("swim-large"), Err(ModelsError::NotConnected { .. })));
    assert_eq!(lists.select("koi-mini").unwrap(), "mine/koi-mini");
    assert_eq!(unknown(&lists, "koi-lrage"), (vec!["mine/koi-large".to_owned()], Vec::new()));
    let all = ["mine/koi-large", "mine/koi-mini"].map(str::to_owned).to_vec();
    assert_eq!(unknown(&lists, "nope"), (Vec::new(), all), "nothing is like it");
}

#[test]
fn a_model_that_is_configured_and_listed_is_one_model() {
    let world = World::new("[providers.alpha]\nmodels = ['swim-large']\n", &["ALPHA_API_KEY"]);
    let catalogue = Catalogue::parse(MODELS).unwrap();

    let connections = world.connections().unwrap();
    let known: Vec<&str> = connections.find("alpha").unwrap().known(&catalogue).collect();

    assert_eq!(known.iter().filter(|model| **model == "swim-large").count(), 1, "{known:?}");
}

#[test]
fn a_model_that_is_named_for_one_run_judges_it_too() {
    let world = World::new("", &["ALPHA_API_KEY", "GAMMA_API_KEY"]);
    let mut layers = Layers::defaults();
    layers.model("alpha/swim-large", "--model").unwrap();
    let settings = Settings::of(layers, &Environment::of([], Path::new("/")));
    let catalogue = Catalogue::parse(MODELS).unwrap();

    let routes = world.connections().unwrap().routes(&settings, &catalogue).unwrap();

    assert_eq!(routes.roles[Role::EVALUATOR][0].to_string(), "alpha/swim-large");
}

#[test]
fn what_is_known_of_models_is_found_under_the_providers_own_name() {
    let routes = World::new("", &["GAMMA_PRO_KEY"]).routes().unwrap();

    let named: Vec<(&str, &str)> = routes.services().collect();

    assert_eq!(named, [("alpha", "alpha"), ("gamma-pro", "gamma")]);
}

#[test]
fn small_things_go_to_the_cheapest_that_calls_tools_at_the_same_provider() {
    assert_eq!(World::new("", &["ALPHA_API_KEY"]).model(SMALL), "alpha/swim-small");
    let cheapest = World::new("model = 'swim-small'", &["ALPHA_API_KEY"]);
    assert_eq!(cheapest.model(SMALL), "alpha/swim-small");
    let unpriced = World::new("", &["BETA_API_KEY"]);
    assert_eq!(unpriced.model(SMALL), "beta/swim-large");
    let named = World::new("[roles]\nsmall = 'fin-2'", &["ALPHA_API_KEY"]);
    assert_eq!(named.model(SMALL), "alpha/fin-2");
}

#[test]
fn a_model_is_the_embedder_only_if_it_is_named() {
    let none = World::new("", &["ALPHA_API_KEY"]).routes().unwrap();
    assert!(!none.roles.contains_key(EMBEDDER));
    let named = World::new("[roles]\nembedder = 'beta/gill'", &["BETA_API_KEY"]);
    assert_eq!(named.model(EMBEDDER), "beta/gill");
}

#[test]
fn each_role_is_served_by_its_own_provider() {
    let config =
        "model = 'alpha/swim-large'\n[roles]\nplanner = 'gamma/dive-1'\nevaluator = 'beta/gill'";
    let world = World::new(config, &["ALPHA_API_KEY", "BETA_API_KEY", "GAMMA_API_KEY"]);

    let routes = world.routes().unwrap();

    let of = |role: &str| routes.roles[role][0].to_string();
    assert_eq!(of(Role::PLANNER), "gamma/dive-1");
    assert_eq!(of(Role::EXECUTOR), "alpha/swim-large");
    assert_eq!(of(Role::EVALUATOR), "beta/gill");
    let connected: Vec<&str> = routes.connections.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(connected, ["gamma", "alpha", "beta"]);
}

#[test]
fn a_role_has_substitutes_of_its_own() {
    let config =
        "[fallback]\nmodels = ['beta/gill']\nplanner = ['gamma/dive-1', 'beta/gill']\nsmall = []";
    let world = World::new(config, &["ALPHA_API_KEY", "BETA_API_KEY", "GAMMA_API_KEY"]);

    let routes = world.routes().unwrap();

    let chain = |role: &str| {
        let names: Vec<String> = routes.roles[role].iter().map(ToString::to_string).collect();
        names.join(" ")
    };
    assert_eq!(chain(Role::PLANNER), "alpha/swim-large gamma/dive-1 beta/gill");
    assert_eq!(chain(Role::EXECUTOR), "alpha/swim-large beta/gill");
    assert_eq!(chain(SMALL), "alpha/swim-small");
}

#[test]
fn a_bare_name_that_no_list_has_goes_to_whoever_has_its_other_versions() {
    let world = World::new("", &["ALPHA_API_KEY", "BETA_API_KEY"]);

    assert_eq!(world.select("fin-3").unwrap(), "alpha/fin-3");
    assert!(matches!(world.select("swim-large-2"), Err(ModelsError::Ambiguous { .. })));
}

/// The providers that are ready, and those that are when they are named, with where their credential is.
fn with_delta(config: &'static str, keys: &[&'static str]) -> (Vec<String>, Vec<String>) {
    let world = World::new(config, keys);
    let manifests = [DELTA, ALPHA].map(|text| Manifest::parse(text).unwrap());
    let found = connect(&world.settings(), &manifests, &|source| world.has(source)).unwrap();
    let shown = |list: &[Connection]| {
        let shown = list.iter().map(|one| match &one.found {
            CredentialState::At(source) => format!("{} {source}", one.name),
            other => format!("{} {other:?}", one.name),
        });
        shown.collect::<Vec<_>>()
    };
    (shown(&found.ready), shown(&found.on_request))
}

#[test]
fn a_credential_counts_by_where_it_was_found() {
    let variables = "delta the pair of variables DELTA_ID and DELTA_SECRET";
    let alpha = "alpha the variable ALPHA_API_KEY";

    let (ready, _) = with_delta("", &["profile of others", "ALPHA_API_KEY"]);
    assert_eq!(ready, [alpha, "delta the profile of Delta"]);
    let (ready, _) = with_delta("[providers.delta]", &["profile of others"]);
    assert_eq!(ready, ["delta the profile of Delta"]);
    let (ready, _) = with_delta("", &["variables of others", "ALPHA_API_KEY"]);
    assert_eq!(ready, [alpha, variables]);
    let (ready, _) = with_delta("", &["variables of others", "delta", "ALPHA_API_KEY"]);
    assert_eq!(ready, [alpha, variables]);
    let (ready, _) = with_delta("", &["profile of others", "delta"]);
    assert_eq!(ready, ["delta the profile of Delta"]);
    let (ready, _) = with_delta("", &["delta"]);
    assert_eq!(ready, ["delta the credential `delta`"]);
    let (ready, _) = with_delta("", &["variables of others", "DELTA_API_KEY"]);
    assert_eq!(ready, ["delta the variable DELTA_API_KEY"]);
}

#[test]
fn another_server_is_not_sent_the_keys_of_others() {
    let moved = "[providers.mine]\ncomponent = 'delta'\nbase_url = 'https://mine.example.com'";
    let own = "[providers.delta]\nbase_url = 'https://vpc.example.com'";
    let keys = ["variables of others", "profile of others"];

    assert_eq!(with_delta(moved, &keys).0[0], "mine NotNeeded");
    assert!(with_delta(own, &keys).0[0].starts_with("delta the pair"));
    let named = "[providers.delta]\napi_key_env = 'MINE'";
    assert_eq!(with_delta(named, &keys).0, Vec::<String>::new());
}

#[test]
fn a_model_with_another_place_before_its_name_is_not_taken_for_a_typing_error() {
    let known = "global.deep.swim-large-20250929-v1:0";
    for other in ["us.deep.swim-large-20250929-v1:0", "deep.swim-large-20250929-v1:0"] {
        assert!(is_version_of(other, known) && is_version_of(known, other), "{other}");
    }
    assert!(!is_version_of("us.deep.swim-lrage-20250929-v1:0", known));
    assert!(!is_version_of("gtp-4.1", "gpt-4.1"));
}
