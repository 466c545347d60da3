//! Which model does what: roles, lists, names, pickers and substitutes.

use std::time::Duration;

use openkoi_test_support::{
    Anthropic, Home, Kind, Ollama, OpenAi, Role, Terminal, call, ollama, openai, plan, reply,
    server::Wire, verdict,
};
use serde_json::{Value, json};

use crate::world::{LONG, TASK};

/// A world with two providers, and the one of `model` as the default.
fn two(openai: &OpenAi, anthropic: &Anthropic, model: &str) -> Home {
    let home = Home::new().project(Kind::Shell).provider(openai).provider(anthropic);
    home.env("OPENKOI_MODEL", model)
}

fn fix() -> [openkoi_test_support::Reply; 2] {
    let kind = Kind::Shell;
    [
        call("write_file", json!({ "path": kind.source(), "contents": kind.fix() }))
            .to(Role::Executor)
            .at(0),
        reply("Done.").after("write_file"),
    ]
}

fn listed(home: &Home, arguments: &[&str]) -> Value {
    home.openkoi([&["models", "--json"], arguments].concat()).run().expect_code(0).json()
}

fn model<'a>(list: &'a Value, name: &str) -> &'a Value {
    let models = list["models"].as_array().unwrap();
    let full = |model: &Value| {
        format!("{}/{}", model["provider"].as_str().unwrap(), model["model"].as_str().unwrap())
    };
    models.iter().find(|model| full(model) == name).unwrap_or(&Value::Null)
}

#[test]
fn each_role_is_asked_at_its_own_provider() {
    let openai = OpenAi::start([plan(), verdict(9.0)]);
    let anthropic = Anthropic::start(fix());
    let home = two(&openai, &anthropic, "anthropic/claude-sonnet-4-5")
        .config("[roles]\nplanner = \"openai/gpt-4.1\"\nevaluator = \"openai/o4-mini\"");

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(openai.roles(), [Role::Planner, Role::Evaluator]);
    assert_eq!(openai.turns()[1].body["model"], "o4-mini");
    assert_eq!(anthropic.roles(), [Role::Executor, Role::Executor]);
    openai.finish();
    anthropic.finish();
}

#[test]
fn a_vendor_that_nobody_chose_is_not_sent_the_work_to_judge_it() {
    let [fixed, done] = fix();
    let openai = OpenAi::start([fixed, done, verdict(9.0)]);
    let anthropic = Anthropic::start([]);
    let home = two(&openai, &anthropic, "openai/gpt-4.1");

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(openai.roles().last(), Some(&Role::Evaluator));
    assert!(anthropic.requests().is_empty());
    let status = home.openkoi(["status"]).run().expect_code(0).stdout;
    assert!(status.contains("only if `roles.evaluator` names it"), "{status}");
    openai.finish();
}

#[test]
fn a_substitute_is_paid_at_its_own_price() {
    let dear = [plan(), reply("Hi.")].map(|one| one.tokens(10_000, 1_000, 0).again_and_again());
    let openai = OpenAi::start([openai::quota_used_up().again_and_again()]);
    let anthropic = Anthropic::start(dear.map(openkoi_test_support::Reply::if_asked));
    let home = two(&openai, &anthropic, "openai/gpt-4.1").config(
        "[fallback]\nmodels = [\"anthropic/claude-sonnet-4-5\"]\n\
         [providers.openai.price]\ninput = 0.05\noutput = 0.4\n\
         [providers.anthropic.price]\ninput = 10.0\noutput = 50.0",
    );

    let run = home.openkoi(["say hi", "-i", "0", "--output-format", "json"]).timeout(LONG).run();
    let limited = home.openkoi(["say hi", "-i", "0", "--max-cost", "0.01"]).timeout(LONG).run();

    let record = run.expect_code(0).json();
    assert_eq!(record["total_cost_usd"], json!(0.15), "{record}");
    assert_eq!(limited.code, 6, "{limited}");
    let tasks = home.openkoi(["task", "list", "--json"]).run().expect_code(0).json();
    assert!(tasks.to_string().contains("anthropic/claude-sonnet-4-5"), "{tasks}");
    openai.finish();
}

