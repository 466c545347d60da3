//! The components under test, built and compiled once.

use std::{path::PathBuf, sync::OnceLock};

use openkoi_core::failure::Failure;
use openkoi_host::catalog::Catalog;
use openkoi_testing::{World, build, build_example};

/// Returns the folder of the repository.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn folder() -> PathBuf {
    repository().join("tests/guests")
}

/// Returns the bytes of the misbehaving tool.
pub(crate) fn guests() -> Vec<u8> {
    build(folder(), "openkoi-guests").expect("it builds")
}

/// Returns the bytes of the provider whose wire format is lines.
pub(crate) fn codec() -> Vec<u8> {
    example("codec")
}

fn one(wasm: &[u8]) -> Catalog {
    Catalog::default().with_component(wasm).expect("the guest is accepted").0
}

/// Returns a world with the misbehaving tool.
pub(crate) fn tool_world() -> World {
    static TOOL: OnceLock<Catalog> = OnceLock::new();
    let tool = TOOL.get_or_init(|| one(&guests()));
    World::of(tool.clone())
}

/// Returns a world whose misbehaving tool may send requests to this port of loopback.
pub(crate) fn tool_world_at(port: u16) -> World {
    World::of(one(&at_ports(guests(), &[(10_443, port)])))
}

/// Returns the tool with keys, with these ports of loopback in the places of those in its manifest.
pub(crate) fn service_at(ports: &[(u16, u16)]) -> Catalog {
    one(&at_ports(example("service"), ports))
}

/// Puts ports in the places of others. The manifest lies in the component as text; a number of as many digits changes no
/// length.
fn at_ports(mut wasm: Vec<u8>, ports: &[(u16, u16)]) -> Vec<u8> {
    let text = |port: u16| format!("127.0.0.1:{port}").into_bytes();
    let found: Vec<(usize, Vec<u8>)> = ports
        .iter()
        .flat_map(|(from, to)| {
            let (from, to) = (text(*from), text(*to));
            assert_eq!(from.len(), to.len(), "ports that are given out have five digits");
            let places: Vec<usize> =
                (0..wasm.len()).filter(|at| wasm[*at..].starts_with(&from)).collect();
            assert!(!places.is_empty(), "the manifest names the port");
            places.into_iter().map(move |place| (place, to.clone()))
        })
        .collect();
    for (place, text) in found {
        wasm[place..place + text.len()].copy_from_slice(&text);
    }
    wasm
}

/// Returns a world with the provider whose wire format is lines.
pub(crate) fn provider_world() -> World {
    static CODEC: OnceLock<Catalog> = OnceLock::new();
    World::of(CODEC.get_or_init(|| one(&codec())).clone())
}

/// Returns a world with the evaluator that returns the verdict its task names.
pub(crate) fn evaluator_world() -> World {
    static JUDGE: OnceLock<Catalog> = OnceLock::new();
    World::of(JUDGE.get_or_init(|| one(&example("judge"))).clone())
}

/// Returns a world with the learner that does what the text of a task says.
pub(crate) fn learner_world() -> World {
    static SCHOLAR: OnceLock<Catalog> = OnceLock::new();
    World::of(SCHOLAR.get_or_init(|| one(&example("scholar"))).clone())
}

/// Returns a world with the agency that does what the text of a motion says.
pub(crate) fn agency_world() -> World {
    static COUNCILLOR: OnceLock<Catalog> = OnceLock::new();
    World::of(COUNCILLOR.get_or_init(|| one(&example("councillor"))).clone())
}

/// Returns a world with the view that shows what its argument says.
pub(crate) fn view_world() -> World {
    static WINDOW: OnceLock<Catalog> = OnceLock::new();
    World::of(WINDOW.get_or_init(|| one(&example("window"))).clone())
}

fn example(name: &str) -> Vec<u8> {
    build_example(folder(), "openkoi-guests", name).expect("it builds")
}

/// Returns the arguments of a guest's tool.
pub(crate) fn argument(text: &str) -> String {
    serde_json::json!({ "argument": text }).to_string()
}

/// Calls a behaviour and returns its text.
pub(crate) async fn text_of(
    world: &mut World,
    behaviour: &str,
    text: &str,
) -> Result<String, Failure> {
    world.call_tool(behaviour, &argument(text)).await.map(|output| output.text)
}

/// Calls a behaviour that is expected to fail.
pub(crate) async fn failure_of(world: &mut World, behaviour: &str, text: &str) -> Failure {
    text_of(world, behaviour, text).await.expect_err("it fails")
}

/// Checks after an attack that the next call is served with fresh memory.
pub(crate) async fn is_unharmed(world: &mut World) {
    assert_eq!(text_of(world, "count_calls", "").await.as_deref(), Ok("1"));
}

/// Returns the name and value of a limit that was reached.
pub(crate) fn limit(failure: &Failure) -> (&str, u64) {
    match failure {
        Failure::Limited { name, value, .. } => (name, *value),
        other => panic!("no limit was reached: {other:?}"),
    }
}

/// Each behaviour is called by name in one of these files.
#[test]
fn every_behaviour_of_the_guest_has_a_test() {
    let tests = [
        include_str!("floods.rs"),
        include_str!("limits.rs"),
        include_str!("powers.rs"),
        include_str!("quarantine.rs"),
        include_str!("tools.rs"),
    ];
    for behaviour in openkoi_guests::BEHAVIOURS {
        let called = format!("\"{behaviour}\"");
        assert!(
            tests.iter().any(|test| test.contains(&called)) || *behaviour == "count_calls",
            "{behaviour} has no test"
        );
    }
}

#[tokio::test]
async fn the_table_of_behaviours_is_that_of_the_manifest() {
    use openkoi_core::toolbox::Toolbox;
    let declared: Vec<String> =
        tool_world().toolbox().tools().into_iter().map(|tool| tool.name).collect();
    assert_eq!(declared, openkoi_guests::BEHAVIOURS);
}
