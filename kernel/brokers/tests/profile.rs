//! Keys that sign: from variables first, then from files of profiles.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use openkoi_brokers::secrets::SecretStore;
use openkoi_core::credential::{ProfileFile, ProfileStore, SecretSource, VariablePair};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Profiles as the tools of AWS have them.
fn profiles() -> ProfileStore {
    let file = |path: &str, environment: &str, prefix: &str| ProfileFile {
        path: path.to_owned(),
        environment: environment.to_owned(),
        prefix: prefix.to_owned(),
    };
    ProfileStore {
        name: "aws".to_owned(),
        program: "AWS".to_owned(),
        path: "~/.aws".to_owned(),
        profile_environment: "AWS_PROFILE".to_owned(),
        profile: "default".to_owned(),
        files: vec![
            file("~/.aws/credentials", "AWS_SHARED_CREDENTIALS_FILE", ""),
            file("~/.aws/config", "AWS_CONFIG_FILE", "profile"),
        ],
        id: "aws_access_key_id".to_owned(),
        secret: "aws_secret_access_key".to_owned(),
        token: "aws_session_token".to_owned(),
        elsewhere: vec!["role_arn".to_owned(), "sso_session".to_owned()],
        otherwise: vec!["credential_process".to_owned()],
        advice: "run: export {profile}".to_owned(),
    }
}

fn variables() -> SecretSource {
    SecretSource::Pair(Box::new(VariablePair {
        id: "AWS_ACCESS_KEY_ID".to_owned(),
        secret: "AWS_SECRET_ACCESS_KEY".to_owned(),
        token: "AWS_SESSION_TOKEN".to_owned(),
    }))
}

fn chain() -> [SecretSource; 2] {
    [variables(), SecretSource::Profile(Box::new(profiles()))]
}

const CREDENTIALS: &str = "\
# kept by a tool
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key=secret-of-default/+=   ; a comment

[work]
aws_access_key_id = AKIDWORK
AWS_SECRET_ACCESS_KEY = secret-of-work
aws_session_token = token-of-work
[half]
aws_access_key_id = AKIDHALF
";

const CONFIG: &str = "\
[default]
region = eu-west-1
s3 =
    region = us-gov-west-1
    aws_access_key_id = AKIDNESTED
[profile work]
region=ap-northeast-1
[profile tool]
credential_process = /bin/echo secret-of-tool
[ profile 'in config' ]
aws_access_key_id = AKIDCONFIG
aws_secret_access_key = secret-of-config
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = default
[profile login]
sso_session = s
[profile empty]
output = json
[work]
region = nowhere
";

struct World {
    home: tempfile::TempDir,
    variables: HashMap<&'static str, String>,
}

impl World {
    /// A home without any file.
    fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let variables = HashMap::from([("HOME", home.path().display().to_string())]);
        Self { home, variables }
    }

    fn new() -> Self {
        let world = Self::empty();
        let directory = world.home.path().join(".aws");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("credentials"), CREDENTIALS).unwrap();
        std::fs::write(directory.join("config"), CONFIG).unwrap();
        world
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    fn profile(name: &str) -> Self {
        Self::new().with("AWS_PROFILE", name)
    }

    fn store(&self) -> SecretStore {
        let environment = self.variables.iter().map(|(name, value)| (name.into(), value.into()));
        SecretStore::new(Path::new("/nonexistent"), Arc::new(environment.collect()))
    }

    fn region(&self) -> Option<String> {
        self.store().profile_setting(&profiles(), "region")
    }

    fn error(&self) -> String {
        self.store().read(&chain()).unwrap_err().to_string()
    }
}

/// Reads the keys, and returns what `text` becomes then: what was read is known.
fn redacted(world: &World, text: &str) -> String {
    let store = world.store();
    assert!(store.has(&chain()));
    let secret = store.read(&chain()).unwrap();
    assert!(secret.signs());
    let shown = format!("{secret:?} {store:?}");
    assert!(!shown.contains("secret-of") && !shown.contains("AKID"), "{shown}");
    store.redact_str(text)
}

