use openkoi_app::models::{EMBEDDER, Route, Routes};
use openkoi_core::{event::Event, ledger::Reservation, outcome::Ending};
use serde_json::{Value, json};

use super::*;
use crate::testing::{
    InJson, MINUTE, NOW, World, append, finish, narrow, outcome, record, task_json, text,
};

fn routes() -> Routes {
    let route = |model: &str| Route { provider: "koi".to_owned(), model: model.to_owned() };
    let mut routes = Routes::default();
    for role in ["planner", "executor", "evaluator", "small"] {
        let model = if role == "small" { "swim" } else { "dive" };
        routes.roles.insert(role.to_owned(), vec![route(model)]);
        routes.origins.insert(role.to_owned(), "default".to_owned());
    }
    routes.roles.get_mut("executor").unwrap().push(route("wade"));
    routes
}

fn report() -> StatusReport {
    StatusReport {
        home: "/koi".to_owned(),
        data: "/koi/data".to_owned(),
        spent: Spent {
            today: Total { turns: 3, tokens: 12_345, cost_micros: 34_000, at_most: false },
            roles: vec![(
                EMBEDDER.to_owned(),
                Total { turns: 2, tokens: 80, cost_micros: 100, at_most: false },
            )],
            all: Total { turns: 41, tokens: 2_500_000, cost_micros: 12_340_000, at_most: false },
            why: None,
        },
        counts: vec![(TaskStatus::Running, 1), (TaskStatus::Accepted, 12)],
        open: vec![
            (record("42", "fix it\nwell"), true),
            (record("43", "write \x1b[2Jdocs"), false),
        ],
        models: Ok(routes()),
        skills: SkillCount { tasks: 1, evaluators: 6, broken: 0, active: Vec::new() },
        sandbox: SandboxState::Off,
    }
}

fn sandboxed(available: bool, network: bool, files: Option<&str>) -> SandboxState {
    let report = SandboxReport {
        available,
        files: files.map(str::to_owned),
        network,
        scopes: true,
        notes: vec!["one thing".to_owned(), "another".to_owned()],
    };
    SandboxState::On(report, NetworkRules::Closed)
}

#[test]
fn the_report_has_home_costs_models_and_tasks() {
    assert_eq!(
        text(&report()),
        "home         /koi\n\
         data         /koi/data\n\
         sandbox      off, because the configuration says so\n\
         skills       1 for tasks, 6 for evaluation\n\
         \n\
         Cost\n\
         today        $0.0340 (12.3k tokens in 3 turns)\n\
         for vectors  $0.0001 (80 tokens in 2 turns)\n\
         total        $12.34 (2.5M tokens in 41 turns)\n\
         \n\
         Models\n\
         planner      koi/dive   (default)\n\
         executor     koi/dive, then koi/wade   (default)\n\
         evaluator    koi/dive   (default)\n\
         small        koi/swim   (default)\n\
         \n\
         Tasks\n\
         1 running, 12 accepted\n\
         00000042 runs: fix it\n\
         00000043 waits: write \\x1b[2Jdocs   (openkoi resume 00000043)\n"
    );
}

#[test]
fn fields_are_not_cut_on_a_narrow_terminal() {
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(narrow(&report())), words(text(&report())));
}