#[test]
fn a_model_that_is_named_for_a_run_does_all_of_it_and_nobody_else_is_asked_anything() {
    let [fixed, done] = fix();
    let openai = OpenAi::start([fixed, done, verdict(9.0)]);
    let anthropic = Anthropic::start([]);
    let home = two(&openai, &anthropic, "anthropic/claude-sonnet-4-5");

    home.openkoi([TASK, "-m", "openai/gpt-4.1"]).timeout(LONG).run().expect_code(0);

    assert_eq!(openai.roles(), [Role::Executor, Role::Executor, Role::Evaluator]);
    assert_eq!(openai.requests().len(), 3);
    assert_eq!(anthropic.requests().len(), 0);
    openai.finish();
}

#[test]
fn a_role_goes_to_its_substitute_when_its_provider_has_no_credit() {
    let openai = OpenAi::start([openai::quota_used_up().again_and_again()]);
    let anthropic = Anthropic::start([reply("Hi.")]);
    let home = two(&openai, &anthropic, "openai/gpt-4.1")
        .config("[fallback]\nexecutor = [\"anthropic/claude-sonnet-4-5\"]");

    let run = home.openkoi(["say hi", "-i", "0"]).timeout(LONG).run().expect_code(0);

    assert_eq!(run.stdout, "Hi.\n");
    assert!(run.stderr.contains("asking the next provider"), "{run}");
    openai.finish();
    anthropic.finish();
}

#[test]
fn models_are_listed_with_what_they_can_do_and_which_role_they_have() {
    let (openai, anthropic) = (OpenAi::start([]), Anthropic::start([]));
    let home = two(&openai, &anthropic, "openai/gpt-4.1");

    let list = listed(&home, &[]);

    let large = model(&list, "openai/gpt-4.1");
    assert_eq!((&large["listed"], &large["tools"]), (&json!(true), &json!(true)), "{list}");
    assert_eq!(large["cost"], json!({ "input": 2.0, "output": 8.0 }), "{list}");
    assert_eq!(large["roles"], json!(["executor", "planner"]), "{list}");
    assert_eq!(model(&list, "anthropic/claude-sonnet-4-5")["listed"], true, "{list}");
    assert_eq!(list["unavailable"], json!([]));
    assert_eq!((openai.requests().len(), anthropic.requests().len()), (1, 1));

    let claude = listed(&home, &["CLAUDE", "sonnet"]);
    assert!(
        claude["models"].as_array().unwrap().iter().all(|model| model["provider"] == "anthropic")
    );
    let own = listed(&home, &["--provider", "openai"]);
    assert!(own["models"].as_array().unwrap().iter().all(|model| model["provider"] == "openai"));
    assert_eq!(
        (openai.requests().len(), anthropic.requests().len()),
        (1, 1),
        "the lists are fresh"
    );
    let text = home.openkoi(["models", "gpt-4.1"]).run().expect_code(0).stdout;
    assert!(text.contains("openai/gpt-4.1") && text.contains("executor"), "{text}");
}

#[test]
fn a_list_from_before_is_served_when_its_provider_is_gone() {
    let openai = OpenAi::start([]);
    let home = Home::new().provider(&openai);
    listed(&home, &[]);
    openai.finish();

    let list = listed(&home, &["--refresh"]);

    assert_eq!(model(&list, "openai/gpt-4.1")["listed"], true, "{list}");
    assert_eq!(list["unavailable"][0]["provider"], "openai", "{list}");
    let run = home.openkoi(["models"]).run().expect_code(0);
    assert!(!run.stdout.contains("gave no list"), "a fresh list is not asked for again: {run}");
}

#[test]
fn a_provider_that_is_not_there_is_named_with_what_may_have_been_meant() {
    let openai = OpenAi::start([]);
    let home = Home::new().provider(&openai);

    let run = home.openkoi(["models", "--provider", "opena"]).run().expect_code(2);

    assert!(run.stderr.contains("did you mean `openai`?"), "{run}");
    home.openkoi(["models", "--provider", "anthropic"]).run().expect_code(4);
    Home::new().openkoi(["models"]).run().expect_code(4);
}

