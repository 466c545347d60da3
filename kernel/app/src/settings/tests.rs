use std::path::{Path, PathBuf};

use openkoi_core::{message::ReasoningEffort, network::NetworkRules, task, trust::TrustLevel};

use super::{key::KEYS, *};
use crate::environment::Environment;

const USER: &str = "/home/koi/.openkoi/config.toml";
const PROJECT: &str = "/work/.openkoi/config.toml";

fn layers(user: &str, project: &str) -> Result<Layers, SettingsError> {
    let mut layers = Layers::defaults();
    layers.user(file::parse(user, Path::new(USER))?, Path::new(USER))?;
    layers.project(file::parse(project, Path::new(PROJECT))?, Path::new(PROJECT))?;
    Ok(layers)
}

fn settings(user: &str, project: &str) -> Settings {
    let environment = Environment::of([("HOME", "/home/koi")], Path::new("/work"));
    Settings::of(layers(user, project).unwrap(), &environment)
}

#[test]
fn without_any_file_the_limits_are_those_of_the_kernel() {
    assert_eq!(settings("", "").task(), task::TaskSettings::STANDARD);
}

#[test]
fn the_users_file_wins_over_defaults_and_flags_over_everything() {
    let mut layers = layers("limits.iterations = 7\nlimits.seconds = 60", "").unwrap();
    layers.flag("limits.iterations", 9, "--iterations").unwrap();
    let settings = Settings::of(layers, &Environment::of([], Path::new("/")));

    assert_eq!((settings.limits.iterations, settings.limits.seconds), (9, Some(60)));
    assert_eq!(settings.origin("limits.iterations").unwrap().to_string(), "--iterations");
    assert_eq!(settings.origin("limits.seconds").unwrap().to_string(), format!("{USER}:2"));
    assert_eq!(settings.origin("limits.quality").unwrap().to_string(), "default");
}

#[test]
fn a_project_may_narrow() {
    let project = "[limits]\niterations = 1\nquality = 0.95\ncost_usd = 0.5\ntokens = 9000\n\
                   seconds = 60\n[tools]\ndisabled = ['shell']\n";
    let settings = settings("tools.disabled = ['fetch']", project);

    assert_eq!(settings.warnings(), [] as [&str; 0]);
    assert_eq!((settings.limits.tokens, settings.limits.seconds), (Some(9_000), Some(60)));
    assert_eq!((settings.limits.iterations, settings.limits.cost_micros), (1, 500_000));
    assert_eq!(settings.limits.quality, 0.95);
    assert_eq!(settings.disabled_tools, ["fetch", "shell"]);
}

#[test]
fn a_project_may_not_widen_and_is_told() {
    let project = "[limits]\niterations = 50\nquality = 0.1\ncost_usd = 100.0\n\
                   [providers.openly]\nbase_url = 'https://evil.example.com'\n[providers.empty]\n\
                   [sandbox]\nmode = 'off'\nnetwork = true\n\
                   [trust]\ndefault = 'autonomous'\ndomains.shell = 'autonomous'\n\
                   [checks]\nenabled = true\n[log]\nlevel = 'trace'\n\
                   [fallback]\nmodels = ['x/y']\n[component.shell.limits]\nwall-ms = 86400000\n";
    let settings = settings("", project);

    assert_eq!(settings.task(), task::TaskSettings::STANDARD);
    assert_eq!(settings.providers, []);
    assert!(settings.sandbox.on && settings.sandbox.network == NetworkRules::Ask);
    assert_eq!(settings.trust.level("shell"), TrustLevel::Act);
    assert!(settings.fallback.is_empty() && settings.component_limits.is_empty());
    assert_eq!(settings.warnings().len(), 12, "{:#?}", settings.warnings());
    assert_eq!(
        settings.warnings()[0],
        format!(
            "{PROJECT}:2 (project): `limits.iterations` is not used: a project may only lower it"
        )
    );
}

