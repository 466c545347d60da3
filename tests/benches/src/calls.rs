//! Calls of loaded components through the host's own doors, so with everything that a call of the product has:
//! arguments held against the schema, a fresh store with its limits, the gate, the answer made fit for a model.
//! Only the parts around the host are made up: the journal is in memory, and web servers answer at once.

use std::time::Instant;

use openkoi_core::{
    credential::SecretSource,
    evaluation::Subject,
    evaluators::Evaluators,
    message::{Message, Prompt, Role, ToolCall},
    port::Model,
    toolbox::Toolbox,
};
use openkoi_host::kinds::{
    evaluator::CatalogEvaluators,
    provider::{CatalogModels, ProviderSettings},
};
use openkoi_testing::{Canned, World};

use crate::{
    built_in,
    table::{self, Spread},
};

/// Calls with an instance of their own.
const CALLS: usize = 2_000;
/// Calls of one instance, and how many instances.
const PUSHES: usize = 4_000;
const STREAMS: usize = 40;

/// Component, tool, arguments, what happens, and whether the guest answers with a result or with a failure.
const TOOLS: [(&str, &str, &str, &str, bool); 4] = [
    ("shell", "shell", r#"{"command":" "}"#, "refuses an empty command", false),
    ("web", "fetch_page", r#"{"url":"nothing"}"#, "refuses an address", false),
    ("files", "read_file", r#"{"path":"notes.txt"}"#, "reads a file of one line", true),
    ("search", "find_files", r#"{"glob":"*.txt"}"#, "finds the one file there is", true),
];

/// The beginning and the end of an answer as the server of the provider streams it.
const OPENAI: [&str; 2] = [
    r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Done."},"finish_reason":null}]}

"#,
    r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

"#,
];

/// Prints what calls take.
pub(crate) fn print() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the runtime starts").block_on(async {
        let mut rows = tools().await;
        rows.extend(evaluators().await);
        rows.push(turn().await);
        let head = ["a fresh instance and its call", "µs", "median"];
        table::print(&format!("Components: {CALLS} fresh instances"), head, &rows);
        println!("\nAim: ≤ 50 µs on an idle machine. A turn is five calls of one instance.");

        let head = ["one more call of an instance", "µs", "median"];
        let title = format!("Components: warm calls, {STREAMS} × {PUSHES}");
        table::print(&title, head, &warm().await);
        println!(
            "\nAim: ≤ 2 µs on an idle machine. The only instances that are called again are those of providers, \
             once for each piece of an answer. The figure is the difference of a long and a short answer, by piece."
        );
    });
}

/// Times `call` again and again, `prepare` excluded, in microseconds.
async fn time<T>(runs: usize, prepare: impl Fn() -> T, call: impl AsyncFn(T)) -> Spread {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..=runs {
        let prepared = prepare();
        let begun = Instant::now();
        call(prepared).await;
        times.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    // The first loads the component.
    Spread::of(times.into_iter().skip(1))
}

fn row(what: String, spread: Spread, decimals: usize) -> [String; 3] {
    let [least, median] = spread.cells(decimals);
    [what, least, median]
}

async fn tools() -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for (component, name, arguments, what, answers) in TOOLS {
        let mut world = World::new();
        world.write("notes.txt", "hello\n");
        world.load_built([built_in::one(component)]);
        let toolbox = world.toolbox();
        let (id, name, arguments) = ("call".to_owned(), name.to_owned(), arguments.to_owned());
        let call = ToolCall { id, name, arguments };
        let spread = time(
            CALLS,
            || world.scope(),
            async |scope| {
                let answer = toolbox.call(&call, scope).await;
                assert_eq!(answer.is_ok(), answers, "{answer:?}");
            },
        );
        rows.push(row(format!("tool {component}: {what}"), spread.await, 1));
    }
    rows
}

async fn evaluators() -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for (component, what, answers) in [
        ("rubric", "refuses without a rubric", false),
        ("checks", "looks at an empty workspace", true),
    ] {
        let mut world = World::new();
        world.load_built([built_in::one(component)]);
        let judges = CatalogEvaluators::new(&world.host(), world.workdir(), &[]);
        let judges = judges.expect("the manifest is accepted");
        let subject = Subject { task: "say done".to_owned(), iteration: 1, ..Subject::default() };
        let spread = time(
            CALLS,
            || world.scope(),
            async |scope| {
                let verdict = judges.evaluate(component, &subject, scope).await;
                assert_eq!(verdict.is_ok(), answers, "{verdict:?}");
            },
        );
        rows.push(row(format!("evaluator {component}: {what}"), spread.await, 1));
    }
    rows
}

/// A world with one provider, and its models.
fn provider() -> (World, CatalogModels) {
    let mut world = World::new();
    world.variable("KEY", "k").load_built([built_in::one("openai")]);
    let settings = ProviderSettings {
        base_url: Some("https://api.example.com/v1".to_owned()),
        credential: vec![SecretSource::Variable("KEY".to_owned())],
        ..ProviderSettings::default()
    };
    let models = world.models(settings, "gpt-4.1");
    (world, models)
}

/// An answer whose body has `pieces` more of `piece` in its middle.
fn answer(piece: &str, pieces: usize) -> Canned {
    let [begin, end] = OPENAI;
    let middle = (0..pieces).fold(Canned::ok(begin), |canned, _| canned.chunk(piece));
    middle.chunk(end)
}

async fn ask(models: &CatalogModels) {
    let messages = vec![Message::user("say done")];
    let prompt = Prompt { messages, ..Prompt::default() };
    let turn = models.complete(&Role::new(Role::EXECUTOR), &prompt, &|_| false).await;
    assert!(turn.is_ok(), "{turn:?}");
}

async fn turn() -> [String; 3] {
    let (world, models) = provider();
    let spread = time(CALLS, || world.web().answer(answer("", 0)), async |()| ask(&models).await);
    row("provider openai: a turn, request and answer".to_owned(), spread.await, 1)
}

async fn warm() -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for (piece, what) in [
        (": koi\n\n", "provider openai: takes a comment"),
        (OPENAI[0], "provider openai: takes a piece of text"),
    ] {
        let (world, models) = provider();
        let with = async |pieces: usize| {
            let prepare = || world.web().answer(answer(piece, pieces));
            time(STREAMS, prepare, async |()| ask(&models).await).await
        };
        let (short, long) = (with(0).await, with(PUSHES).await);
        let each = |long: f64, short: f64| (long - short) / PUSHES as f64;
        let (least, median) = (each(long.least, short.least), each(long.median, short.median));
        rows.push(row(what.to_owned(), Spread { least, median }, 2));
    }
    rows
}
