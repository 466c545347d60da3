use std::path::PathBuf;

use super::*;

fn told(error: impl Into<AppError>) -> CommandError {
    error.into().into()
}

#[test]
fn without_any_home_the_error_names_the_way_out() {
    let error = told(PathsError::Homeless);

    assert_eq!(error.kind, Exit::Configuration);
    assert_eq!(error.hints, ["export OPENKOI_HOME=/path/to/a/directory"]);
}

#[test]
fn a_wrong_setting_is_a_fault_of_the_configuration() {
    let path = PathBuf::from("/koi/config.toml");
    let error = told(SettingsError::Syntax { path, line: 3, message: "odd".to_owned() });

    assert_eq!(error.kind, Exit::Configuration);
    assert_eq!(error.message, "/koi/config.toml:3: odd");
}

#[test]
fn without_a_provider_there_are_three_ways_on_and_one_more_for_each_login_of_others() {
    let none = |closed: &[&str]| ModelsError::NoProvider {
        variables: vec!["ALPHA_API_KEY".to_owned(), "BETA_API_KEY".to_owned()],
        first: "alpha".to_owned(),
        closed: closed.iter().map(|name| (*name).to_owned()).collect(),
    };

    let error = told(none(&[]));
    assert_eq!(error.kind, Exit::Credentials);
    assert_eq!(
        error.hints,
        [
            "export ALPHA_API_KEY=…",
            "openkoi connect alpha",
            "openkoi demo   (shows the loop offline, with a scripted model)",
        ]
    );
    assert!(error.message.len() < 160, "{error}");
    let hints = told(none(&["pond", "lake"])).hints;
    assert_eq!(hints[0], "openkoi connect pond   (a login of another program is on this machine)");
    assert_eq!(hints.len(), 4);
}

#[test]
fn a_misspelt_provider_is_asked_about_and_an_unknown_one_is_told_what_there_is() {
    let unknown = |suggestions: &[&str]| ModelsError::UnknownProvider {
        provider: "alpah".to_owned(),
        suggestions: suggestions.iter().map(|name| (*name).to_owned()).collect(),
        known: vec!["alpha".to_owned(), "beta".to_owned()],
    };

    let error = told(unknown(&["alpha"]));
    assert_eq!(error.kind, Exit::Usage);
    assert_eq!(error.message, "there is no provider `alpah`");
    assert_eq!(error.hints, ["did you mean `alpha`?"]);
    assert_eq!(told(unknown(&[])).hints, ["there are alpha, beta"]);
}

#[test]
fn an_unknown_component_is_a_fault_of_the_configuration() {
    let error = told(ModelsError::NoComponent {
        known: vec!["openai".into()],
        provider: "mine".to_owned(),
        component: "alhpa".to_owned(),
        suggestions: vec!["alpha".to_owned()],
    });

    assert_eq!(error.kind, Exit::Configuration);
    assert_eq!(error.hints, ["did you mean `alpha`?", "set `component` under [providers.mine]"]);
}

#[test]
fn a_provider_without_a_credential_names_the_variable_and_the_command() {
    let error = told(ModelsError::NotConnected {
        provider: "alpha".to_owned(),
        variables: vec!["ALPHA_API_KEY".to_owned()],
        stores: vec!["alpha".to_owned(), "alpha-cli".to_owned()],
    });

    assert_eq!(error.kind, Exit::Credentials);
    assert_eq!(
        error.hints,
        ["export ALPHA_API_KEY=…", "openkoi connect alpha", "openkoi connect alpha-cli"]
    );
}

#[test]
fn models_that_are_unknown_ambiguous_or_not_chosen_are_told_with_a_line_to_paste() {
    let unknown = told(ModelsError::UnknownModel {
        provider: "alpha".to_owned(),
        model: "swim-lrage".to_owned(),
        suggestions: vec!["alpha/swim-large".to_owned()],
        known: Vec::new(),
    });
    assert_eq!(
        unknown.hints,
        [
            "did you mean `alpha/swim-large`?",
            "if it is right: models = [\"swim-lrage\"] under [providers.alpha]",
        ]
    );
    let unlike = told(ModelsError::UnknownModel {
        provider: "alpha".to_owned(),
        model: "nope".to_owned(),
        suggestions: Vec::new(),
        known: vec!["alpha/swim-large".to_owned(), "alpha/swim-small".to_owned()],
    });
    assert_eq!(unlike.hints[0], "there are alpha/swim-large, alpha/swim-small");
    let ambiguous = told(ModelsError::Ambiguous {
        model: "m".to_owned(),
        candidates: vec!["alpha/m".to_owned(), "beta/m".to_owned()],
    });
    assert_eq!(ambiguous.hints, ["-m alpha/m", "-m beta/m"]);
    let none = told(ModelsError::NoDefault { provider: "alpha".to_owned() });
    assert_eq!((none.kind, none.hints), (Exit::Usage, vec!["-m alpha/MODEL".to_owned()]));
}