#[test]
fn the_report_for_programs_has_exact_numbers_and_whole_tasks() {
    let mut runs = task_json(&record("42", "fix it\nwell"));
    runs["runs"] = true.into();
    let mut waits = task_json(&record("43", "write \x1b[2Jdocs"));
    waits["runs"] = false.into();
    let model = |name: &str| json!({ "model": name, "fallback": [], "origin": "default" });
    let mut executor = model("koi/dive");
    executor["fallback"] = json!(["koi/wade"]);

    assert_eq!(
        report().json(),
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "home": "/koi",
            "data": "/koi/data",
            "sandbox": { "mode": "off" },
            "skills": { "task": 1, "evaluator": 6, "unreadable": 0, "active": [] },
            "cost": {
                "today":
                    { "cost_usd": 0.034, "cost_is_at_most": false, "tokens": 12_345, "turns": 3 },
                "today_by_role": { "embedder":
                    { "cost_usd": 0.0001, "cost_is_at_most": false, "tokens": 80, "turns": 2 } },
                "total":
                    { "cost_usd": 12.34, "cost_is_at_most": false, "tokens": 2_500_000, "turns": 41 },
                "is_at_most_because": null,
            },
            "models": {
                "planner": model("koi/dive"),
                "executor": executor,
                "evaluator": model("koi/dive"),
                "small": model("koi/swim"),
            },
            "tasks": { "counts": { "running": 1, "accepted": 12 }, "open": [runs, waits] },
        })
    );
}

#[test]
fn without_a_model_the_reason_and_the_ways_on_stand_in_its_place() {
    let error = CommandError::new(Exit::Credentials, "no provider is connected")
        .hint("openkoi connect koi");
    let report = StatusReport {
        models: Err(error),
        counts: Vec::new(),
        open: Vec::new(),
        skills: SkillCount { tasks: 0, evaluators: 6, broken: 2, active: Vec::new() },
        ..report()
    };

    let text = text(&report);

    assert!(text.contains("\nskills       0 for tasks, 6 for evaluation, 2 that cannot be read\n"));
    assert!(
        text.ends_with(
            "\nModels\nno provider is connected\n  openkoi connect koi\n\nTasks\nnone yet\n"
        ),
        "{text}"
    );
    assert_eq!(report.json()["models"], json!({ "error": "no provider is connected" }));
    assert_eq!(report.json()["tasks"], json!({ "counts": {}, "open": [] }));
}

#[test]
fn the_sandbox_is_told_by_what_it_confines() {
    let whole = sandboxed(true, true, Some("Landlock ABI 6"));
    let open = sandboxed(true, false, None);
    let missing = sandboxed(false, false, None);
    let SandboxState::On(report_of_asking, _) = sandboxed(true, true, None) else { return };
    let asked = SandboxState::On(report_of_asking, NetworkRules::Ask);

    let words = [whole, open, missing, asked].map(|sandbox| {
        let report = StatusReport { sandbox, ..report() };
        text(&report).lines().nth(2).unwrap().to_owned()
    });

    assert_eq!(
        words,
        [
            "sandbox      on (Landlock ABI 6, network closed)",
            "sandbox      on (files, network open)",
            "sandbox      missing: programs are not started (one thing; another)",
            "sandbox      on (files, hosts asked about)",
        ]
    );
}

#[test]
fn the_sandbox_for_programs_names_what_is_missing() {
    let report =
        StatusReport { sandbox: sandboxed(false, true, Some("Landlock ABI 1")), ..report() };

    assert_eq!(
        report.json()["sandbox"],
        json!({
            "mode": "on",
            "available": false,
            "files": "Landlock ABI 1",
            "network_closed": true,
            "network": "network closed",
            "notes": ["one thing", "another"],
        })
    );
}

fn turn(cost_micros: u64, tokens: u64) -> Event {
    let usage = json!({
        "input": tokens, "output": 0, "cache_read": null, "cache_write": null, "reasoning": null,
    });
    let event = json!({
        "event": "turn.finished", "role": "executor", "model": "koi/large",
        "result": { "Ok": { "parts": [], "stop": "finished", "model": "large", "usage": usage } },
        "spent": Reservation { tokens, cost_micros, at_most: false },
    });
    serde_json::from_value(event).unwrap()
}

fn document(report: &StatusReport) -> Value {
    report.json()
}