#[test]
fn a_question_mark_names_the_models_where_nobody_can_pick() {
    let openai = OpenAi::start([]);
    let home = Home::new().provider(&openai);

    let run = home.openkoi(["hi", "-m", "?"]).run().expect_code(2);

    assert!(run.stderr.contains("-m openai/gpt-6.1-sol"), "{run}");
}

#[test]
fn a_question_mark_lets_a_person_pick_a_model() {
    if !Terminal::is_available() {
        return;
    }
    let openai = OpenAi::start([reply("Hi.")]);
    let home = Home::new().provider(&openai);
    listed(&home, &[]);
    let mut terminal = home.openkoi(["say hi", "-i", "0", "-m", "?"]).at_a_terminal();

    terminal.wait_for("pick a model");
    terminal.types("o4");
    terminal.wait_for("openai/o4-mini");
    terminal.types("1");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(openai.turns()[0].body["model"], "o4-mini");
    openai.finish();
}

#[test]
fn a_bare_name_goes_to_the_provider_that_has_it_and_two_are_named() {
    let (openai, anthropic) = (OpenAi::start([]), Anthropic::start([reply("Hi.")]));
    let home = two(&openai, &anthropic, "openai/gpt-4.1");
    // The servers stand in for the vendors, so only what they list is theirs.
    listed(&home, &[]);

    home.openkoi(["say hi", "-i", "0", "-m", "claude-sonnet-4-5"]).run().expect_code(0);
    home.openkoi(["say hi", "-i", "0", "-m", "gpt-4.7-nonesuch"]).run().expect_code(2);

    assert_eq!(anthropic.turns().len(), 1);
}

/// A world in which a server of this machine is where its vendor's own programs look for it.
fn beside(server: &Ollama) -> Home {
    let address = server.base_url().replace("http://", "");
    Home::new().env("OLLAMA_HOST", address)
}

#[test]
fn a_server_of_this_machine_is_used_where_nothing_else_is_connected() {
    let server = Ollama::start([reply("Hi.")]);
    let home = beside(&server);

    let run = home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    assert_eq!(run.stdout, "Hi.\n");
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/tags", "/api/chat"]);
    server.finish();
}

#[test]
fn a_server_of_this_machine_is_not_looked_for_where_something_is_connected_or_named() {
    let (ollama, openai) = (Ollama::start([]), OpenAi::start([reply("Hi.")]));
    // A bare name says nothing of the provider.
    let home = beside(&ollama).provider(&openai).env("OPENKOI_MODEL", "gpt-4.1");

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);
    beside(&ollama).openkoi(["say hi", "-m", "anthropic/x"]).run().expect_code(4);

    assert!(ollama.requests().is_empty());
    openai.finish();
}

#[test]
fn a_conversation_looks_for_models_without_ending() {
    let server = Ollama::start([]);
    let home = beside(&server);
    let model = format!("ollama/{}", ollama::Native::MODEL);

    let run =
        home.openkoi(["chat", "-m", &model]).stdin("/model\n/model nonesuch\n/status\n").run();

    assert!(!run.stderr.contains("openkoi broke"), "{run}");
    assert!(run.said().contains(&model), "{run}");
    server.finish();
}

#[test]
fn a_list_that_is_no_longer_fresh_is_renewed_beside_a_task_and_no_other_is_asked_for() {
    // A task that is over before the list has come ends without it.
    let slow = reply("Hi.").head_after(Duration::from_secs(3));
    let (openai, anthropic) = (OpenAi::start([slow]), Anthropic::start([]));
    let home = two(&openai, &anthropic, "openai/gpt-4.1");
    listed(&home, &["--provider", "openai"]);
    let kept = home.path().join("cache/models/openai.json");
    let fetched_at = || {
        let list: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
        list["fetched_at_ms"].as_u64().unwrap()
    };
    let old = std::fs::read_to_string(&kept).unwrap();
    let old = old.replace(&fetched_at().to_string(), "1000");
    std::fs::write(&kept, old).unwrap();

    home.openkoi(["say hi", "-i", "0"]).run().expect_code(0);

    assert!(fetched_at() > 1_000);
    assert_eq!(anthropic.requests().len(), 0);
    openai.finish();
}