#[test]
fn a_directory_that_cannot_be_worked_in_is_told_by_what_is_the_matter() {
    let cases = [
        (std::io::ErrorKind::NotFound, "there is no directory `/pond`"),
        (std::io::ErrorKind::NotADirectory, "`/pond` is not a directory"),
        (
            std::io::ErrorKind::PermissionDenied,
            "cannot read the directory `/pond`: permission denied",
        ),
    ];

    for (kind, message) in cases {
        let error = told(AppError::Workspace { path: PathBuf::from("/pond"), source: kind.into() });
        assert_eq!(error.kind, Exit::Configuration);
        assert_eq!(error.message, message);
        assert_eq!(error.hints, ["--workspace DIR"]);
    }
}

#[test]
fn an_undo_that_cannot_be_done_says_why_and_what_to_do_instead() {
    let cases = [
        (UndoError::Nothing, "no task has changed anything in this directory", None),
        (UndoError::Same, "the files are already as they were", None),
        (
            UndoError::Undone("abc".to_owned()),
            "task abc is undone already",
            Some("openkoi undo abc --redo"),
        ),
        (
            UndoError::Running("abc".to_owned()),
            "task abc is running; its files cannot be restored",
            None,
        ),
    ];

    for (error, message, hint) in cases {
        let error = told(error);
        assert_eq!(error.kind, Exit::NotAccepted);
        assert_eq!(error.message, message);
        assert_eq!(error.hints.first().map(String::as_str), hint);
    }
}

#[test]
fn a_file_of_consents_that_is_broken_says_how_to_begin_anew() {
    let path = PathBuf::from("/koi/consents.json");
    let error = told(ConsentsError::Unfit { path, reason: "it is cut".to_owned() });

    assert_eq!(error.kind, Exit::Configuration);
    assert_eq!(error.message, "`/koi/consents.json` cannot be used: it is cut");
    assert_eq!(error.hints, ["remove it, and connect again what you had allowed"]);
}

#[test]
fn there_is_no_session_to_go_on_with_before_the_first() {
    assert_eq!(told(AppError::NoSession).kind, Exit::Usage);
}

#[test]
fn an_id_that_fits_nothing_or_more_than_one_is_told_with_what_to_type() {
    let candidate = |short: &str, title: &str| Candidate {
        short: short.to_owned(),
        id: format!("01k9abcdef0000000000{short}"),
        title: title.to_owned(),
    };
    let none = StorageError::NoSuch { what: "task", text: "zz".to_owned() };
    let many = StorageError::Ambiguous {
        what: "session",
        text: "00".to_owned(),
        candidates: vec![candidate("00000041", "fix it"), candidate("00000042", "write docs")],
    };

    let (none, many) = (told(none), told(many));

    assert_eq!((none.kind, none.hints), (Exit::Usage, vec!["openkoi task list".to_owned()]));
    let expected = CommandError::usage("more than one session begins with `00`");
    let expected = expected.hint("00000041   (fix it)").hint("00000042   (write docs)");
    assert_eq!(many, expected);
}

#[test]
fn trouble_with_a_login_has_the_code_of_its_cause() {
    assert_eq!(told(LoginError::Denied).kind, Exit::Credentials);
    assert_eq!(told(LoginError::Expired).kind, Exit::Credentials);
    let path = PathBuf::from("/koi/auth.json");
    let broken = told(LoginError::Broken { path, reason: "it is cut".to_owned() });
    assert_eq!(broken.kind, Exit::Configuration);
}

#[test]
fn an_undo_whose_line_was_not_kept_says_that_the_files_are_back() {
    let path = PathBuf::from("/koi/data/undo.jsonl");
    let log = UndoLogError::Unreadable { path, reason: "it is a directory".to_owned() };

    let error = told(UndoError::Log(log));

    assert_eq!(error.kind, Exit::Configuration);
    assert!(error.message.contains("it is a directory"), "{error}");
}