#[test]
fn a_home_without_a_task_spent_nothing_and_looking_creates_nothing() {
    let world = World::new();

    let report = StatusReport::of(&world.context()).unwrap();

    let nothing = json!({ "cost_usd": 0.0, "cost_is_at_most": false, "tokens": 0, "turns": 0 });
    let document = document(&report);
    assert_eq!(
        document["cost"],
        json!({ "today": nothing, "today_by_role": {}, "total": nothing, "is_at_most_because": null })
    );
    assert_eq!(document["tasks"], json!({ "counts": {}, "open": [] }));
    assert_eq!(world.placed(&report.home), "/world/home");
    assert_eq!(world.placed(&report.data), "/world/home/data");
    assert!(!world.home().join("data").exists());
}

#[test]
fn what_today_cost_is_told_from_what_all_cost() {
    let world = World::new();
    let storage = world.storage();
    let task = world.begin(&storage, "42", "5e", "fix it");
    append(&storage, &task, "i1/t0", NOW - 25 * 60 * MINUTE, turn(1_000_000, 10));
    append(&storage, &task, "i1/t1", NOW, turn(500_000, 5));

    let report = StatusReport::of(&world.context()).unwrap();

    assert_eq!(
        document(&report)["cost"],
        json!({
            "today": { "cost_usd": 0.5, "cost_is_at_most": false, "tokens": 5, "turns": 1 },
            "today_by_role": { "executor":
                { "cost_usd": 0.5, "cost_is_at_most": false, "tokens": 5, "turns": 1 } },
            "total": { "cost_usd": 1.5, "cost_is_at_most": false, "tokens": 15, "turns": 2 },
            "is_at_most_because": null,
        })
    );
}

#[test]
fn tasks_are_counted_by_status_and_those_that_can_go_on_are_named() {
    let world = World::new();
    let storage = world.storage();
    world.ended(&storage, "1", "5e51", "done");
    let stopped = world.begin(&storage, "2", "5e52", "stopped");
    finish(&storage, &stopped, outcome(Ending::Exhausted, ""));
    let paused = world.begin(&storage, "3", "5e53", "waits");
    append(
        &storage,
        &paused,
        "end",
        NOW,
        Event::TaskPaused { reason: "waits".to_owned(), cause: None, outcome: None },
    );
    world.begin(&storage, "4", "5e54", "runs");

    let report = StatusReport::of(&world.context()).unwrap();

    let text = text(&report);
    assert_eq!(
        text.rsplit_once("\n\n").unwrap().1,
        "Tasks\n\
         1 running, 1 accepted, 1 stopped, 1 paused\n\
         00000004 runs: runs\n\
         00000003 waits: waits   (openkoi resume 00000003)\n"
    );
}

#[test]
fn at_most_five_tasks_that_can_go_on_are_named() {
    let world = World::new();
    let storage = world.storage();
    for tail in ["1", "2", "3", "4", "5", "6"] {
        let task = world.begin(&storage, tail, tail, "waits");
        append(
            &storage,
            &task,
            "end",
            NOW,
            Event::TaskPaused { reason: "waits".to_owned(), cause: None, outcome: None },
        );
    }

    let report = StatusReport::of(&world.context()).unwrap();

    assert_eq!(report.counts, [(TaskStatus::Paused, 6)]);
    let named: Vec<&str> = report.open.iter().map(|(task, _)| task.id.short()).collect();
    assert_eq!(named, ["00000006", "00000005", "00000004", "00000003", "00000002"]);
}

#[test]
fn without_a_provider_the_status_is_shown_all_the_same() {
    let world = World::new();

    let report = StatusReport::of(&world.context()).unwrap();

    assert_eq!(report.models.as_ref().unwrap_err().kind, Exit::Credentials);
}

#[test]
fn the_configured_model_does_every_role() {
    let world = World::new();
    let context = world.context_with([("OPENKOI_MODEL", "scripted/demo")]);

    let report = StatusReport::of(&context).unwrap();

    let role = json!({ "model": "scripted/demo", "fallback": [], "origin": "OPENKOI_MODEL" });
    let roles = ["planner", "executor", "evaluator", "small"];
    let expected: serde_json::Map<_, _> =
        roles.iter().map(|name| ((*name).to_owned(), role.clone())).collect();
    assert_eq!(report.json()["models"], Value::Object(expected));
}
