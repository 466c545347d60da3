//! What every provider has to do.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_core::{
    blob::Blob,
    message::{Part, Prompt, StopReason, Turn},
    model::{ModelError, ModelTrouble},
};
use openkoi_test_support::{
    Reply, call, reply,
    server::{Problem, Wire, reply::Stop},
};
use serde_json::{Value, json};

use crate::peer::{Peer, go_on, prompt};

/// Text with characters of one to four bytes.
const TEXT: &str = "Grüße – „fertig“ 🐟.";

fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::String(text.to_owned()))
}

/// A turn that has everything: text, and two calls at once.
fn rich() -> Reply {
    reply(TEXT)
        .and_call("read_file", json!({ "path": "a – b.txt" }))
        .and_call("shell", json!({ "command": "echo \"{}\"" }))
}

/// What is in a turn, without the ids that a server or a codec makes up.
fn content(turn: &Turn) -> (String, Vec<(String, Value)>, StopReason) {
    let calls = turn.calls();
    let calls = calls.into_iter().map(|call| (call.name.clone(), arguments(&call.arguments)));
    (turn.text(), calls.collect(), turn.stop.clone())
}

fn rich_content() -> (String, Vec<(String, Value)>, StopReason) {
    let calls = vec![
        ("read_file".to_owned(), json!({ "path": "a – b.txt" })),
        ("shell".to_owned(), json!({ "command": "echo \"{}\"" })),
    ];
    (TEXT.to_owned(), calls, StopReason::ToolCalls)
}

async fn refused<W: Wire>(replies: impl IntoIterator<Item = Reply>) -> (ModelError, Peer<W>) {
    let peer = Peer::<W>::start(replies);
    let error = peer.ask(&prompt("hi")).await.expect_err("there is no turn");
    (error, peer)
}

/// Text arrives in pieces, and all of it is in the turn.
pub async fn a_text_is_shown_as_it_arrives_and_becomes_a_turn<W: Wire>() {
    let long = TEXT.repeat(8);
    let peer = Peer::<W>::start([reply(&long).byte_by_byte()]);

    let (turn, pieces) = peer.show(&prompt("hi")).await.expect("it answers");

    assert_eq!((turn.text(), turn.stop), (long.clone(), StopReason::Finished));
    assert!(pieces.len() > 3, "{pieces:?}");
    assert_eq!(pieces.concat(), long);
    assert!(!turn.model.is_empty());
    let request = &peer.server.requests()[0];
    assert!(request.conversation.system.contains("the tests of OpenKoi"), "{}", request.text);
    assert_eq!(request.conversation.tools, ["read_file", "shell"]);
    peer.server.finish();
}

/// A model calls, is answered, calls again: three times, and its server accepts every replay.
pub async fn three_rounds_of_tools_keep_their_ids<W: Wire>() {
    let paths = ["one", "two", "three"];
    let calls = paths.map(|path| call("read_file", json!({ "path": path })));
    let peer = Peer::<W>::start(calls.into_iter().chain([reply("done")]));
    let mut prompt = prompt("read them");

    for path in paths {
        let turn = peer.ask(&prompt).await.expect("it answers");
        assert_eq!(turn.calls().len(), 1);
        assert_eq!(arguments(&turn.calls()[0].arguments), json!({ "path": path }));
        assert_eq!(turn.stop, StopReason::ToolCalls);
        go_on(&mut prompt, &turn, |arguments| format!("contents for {arguments}"));
    }

    assert_eq!(peer.ask(&prompt).await.expect("it answers").text(), "done");
    let last = &peer.server.turns()[3].conversation;
    assert_eq!(last.turns(), 3);
    let results = last.results();
    let said: Vec<&str> = results.iter().map(|result| result.text.as_str()).collect();
    assert_eq!(said.len(), 3);
    for (path, said) in paths.iter().zip(said) {
        assert!(said.contains("contents for") && said.contains(path), "{said}");
    }
    peer.server.finish();
}

/// Calls of one turn have ids of their own, and each result goes back to its call, three rounds long.
pub async fn parallel_calls_are_told_apart<W: Wire>() {
    let round = |number: usize| {
        call("read_file", json!({ "path": format!("a{number}") }))
            .and_call("read_file", json!({ "path": format!("b{number}") }))
            .and_call("shell", json!({ "command": format!("c{number}") }))
    };
    let peer = Peer::<W>::start([round(1), round(2), round(3), reply("done")]);
    let mut prompt = prompt("read them");

    for number in 1..=3 {
        let turn = peer.ask(&prompt).await.expect("it answers");
        let mut ids: Vec<&str> = turn.calls().iter().map(|call| call.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3, "{turn:?}");
        assert!(turn.calls()[1].arguments.contains(&format!("b{number}")), "{turn:?}");
        go_on(&mut prompt, &turn, |arguments| format!("for {arguments}"));
    }

    assert_eq!(peer.ask(&prompt).await.expect("it answers").text(), "done");
    let last = &peer.server.turns()[3].conversation;
    for message in &last.messages {
        for result in &message.results {
            let calls = last.messages.iter().flat_map(|message| &message.calls);
            let mut calls = calls.filter(|call| call.id == result.id);
            let own = calls.next().expect("the call is there");
            assert!(calls.next().is_none(), "{} is there twice", result.id);
            let asked: Value = arguments(&own.arguments);
            let value = asked["path"].as_str().or(asked["command"].as_str()).expect("it has one");
            assert!(result.text.contains(value), "{result:?} answers {own:?}");
        }
    }
    peer.server.finish();
}