#[test]
fn variables_come_before_files_and_the_token_is_a_secret_too() {
    let world = World::new()
        .with("AWS_ACCESS_KEY_ID", "AKIDVARIABLE")
        .with("AWS_SECRET_ACCESS_KEY", "secret-of-variable")
        .with("AWS_SESSION_TOKEN", "token-of-variable");

    let text = "secret-of-variable token-of-variable secret-of-default/+= AKIDVARIABLE";
    assert_eq!(redacted(&world, text), "[redacted] [redacted] secret-of-default/+= AKIDVARIABLE");
}

#[test]
fn the_profile_is_the_default_or_the_one_that_is_named() {
    let text = "secret-of-default/+= secret-of-work token-of-work secret-of-config";
    assert_eq!(
        redacted(&World::new(), text),
        "[redacted] secret-of-work token-of-work secret-of-config"
    );
    assert_eq!(
        redacted(&World::profile("work"), text),
        "secret-of-default/+= [redacted] [redacted] secret-of-config"
    );
    assert_eq!(
        redacted(&World::profile("in config"), text),
        "secret-of-default/+= secret-of-work token-of-work [redacted]"
    );
}

#[test]
fn variables_replace_the_paths_of_the_files() {
    let world = World::empty();
    std::fs::write(world.home.path().join("mine"), CREDENTIALS).unwrap();
    let world = world.with("AWS_SHARED_CREDENTIALS_FILE", "~/mine").with("AWS_PROFILE", "work");

    assert_eq!(redacted(&world, "secret-of-work"), "[redacted]");
}

#[test]
fn a_profile_that_gets_its_keys_elsewhere_is_an_error_of_one_line() {
    for (profile, way) in
        [("tool", "credential_process"), ("role", "role_arn"), ("login", "sso_session")]
    {
        assert_eq!(
            World::profile(profile).error(),
            format!(
                "the profile `{profile}` of AWS gets its keys by `{way}`, which is not read here; \
                 run: export {profile}"
            )
        );
    }
}

#[test]
fn half_of_a_pair_and_a_missing_profile_are_errors() {
    let half = World::empty().with("AWS_ACCESS_KEY_ID", "AKIDHALF");
    assert!(!half.store().has(&chain()));
    assert_eq!(half.error(), "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    assert_eq!(
        World::profile("half").error(),
        "the profile `half` of AWS has no `aws_secret_access_key`"
    );
    assert_eq!(
        World::profile("empty").error(),
        "the profile `empty` of AWS has no `aws_access_key_id`"
    );
    assert_eq!(
        World::profile("gone\u{1b}").error(),
        "the profile `gone` of AWS is in none of its files"
    );
    let nowhere = World::empty();
    assert!(!nowhere.store().has(&chain()));
    assert_eq!(
        nowhere.error(),
        "the pair of variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is not set"
    );
}

#[test]
fn the_region_is_the_profiles_own() {
    assert_eq!(World::new().region().as_deref(), Some("eu-west-1"));
    assert_eq!(World::profile("work").region().as_deref(), Some("ap-northeast-1"));
    assert_eq!(World::profile("tool").region(), None);
    assert_eq!(World::empty().region(), None);
}

#[test]
fn keys_are_found_without_reading_the_files() {
    let world = World::new();
    let directory = world.home.path().join(".aws");
    // Neither a pipe nor what is no text is opened for the question.
    std::fs::write(directory.join("credentials"), [0xff, 0xfe]).unwrap();
    assert!(world.store().has(&[SecretSource::Profile(Box::new(profiles()))]));
    assert!(world.error().ends_with("is not a key file: it is not a text"));
    assert_eq!(chain().map(|source| source.is_external()), [false, true]);
}
