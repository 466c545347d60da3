//! A conversation at a terminal.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_test_support::{Home, OpenAi, Role, Terminal, call, reply, skip::skip, turn, verdict};
use serde_json::json;

use crate::world::scripted;

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n of a carp";
const OTHER: &[u8] = b"\x89PNG\r\n\x1a\n of a pond";

/// What the terminal says where a message is due.
const PROMPT: &str = "koi> ";

/// Starts a conversation whose model says `Hello back.` to everything.
fn talk(name: &str) -> Option<(Home, Terminal)> {
    if !Terminal::is_available() {
        skip(name, "no `script` to make a terminal with");
        return None;
    }
    let home = scripted([turn().executor().say("Hello back.")])
        .file("notes.txt", "the pond is deep\n")
        .env("NO_COLOR", "1")
        .env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    let greeting = terminal.wait_for(PROMPT);
    assert!(greeting.contains("Model ") && greeting.contains("Session "), "{greeting}");
    Some((home, terminal))
}

#[test]
fn commands_are_completed_and_misspelt_ones_are_named() {
    let name = "commands_are_completed_and_misspelt_ones_are_named";
    let Some((_home, mut terminal)) = talk(name) else { return };

    terminal.types("/sta\t");
    let status = terminal.wait_for("0 messages");
    assert!(status.contains("Model "), "{status}");
    terminal.wait_for(PROMPT);
    terminal.types("/modle");
    assert!(terminal.wait_for("hint: /model").contains("there is no command `/modle`"));
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
}

#[test]
fn a_mentioned_file_is_sent_and_one_outside_is_not() {
    let name = "a_mentioned_file_is_sent_and_one_outside_is_not";
    let Some((home, mut terminal)) = talk(name) else { return };

    terminal.types("what says @no\t");
    terminal.wait_for("Done.");
    terminal.wait_for(PROMPT);
    terminal.types("and @/etc/passwd");
    terminal.wait_for("is outside of this directory; nothing was sent");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());

    let tasks = home.openkoi(["task", "list", "--json"]).run().expect_code(0).stdout;
    assert!(tasks.contains("the pond is deep"), "{tasks}");
    assert!(!tasks.contains("root:"), "{tasks}");
}

/// Starts a conversation and sends a message whose answer does not end. Returns when the model is being asked.
fn in_a_turn(name: &str, replies: usize) -> Option<(OpenAi, Home, Terminal)> {
    if !Terminal::is_available() {
        skip(name, "no `script` to make a terminal with");
        return None;
    }
    let hangs = reply("It goes on and on.").stalls_at(40);
    let more = (1..replies).map(|_| reply("Heard."));
    let server = OpenAi::start(std::iter::once(hangs).chain(more));
    let home = Home::new().provider(&server).env("NO_COLOR", "1").env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for(PROMPT);
    terminal.types("tell me");
    server.wait_for_requests(1);
    Some((server, home, terminal))
}

#[test]
fn esc_stops_the_turn_and_what_was_typed_meanwhile_is_there_to_be_sent() {
    let name = "esc_stops_the_turn_and_what_was_typed_meanwhile_is_there_to_be_sent";
    let Some((server, _home, mut terminal)) = in_a_turn(name, 2) else { return };

    terminal.types("the next thing");
    terminal.wait_for("next: the next thing");
    terminal.presses("\u{1b}");
    terminal.wait_for("the task was cancelled");
    terminal.wait_for(PROMPT);
    terminal.types(", if you please");
    terminal.wait_for("Heard.");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let asked = format!("{:?}", server.turns().last());
    assert!(asked.contains("the next thing, if you please"), "{asked}");
    server.finish();
}

#[test]
fn what_is_typed_while_it_works_is_read_with_the_next_result_and_commands_wait() {
    let name = "what_is_typed_while_it_works_is_read_with_the_next_result_and_commands_wait";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let home = Home::new();
    let gate = home.root().join("gate");
    std::fs::create_dir(&gate).unwrap();
    // It goes on when somebody has put a file into a directory that programs may read.
    let wait = format!("until [ -e {0}/open ]; do sleep 0.05; done; echo opened", gate.display());
    let server = OpenAi::start([
        call("shell", json!({ "command": wait })).on("tell me"),
        reply("With tabs, then.").after("shell"),
        reply("As before.").on("and now"),
    ]);
    let home = home
        .config(&format!("[sandbox]\nread = [{:?}]\n", gate.display().to_string()))
        .provider(&server)
        .env("NO_COLOR", "1")
        .env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for(PROMPT);
    terminal.types("tell me");
    server.wait_for_requests(1);

    terminal.types("use tabs");
    terminal.wait_for("next: use tabs");
    terminal.types("/tools");
    terminal.wait_for("next: /tools");
    std::fs::write(gate.join("open"), "").unwrap();
    terminal.wait_for("told: use tabs");
    terminal.wait_for("With tabs, then.");
    terminal.wait_for("read_file");
    terminal.wait_for(PROMPT);
    terminal.types("and now?");
    terminal.wait_for("As before.");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let turns = server.turns();
    let said = |turn: usize| format!("{:?}", turns[turn]).contains("use tabs");
    assert_eq!((turns.len(), said(0), said(1)), (3, false, true));
    assert!(said(2), "what was said meanwhile belongs to the conversation");
    server.finish();
}