/// Tokens read from a cache are part of the input and told apart.
pub async fn tokens_are_counted_as_the_vendor_counts_them<W: Wire>() {
    let peer = Peer::<W>::start([reply("hi").tokens(1_000, 50, 900), reply("hi").tokens(7, 3, 0)]);

    let cached = peer.ask(&prompt("hi")).await.expect("it answers").usage;
    let plain = peer.ask(&prompt("hi")).await.expect("it answers").usage;

    assert_eq!((plain.input, plain.output), (Some(7), Some(3)));
    assert_eq!(cached.output, Some(50));
    if W::CACHES {
        assert_eq!((cached.input, cached.cache_read), (Some(1_000), Some(900)));
    }
    peer.server.finish();
}

/// The limit of tokens, a filter and a refusal are told apart from an answer that is finished.
pub async fn every_stop_has_its_reason<W: Wire>() {
    let stopped = |stop| reply("Once upon").stop(stop);
    let peer = Peer::<W>::start([stopped(Stop::Length), stopped(Stop::Filtered)]);

    let length = peer.ask(&prompt("hi")).await.expect("it answers");
    let filtered = peer.ask(&prompt("hi")).await.expect("it answers");

    assert_eq!((&length.stop, length.text().as_str()), (&StopReason::Length, "Once upon"));
    if W::FILTERS {
        assert!(
            matches!(filtered.stop, StopReason::Filtered | StopReason::Refused),
            "{filtered:?}"
        );
    }
    peer.server.finish();
}

/// Wherever a stream is cut into pieces, the turn is the same.
pub async fn every_cut_gives_the_same_turn<W: Wire>() {
    let length = length_of::<W>(rich()).await;
    let cuts = (0..=length).map(|at| rich().cut_at(at));
    let peer = Peer::<W>::start(cuts.chain([rich().byte_by_byte()]));

    for at in 0..=length + 1 {
        let turn = peer.ask(&prompt("hi")).await.expect("it answers");
        assert_eq!(content(&turn), rich_content(), "cut at {at} of {length}");
    }
    peer.server.finish();
}

/// Wherever a stream ends, a turn is whole: what was cut off is asked for again.
pub async fn no_early_end_passes_for_a_turn<W: Wire>() {
    let length = length_of::<W>(rich()).await;

    let mut peer = Peer::<W>::start([]);
    for at in 0..length {
        peer = peer.again([rich().ends_at(at), rich().if_asked()]);
        let turn = peer.ask(&prompt("hi")).await.unwrap_or_else(|error| panic!("at {at}: {error}"));
        assert_eq!(content(&turn), rich_content(), "ended at {at} of {length}");
    }
    peer.server.finish();
}

async fn length_of<W: Wire>(reply: Reply) -> usize {
    let peer = Peer::<W>::start([reply]);
    peer.ask(&prompt("hi")).await.expect("it answers");
    peer.server.lengths()[0]
}

/// A stream that is cut off every time is an outage, however often it is asked for again.
pub async fn a_stream_that_keeps_ending_early_is_an_outage<W: Wire>() {
    let middle = length_of::<W>(rich()).await / 2;

    for end in [rich().ends_at(middle), rich().breaks_at(middle)] {
        let (error, peer) = refused::<W>([end.again_and_again()]).await;
        assert_eq!(error.kind, ModelTrouble::Unreachable, "{error}");
        peer.server.finish();
    }
}

/// Bytes that are not the vendor's format end in a typed error.
pub async fn a_body_that_is_not_a_stream_is_a_typed_error<W: Wire>() {
    let bodies: [&[u8]; 5] = [
        b"",
        b"<html><body>Welcome</body></html>",
        b"data: {\"choices\": [{]}\n\n",
        b"\x00\x00\x00\xff\xff\xff\xff\xfe\x01\x02",
        b"data: null\n\ndata: 7\n\nevent: what\n\n",
    ];
    for body in bodies {
        let raw = Reply::raw(200, &[("content-type", "text/event-stream")], body);
        let (error, peer) = refused::<W>([raw.again_and_again()]).await;
        let typed = [ModelTrouble::Unreachable, ModelTrouble::Invalid];
        assert!(typed.contains(&error.kind), "{body:?}: {error}");
        peer.server.finish();
    }
}