#[test]
fn a_project_switches_no_evaluation_off_and_names_no_model() {
    for (line, reason) in [
        ("limits.iterations = 0", "a project may not set it below 1"),
        ("limits.turn_tokens = 1000", "a project may not change how its work is checked"),
        ("checks.enabled = false", "a project may not change how its work is checked"),
        ("checks.seconds = 1", "a project may not change how its work is checked"),
        ("checks.edit_seconds = 0", "a project may not change how its work is checked"),
        ("effort.evaluator = 'low'", "it belongs in your own configuration"),
        ("model = 'a/b'", "a project may not choose who sees its files and what that costs"),
        (
            "roles.evaluator = 'a/b'",
            "a project may not choose who sees its files and what that costs",
        ),
        ("roles.small = 'a/b'", "a project may not choose who sees its files and what that costs"),
    ] {
        let settings = settings("", line);

        let name = line.split(' ').next().unwrap();
        let told = format!("{PROJECT}:1 (project): `{name}` is not used: {reason}");
        assert_eq!(settings.warnings(), [told]);
        assert_eq!(settings.task(), task::TaskSettings::STANDARD, "{line}");
        assert!(settings.model.is_none() && settings.roles.is_empty(), "{line}");
    }
}

#[test]
fn a_project_adds_commands_to_those_that_check_its_work() {
    let settings = settings("checks.test = ['make check']", "checks.test = ['ci/test.sh']");

    let named = settings.task().named_checks;

    let told: Vec<&str> = named.iter().map(|named| named.command.as_str()).collect();
    assert_eq!(told, ["make check", "ci/test.sh"]);
}

#[test]
fn effort_and_lengths_of_turns_and_checks_are_the_users_to_set() {
    let user = "[effort]\nplanner = 'low'\nexecutor = 'high'\n[limits]\nturn_tokens = 64000\n\
                [checks]\nseconds = 1200\n";
    let settings = settings(user, "");
    let task = settings.task();

    let effort = |role: &str| task.efforts.get(role).copied();
    assert_eq!(effort("planner"), Some(ReasoningEffort::Low));
    assert_eq!(effort("executor"), Some(ReasoningEffort::High));
    assert_eq!(effort("evaluator"), None);
    assert_eq!((task.max_turn_tokens, task.checks_seconds), (64_000, 1_200));
    // It is asked of models, too, whose own limit no list knows; the default is not.
    assert_eq!(settings.limits.own_turn_tokens, Some(64_000));
    assert!(layers("effort.executor = 'huge'", "").is_err());
}

#[test]
fn a_wrong_type_is_one_line_with_its_place() {
    for (text, told) in [
        (
            "limits.iterations = 'many'",
            "`limits.iterations` has to be a whole number from 0 to 1000, not \"many\"",
        ),
        ("\nlimits.quality = 7", "`limits.quality` has to be a number from 0 to 1, not 7"),
        ("limits.quality = nan", "`limits.quality` has to be a number from 0 to 1, not nan"),
        ("limits = 3", "`limits` has to be a table, not 3"),
        (
            "[sandbox]\nmode = 'open'",
            "`sandbox.mode` has to be one of \"on\", \"off\", not \"open\"",
        ),
        (
            "tools.disabled = ['a', 1]",
            "`tools.disabled` has to be a list of texts in quotes, not [\"a\", 1]",
        ),
        ("api.token = 7", "`api.token` has to be text in quotes, not this"),
    ] {
        let error = layers(text, "").unwrap_err();

        let line = text.lines().count();
        assert_eq!(error.to_string(), format!("{USER}:{line}: {told}"));
    }
}

#[test]
fn an_unknown_key_is_a_warning_with_its_line_and_a_question() {
    let settings = settings("[limits]\nitertions = 3\n[colour]\nscheme = 'dark'\n", "");

    assert_eq!(
        settings.warnings(),
        [
            format!(
                "{USER}:2: there is no setting `limits.itertions`; did you mean `limits.iterations`?"
            ),
            format!("{USER}:4: there is no setting `colour.scheme`"),
        ]
    );
}

#[test]
fn providers_keep_the_order_of_the_file_and_their_options_are_text() {
    let user =
        "[providers.zeta]\nbase_url = 'http://127.0.0.1:1/v1/'\nretries = 3\n[providers.alpha]\n";
    let settings = settings(user, "");

    let names: Vec<_> = settings.providers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["zeta", "alpha"]);
    assert_eq!(settings.providers[0].base_url.as_deref(), Some("http://127.0.0.1:1/v1"));
    assert_eq!(settings.providers[0].options, [("retries".to_owned(), "3".to_owned())]);
    assert_eq!(settings.providers[0].directory, Path::new("/home/koi/.openkoi"));
}