#[test]
fn a_picture_is_shown_by_its_path_and_stays_in_the_conversation() {
    let name = "a_picture_is_shown_by_its_path_and_stays_in_the_conversation";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let server = OpenAi::start([
        reply("A carp.").on("what is @carp.png"),
        reply("Another one.").on("and this"),
    ]);
    let home = Home::new().file("carp.png", PICTURE).user_file("My Pond.png", OTHER);
    let home = home.provider(&server).env("NO_COLOR", "1").env("TERM", "xterm");
    let pasted = home.user().join("My Pond.png");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for(PROMPT);
    terminal.types("what is @carp.png?");
    terminal.wait_for("A carp.");
    terminal.wait_for(PROMPT);
    terminal.types(&format!("and this? '{}'", pasted.display()));
    terminal.wait_for("Another one.");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let turns = server.turns();
    let shows = |turn: usize, bytes: &[u8]| turns[turn].text.contains(&STANDARD.encode(bytes));
    assert_eq!((shows(0, PICTURE), shows(0, OTHER)), (true, false));
    assert_eq!((shows(1, PICTURE), shows(1, OTHER)), (true, true));
    server.finish();
}

#[test]
fn a_conversation_goes_on_with_its_summary_and_all_of_it_can_be_brought_back() {
    let name = "a_conversation_goes_on_with_its_summary_and_all_of_it_can_be_brought_back";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let server = OpenAi::start([
        reply("The pond is deep.").on("how deep"),
        reply("You asked how deep the pond is: deep.").on("Sum up our conversation"),
        reply("As I said, deep.").on("and how wide"),
    ]);
    let home = Home::new().provider(&server).env("NO_COLOR", "1").env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for(PROMPT);

    terminal.types("/compact");
    terminal.wait_for("nothing was said yet");
    terminal.wait_for(PROMPT);
    terminal.types("how deep is it?");
    terminal.wait_for("The pond is deep.");
    terminal.wait_for(PROMPT);
    terminal.types("/compact");
    let told = terminal.wait_for("brings back all that was said");
    terminal.wait_for(PROMPT);
    terminal.types("and how wide?");
    terminal.wait_for("As I said, deep.");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let last = server.turns().pop().unwrap();
    assert!(
        last.text.contains("You asked how deep the pond is")
            && !last.text.contains("how deep is it?")
    );
    let before = told.split("/resume ").nth(1).and_then(|rest| rest.split('`').next());
    let whole = home.openkoi(["session", "show", before.unwrap_or_default()]).run().expect_code(0);
    assert!(whole.stdout.contains("how deep is it?"), "{whole}");
    server.finish();
}

#[test]
fn a_conversation_goes_back_to_before_a_message_with_the_files_and_what_was_said() {
    let name = "a_conversation_goes_back_to_before_a_message_with_the_files_and_what_was_said";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let writes = |path: &str| call("write_file", json!({ "path": path, "contents": "koi\n" }));
    let server = OpenAi::start([
        writes("one.txt").to(Role::Executor).on("the first pond").at(0),
        reply("One is dug.").on("the first pond").after("write_file"),
        writes("two.txt").to(Role::Executor).on("the second pond").at(1),
        reply("Two is dug.").on("the second pond").after("write_file"),
        reply("Not dug.").on("the second pond, on paper"),
        verdict(9.0).again_and_again(),
    ]);
    let home = Home::new().provider(&server).env("NO_COLOR", "1").env("TERM", "xterm");
    let mut terminal = home.openkoi(["chat"]).at_a_terminal();
    terminal.wait_for(PROMPT);

    terminal.types("/rewind 1");
    terminal.wait_for("there is no message to go back to");
    terminal.wait_for(PROMPT);
    terminal.types("dig the first pond");
    terminal.wait_for("One is dug.");
    terminal.wait_for(PROMPT);
    terminal.types("dig the second pond");
    terminal.wait_for("Two is dug.");
    terminal.wait_for(PROMPT);
    terminal.types("/rewind");
    terminal.wait_for("1  dig the first pond · 1 file");
    terminal.wait_for(PROMPT);
    terminal.types("/rewind 3");
    terminal.wait_for("1 to 2");
    terminal.wait_for(PROMPT);
    terminal.types("/rewind 2");
    terminal.wait_for("brings back all that was said");
    terminal.wait_for("koi> dig the second pond");
    assert!(home.has("one.txt") && !home.has("two.txt"));
    terminal.types(", on paper");
    terminal.wait_for("Not dug.");
    terminal.wait_for(PROMPT);
    terminal.types("/undo");
    terminal.wait_for("no task has changed anything");
    terminal.wait_for(PROMPT);
    terminal.types("/exit");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let last = server.turns().pop().unwrap();
    assert!(last.text.contains("One is dug.") && !last.text.contains("Two is dug."));
    assert!(last.text.contains("dig the second pond, on paper"));
    server.finish();
}