/// A stream that goes on for ever is ended, and its connection closed.
pub async fn a_stream_without_end_is_ended<W: Wire>() {
    let big = reply(&"never ".repeat(20_000)).without_end().again_and_again();

    let (error, peer) = refused::<W>([big]).await;

    let typed = [ModelTrouble::Unreachable, ModelTrouble::Invalid];
    assert!(typed.contains(&error.kind), "{error}");
    peer.server.finish();
}

/// Whoever stops waiting closes the connection.
pub async fn giving_up_closes_the_connection<W: Wire>() {
    let long = reply(&TEXT.repeat(50));
    let length = length_of::<W>(long.clone()).await;
    let peer = Peer::<W>::start([long.stalls_at(length / 2)]);
    let seen = AtomicUsize::new(0);
    let asked = prompt("hi");
    let shown = |_: openkoi_core::port::Delta<'_>| {
        seen.fetch_add(1, Ordering::SeqCst);
        true
    };
    {
        let mut turn = std::pin::pin!(peer.watch(&asked, &shown));
        while seen.load(Ordering::SeqCst) == 0 {
            let more = tokio::time::timeout(Duration::from_millis(20), &mut turn).await;
            assert!(more.is_err(), "it ended by itself: {more:?}");
        }
        assert_eq!(peer.server.left(), 0);
    }
    let closed = async {
        while peer.server.left() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), closed).await.expect("the connection is closed");
    peer.server.finish();
}

/// Returns the kind that an error of this problem has to have. Some vendors forbid by region, which no key changes.
fn kind_of(problem: Problem, error: &ModelError) -> ModelTrouble {
    match problem {
        Problem::Forbidden if error.message.contains("region") => ModelTrouble::Unreachable,
        _ => kind(problem),
    }
}

fn kind(problem: Problem) -> ModelTrouble {
    match problem {
        Problem::WrongKey | Problem::Forbidden => ModelTrouble::Credentials,
        Problem::Quota => ModelTrouble::Quota,
        Problem::RateLimited => ModelTrouble::RateLimited,
        Problem::Overloaded | Problem::ServerError => ModelTrouble::Unreachable,
        Problem::Overflow => ModelTrouble::Overflow,
        Problem::UnknownModel => ModelTrouble::UnknownModel,
        Problem::BadRequest => ModelTrouble::Invalid,
        Problem::Refused => ModelTrouble::Refused,
    }
}

fn may_pass(problem: Problem) -> bool {
    matches!(kind(problem), ModelTrouble::RateLimited | ModelTrouble::Unreachable)
}

fn is_withheld(turn: &Turn) -> bool {
    turn.parts.is_empty() && matches!(turn.stop, StopReason::Filtered | StopReason::Refused)
}

/// What the vendor says instead of an answer is understood, in one line, without its key.
pub async fn every_problem_has_its_kind<W: Wire>() {
    for problem in Problem::ALL {
        let Some(reply) = W::problem(problem) else { continue };
        let peer = Peer::<W>::start([reply.again_and_again()]);
        let error = match peer.ask(&prompt("hi")).await {
            Err(error) => error,
            // Some vendors refuse by an answer in good order that has nothing in it.
            Ok(turn) if problem == Problem::Refused && is_withheld(&turn) => continue,
            Ok(turn) => panic!("{problem:?} is not a turn: {turn:?}"),
        };
        assert_eq!(error.kind, kind_of(problem, &error), "{problem:?}: {error}");
        assert!(!error.message.contains('\n'), "{problem:?}: {error}");
        assert!(!error.message.contains(W::KEY), "{problem:?}: {error}");
        peer.server.finish();
    }
}

/// A rate limit and an outage are waited for; nothing else is sent twice.
pub async fn what_may_pass_is_asked_again_and_what_may_not_is_not<W: Wire>() {
    for problem in Problem::ALL {
        let Some(trouble) = W::problem(problem) else { continue };
        let peer = Peer::<W>::start([trouble, reply("better").if_asked()]);

        let turn: Result<Turn, ModelError> = peer.ask(&prompt("hi") as &Prompt).await;

        let turns = peer.server.turns().len();
        if may_pass(problem) {
            assert_eq!(turn.expect("it passes").text(), "better", "{problem:?}");
        } else {
            assert_eq!(turns, 1, "{problem:?}");
            assert!(turn.as_ref().map_or(true, is_withheld), "{problem:?}: {turn:?}");
        }
        peer.server.finish();
    }
}

