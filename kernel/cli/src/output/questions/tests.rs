use super::*;

fn choices() -> Vec<Choice> {
    [("abc1", "fix the login bug"), ("def2", "write\ndocs")]
        .map(|(argument, description)| Choice {
            argument: argument.into(),
            description: description.into(),
        })
        .into()
}

fn answer(typed: &str) -> (Option<String>, String) {
    let mut screen = Vec::new();
    let picked = ask_for_one("session", &choices(), &mut typed.as_bytes(), &mut screen, &|| false);
    (picked.unwrap(), String::from_utf8(screen).unwrap())
}

#[test]
fn a_number_picks_and_a_wrong_one_is_asked_again() {
    let (picked, screen) = answer("7\n0\n99999999999999999999\n\u{e9}\ne\n2\n");

    assert_eq!(picked.as_deref(), Some("def2"));
    assert_eq!(screen.matches("pick a session").count(), 6);
    assert!(screen.contains("none has that in its name"), "{screen}");
    assert!(screen.contains("  2  def2  write docs\n"), "{screen}");
}

#[test]
fn what_is_typed_unseen_can_be_taken_back_and_given_up() {
    assert_eq!(unseen(&b"sk-2\x7f1\nrest"[..]).unwrap(), "sk-1");
    assert_eq!(unseen(&b"wrong\x15right"[..]).unwrap(), "right");
    for key in [b"sk-\x03", b"sk-\x1b"] {
        assert_eq!(unseen(&key[..]).unwrap_err().kind, Exit::Interrupted);
    }
}

#[test]
fn a_part_of_a_name_narrows_the_choices() {
    let (picked, screen) = answer("LOGIN\n1\n");

    assert_eq!(picked.as_deref(), Some("abc1"));
    assert!(screen.ends_with("leave):   1  abc1  fix the login bug\npick a session (number, part of a name, or nothing to leave): "), "{screen}");
    assert_eq!(answer("def2\n").0.as_deref(), Some("def2"));
}

#[test]
fn of_many_choices_some_are_shown_and_all_can_be_found() {
    let many: Vec<Choice> = (1..=45)
        .map(|n| Choice { argument: format!("model-{n}"), description: String::new() })
        .collect();
    let mut screen = Vec::new();

    let picked = ask_for_one("model", &many, &mut "l-44\n1\n".as_bytes(), &mut screen, &|| false);

    let screen = String::from_utf8(screen).unwrap();
    assert_eq!(picked.unwrap().as_deref(), Some("model-44"));
    assert!(
        screen.contains(" 20  model-20  \n     and 25 more: type a part of the name\n"),
        "{screen}"
    );
}

#[test]
fn nothing_or_the_end_of_input_picks_nothing() {
    assert_eq!(answer("\n").0, None);
    assert_eq!(answer("").0, None);
}

#[test]
fn esc_leaves_a_question_and_a_key_that_begins_like_it_has_it_asked_again() {
    let typed = "ab\x1b2\n";
    let asked = |is_other_key: bool| {
        let mut screen = Vec::new();
        let is_other_key = || is_other_key;
        let said = ask("which? ", &mut typed.as_bytes(), &mut screen, &is_other_key).unwrap();
        (said, String::from_utf8(screen).unwrap())
    };
    assert_eq!(asked(false), (None, "which? \n".to_owned()));
    assert_eq!(asked(true), (Some("2".to_owned()), "which? \nwhich? ".to_owned()));
}

#[test]
fn an_interrupt_at_a_question_ends_the_command() {
    let error = ask("which? ", &mut &b"1\x03\n"[..], &mut Vec::new(), &|| false).unwrap_err();

    assert_eq!(error.kind, Exit::Interrupted);
}

#[test]
fn without_a_terminal_the_choices_are_named() {
    let prompt = Questions { interactive: false };

    let error = prompt.pick("session", "openkoi session show", &choices()).unwrap_err();

    assert_eq!(error.kind, Exit::Usage);
    assert_eq!(
        error.hints,
        [
            "openkoi session show abc1   (fix the login bug)",
            "openkoi session show def2   (write docs)",
        ]
    );
}

#[test]
fn a_choice_without_a_description_is_a_line_to_paste_alone() {
    let choices = [Choice { argument: "koi/swim".into(), description: String::new() }];

    let error = Questions::of_nobody().pick("model", "-m", &choices).unwrap_err();

    assert_eq!(error.hints, ["-m koi/swim"]);
}

#[test]
fn without_a_terminal_at_most_twenty_choices_are_named() {
    let many: Vec<Choice> =
        (1..=45).map(|n| Choice { argument: format!("m{n}"), description: "x".into() }).collect();

    let error = Questions::of_nobody().pick("model", "-m", &many).unwrap_err();

    assert_eq!(error.hints.len(), 20);
    assert_eq!(error.hints[19], "-m m20   (x)");
}

#[test]
fn where_there_is_nothing_to_pick_nobody_is_asked() {
    for prompt in [Questions { interactive: false }, Questions { interactive: true }] {
        let error = prompt.pick("session", "openkoi session show", &[]).unwrap_err();

        assert_eq!(error, CommandError::usage("there is no session yet"));
    }
}

#[test]
fn a_question_that_nobody_can_answer_names_the_flag_that_does() {
    let error = Questions::of_nobody().confirm("delete it?", "openkoi rm --yes").unwrap_err();

    let message = "delete it? (there is no terminal to answer on)";
    let expected = CommandError::new(Exit::NeedsApproval, message);
    assert_eq!(error, expected.hint("openkoi rm --yes"));
}

#[test]
fn nothing_secret_is_asked_for_where_nobody_sits() {
    let error = Questions::of_nobody().hidden("key: ").unwrap_err();

    assert_eq!(error, CommandError::usage("there is no terminal to ask on"));
}

#[test]
fn the_whole_argument_picks_even_if_others_contain_it() {
    let two = ["swim", "swim-large"]
        .map(|name| Choice { argument: name.to_owned(), description: String::new() });
    let mut screen = Vec::new();

    let picked = ask_for_one("model", &two, &mut "large\n1\n".as_bytes(), &mut screen, &|| false);

    assert_eq!(picked.unwrap().as_deref(), Some("swim-large"));
    assert_eq!(
        String::from_utf8(screen).unwrap(),
        "  1  swim  \n  2  swim-large  \n\
         pick a model (number, part of a name, or nothing to leave):   1  swim-large  \n\
         pick a model (number, part of a name, or nothing to leave): "
    );
}

#[test]
fn a_choice_cannot_drive_the_terminal() {
    let odd = [Choice { argument: "a\x1b[2J".into(), description: "b\n  2  c\x07".into() }];
    let mut screen = Vec::new();

    let picked = ask_for_one("model", &odd, &mut "".as_bytes(), &mut screen, &|| false);

    assert_eq!(picked.unwrap(), None);
    assert_eq!(
        String::from_utf8(screen).unwrap(),
        "  1  a\\x1b[2J  b   2  c\\x07\n\
         pick a model (number, part of a name, or nothing to leave): "
    );
}

#[test]
fn every_key_that_ends_a_line_ends_a_secret() {
    for end in ["\r", "\n", "\u{4}", ""] {
        let typed = format!("sk-1{end}more");
        let expected = if end.is_empty() { "sk-1more" } else { "sk-1" };
        assert_eq!(unseen(typed.as_bytes()).unwrap(), expected);
    }
    assert_eq!(unseen(&b"\xff"[..]).unwrap_err(), CommandError::usage("that is not text"));
    assert_eq!(unseen(&b"\x08\x7fa"[..]).unwrap(), "a", "there was nothing to take back");
}