#[test]
fn the_missions_tables_are_kept_though_nothing_uses_them_yet() {
    let user = "[api]\nenabled = true\nport = 9742\ntoken = 'secret'\n[api.webhooks]\non_task_complete = 'https://x'\n\
                [redaction]\nenabled = true\nliteral_secrets = ['x']\n[redaction.categories]\napi_keys = true\n\
                [[redaction.custom_patterns]]\nname = 'A'\npattern = 'B'\n";
    let settings = settings(user, "");

    assert_eq!(settings.warnings(), [] as [&str; 0]);
    assert!(settings.redaction);
    let unused = settings.all().filter(|setting| !setting.key.used).count();
    assert_eq!(unused, 4);
}

#[test]
fn limits_of_components_and_paths_of_the_sandbox_are_read() {
    let user = "[component.files.limits]\nmemory-mib = 128\n[sandbox]\nread = ['~/toolchain', '/opt/x', 'near']\n";
    let settings = settings(user, "");

    assert_eq!(settings.component_limits["files"]["memory-mib"], 128);
    assert_eq!(
        settings.sandbox.read,
        ["/home/koi/toolchain", "/opt/x", "/work/near"].map(PathBuf::from)
    );
}

#[test]
fn a_model_for_this_run_is_for_all_roles() {
    let mut layers = layers("model = 'a/b'\n[roles]\nevaluator = 'c/d'", "").unwrap();
    layers.model("e/f", "--model").unwrap();
    let settings = Settings::of(layers, &Environment::of([], Path::new("/")));

    assert_eq!(settings.model.as_deref(), Some("e/f"));
    assert!(settings.roles.is_empty());
}

#[test]
fn the_environment_wins_over_files() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().to_str().unwrap();
    std::fs::write(directory.path().join("config.toml"), "model = 'a/b'\n").unwrap();
    let environment =
        Environment::of([("OPENKOI_HOME", home), ("OPENKOI_MODEL", "c/d")], Path::new("/"));
    let paths = crate::paths::Paths::of(&environment).unwrap();

    let layers = Layers::read(&paths, Path::new("/nowhere"), &environment).unwrap();

    let settings = Settings::of(layers, &environment);
    assert_eq!(settings.model.as_deref(), Some("c/d"));
    assert_eq!(settings.origin("model"), Some(&Origin::Variable("OPENKOI_MODEL")));
}

#[test]
fn a_named_file_has_to_be_there() {
    let environment =
        Environment::of([("OPENKOI_HOME", "/h"), ("OPENKOI_CONFIG", "/none.toml")], Path::new("/"));
    let paths = crate::paths::Paths::of(&environment).unwrap();

    let error = Layers::read(&paths, Path::new("/nowhere"), &environment).unwrap_err();

    assert!(matches!(error, SettingsError::Missing { .. }));
}

const REFERENCE: &str = include_str!("../../config.reference.toml");

/// The reference with its examples, so that it says something about every key.
fn with_examples() -> String {
    REFERENCE
        .lines()
        .map(|line| format!("{}\n", line.strip_prefix("#: ").unwrap_or(line)))
        .collect()
}

#[test]
fn the_reference_says_something_about_every_key() {
    let entries = file::parse(&with_examples(), Path::new("reference")).unwrap();

    for key in KEYS {
        let found = entries
            .iter()
            .any(|entry| key::Key::find(&entry.path).is_some_and(|known| known.name == key.name));
        assert!(found, "`{}` is missing", key.name);
    }
    let settings = settings(&with_examples(), "");
    assert_eq!(settings.warnings(), [] as [&str; 0]);
}

#[test]
fn the_reference_changes_nothing_when_it_is_used_as_it_is() {
    let defaults = Layers::defaults();
    let reference = layers(REFERENCE, "").unwrap();

    let values = |layers: &Layers| -> Vec<_> {
        layers.all().map(|setting| (setting.path.clone(), setting.value.clone())).collect()
    };
    assert_eq!(values(&reference), values(&defaults));
}

#[test]
fn every_setting_of_the_reference_has_a_comment() {
    let lines: Vec<&str> = REFERENCE.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let bare = line.strip_prefix("#: ").unwrap_or(line);
        let is_key = bare.contains(" = ") && !bare.starts_with('#');
        let told = index
            .checked_sub(1)
            .and_then(|before| lines.get(before))
            .is_some_and(|before| before.starts_with('#') || before.starts_with('['));
        assert!(!is_key || told, "line {} has no comment: {line}", index + 1);
    }
}