/// Images that a tool gave are sent, documents too where the service takes them, and in the place of anything else
/// there are words: nothing that a tool shows ends a task.
pub async fn what_a_tool_shows_is_looked_at_or_described<W: Wire>() {
    let peer = Peer::<W>::start([call("read_file", json!({ "path": "a.png" })), reply("seen")]);
    let mut prompt = prompt("look");
    let turn = peer.ask(&prompt).await.expect("it answers");
    go_on(&mut prompt, &turn, |_| "attached".to_owned());
    let shown =
        [("image/png", "koi-png"), ("application/pdf", "koi-pdf"), ("image/svg+xml", "koi-svg")];
    let last = prompt.messages.last_mut().expect("the answer of the tool");
    last.parts.extend(shown.map(|(media_type, bytes)| {
        Part::Attachment(Blob { media_type: media_type.to_owned(), bytes: bytes.into() })
    }));

    assert_eq!(peer.ask(&prompt).await.expect("it answers").text(), "seen");

    let sent = &peer.server.turns()[1].text;
    let has = |bytes: &str| sent.contains(&STANDARD.encode(bytes));
    let described = |media_type: &str| sent.contains(&format!("[{media_type}, 7 bytes"));
    assert!(has("koi-png") && !described("image/png"), "{sent}");
    assert!(has("koi-pdf") != described("application/pdf"), "{sent}");
    assert!(!has("koi-svg") && described("image/svg+xml"), "{sent}");
    peer.server.finish();
}

/// An error inside of a good answer is the same error as with a status, in each of the vendor's forms.
pub async fn every_problem_inside_of_a_stream_has_its_kind<W: Wire>() {
    for problem in Problem::ALL {
        for reply in W::in_stream(problem, TEXT) {
            let (error, peer) = refused::<W>([reply.again_and_again()]).await;
            assert_eq!(error.kind, kind_of(problem, &error), "{problem:?}: {error}");
            assert!(!error.message.contains('\n'), "{problem:?}: {error}");
            assert!(!error.message.contains(W::KEY), "{problem:?}: {error}");
            peer.server.finish();
        }
    }
}

/// An error inside of an answer that has said nothing yet is waited for if it may pass, and final if not.
pub async fn what_may_pass_inside_of_a_stream_is_asked_again_and_what_may_not_is_not<W: Wire>() {
    for problem in Problem::ALL {
        for trouble in W::in_stream(problem, "") {
            let peer = Peer::<W>::start([trouble, reply("better").if_asked()]);

            let turn = peer.ask(&prompt("hi")).await;

            if may_pass(problem) {
                assert_eq!(turn.expect("it passes").text(), "better", "{problem:?}");
            } else {
                let error = turn.expect_err("it stays");
                let kind = kind_of(problem, &error);
                assert_eq!((error.kind, peer.server.turns().len()), (kind, 1), "{error}");
            }
            peer.server.finish();
        }
    }
}

/// Text that was shown is never superseded: wherever its stream breaks after that, and however, the turn ends in an
/// error, and all that was shown is kept.
pub async fn what_was_shown_is_kept_and_nobody_is_asked_again<W: Wire>() {
    let length = length_of::<W>(rich()).await;
    let early = [length / 4, length / 2, length - 1].into_iter();
    let cuts = early.flat_map(|at| [rich().ends_at(at), rich().breaks_at(at)]);
    let errors = Problem::ALL.into_iter().flat_map(|problem| W::in_stream(problem, TEXT));

    for broken in cuts.chain(errors) {
        let peer = Peer::<W>::start([broken, rich().if_asked()]);

        let (turn, pieces) = peer.shown(&prompt("hi")).await;

        if !pieces.is_empty() {
            // A stream may lack its last bytes and be whole.
            let text = match &turn {
                Ok(turn) => turn.text(),
                Err(error) => error.received.as_ref().expect("it is kept").text(),
            };
            assert_eq!((text, peer.server.turns().len()), (pieces.concat(), 1), "{turn:?}");
        }
        peer.server.finish();
    }
}

/// What nobody was shown is asked for again, and what arrived of it is counted.
pub async fn what_nobody_was_shown_is_begun_anew_and_counted<W: Wire>() {
    for broken in W::in_stream(Problem::ServerError, TEXT) {
        let peer = Peer::<W>::start([broken, reply("better").tokens(100, 20, 0)]);

        let turn = peer.ask(&prompt("hi")).await.expect("it passes");

        assert_eq!(turn.text(), "better");
        assert!(turn.usage.input > Some(100) && turn.usage.output > Some(20), "{:?}", turn.usage);
        peer.server.finish();
    }
}

/// The vendor's list has the model, by the id that it is asked for.
pub async fn the_models_are_listed<W: Wire>() {
    let peer = Peer::<W>::start([]);

    let models = peer.list().await.expect("it lists");

    assert!(models.iter().any(|model| model.id == W::MODEL), "{models:?}");
    assert_eq!(peer.server.requests().len(), 1);
    peer.server.finish();
}
