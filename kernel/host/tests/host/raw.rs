//! Attacks that Rust cannot express: components around core modules that are written by hand.

use openkoi_core::failure::Failure;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::guests::{is_unharmed, limit, repository, tool_world};

/// A core module that breaks as soon as it is called.
pub(crate) const TRAPPING: &str = r#"
    (func (export "openkoi:tool/tool@0.1.0#call")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
        unreachable)
"#;

pub(crate) const REALLOC: &str = r#"
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
"#;

/// Returns the WIT of the repository, as far as tools need it.
pub(crate) fn contract(kind: &str) -> (wit_parser::Resolve, wit_parser::PackageId) {
    let mut resolve = wit_parser::Resolve::default();
    let wit = repository().join("wit");
    resolve.push_dir(wit.join("types")).expect("types parse");
    resolve.push_dir(wit.join("host")).expect("host parses");
    // An integration exports the interface of tools too.
    let tool = (kind == "integration").then(|| resolve.push_dir(wit.join("tool")));
    tool.transpose().expect("tool parses");
    let (package, _) = resolve.push_dir(wit.join(kind)).expect("the kind parses");
    (resolve, package)
}

/// Makes a tool component around the fields of a core module.
pub(crate) fn tool(name: &str, tool: &str, fields: &str) -> Vec<u8> {
    with_memory(name, tool, "(memory (export \"memory\") 1)", &format!("{REALLOC}{fields}"))
}

fn with_memory(name: &str, tool: &str, memory: &str, fields: &str) -> Vec<u8> {
    with_manifest(bare(memory, fields), &manifest(name, tool))
}

/// Makes a component of the tool world, without a manifest.
pub(crate) fn bare(memory: &str, fields: &str) -> Vec<u8> {
    let (resolve, package) = contract("tool");
    let world = resolve.select_world(&[package], None).expect("it has one world");
    let mut module = wat::parse_str(format!("(module {memory} {fields})")).expect("it is a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("the world is embedded");
    ComponentEncoder::default()
        .module(&module)
        .expect("it is a module of the world")
        .validate(false)
        .encode()
        .expect("it becomes a component")
}

/// Returns a manifest with one tool and no capability.
pub(crate) fn manifest(name: &str, tool: &str) -> String {
    format!(
        "[component]\nname = \"{name}\"\nversion = \"0.1.0\"\nkind = \"tool\"\npublisher = \"p\"\n\
         description = \"d\"\n[limits]\ncpu-ms = 300\nwall-ms = 5000\n[[tool]]\nname = \"{tool}\"\n\
         description = \"d\"\neffect = \"read\"\ndomain = \"d\"\nparameters = '{{\"type\":\"object\"}}'\n"
    )
}

/// Appends a manifest as a custom section.
pub(crate) fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let name = b"openkoi:manifest";
    let mut body = Vec::new();
    leb(&mut body, name.len());
    body.extend_from_slice(name);
    body.extend_from_slice(manifest.as_bytes());
    component.push(0);
    leb(&mut component, body.len());
    component.extend_from_slice(&body);
    component
}

fn leb(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

/// Calls a component that breaks, and one that does not afterwards.
async fn broken(component: Vec<u8>) -> Failure {
    let mut world = tool_world();
    world.load(component);
    let failure = world.call_tool("t", "{}").await.expect_err("it breaks");
    is_unharmed(&mut world).await;
    failure
}

#[tokio::test]
async fn a_loop_in_the_start_function_ends_at_its_running_time() {
    let fields = format!("{TRAPPING} (func $spin (loop (br 0))) (start $spin)");
    let failure = broken(tool("x", "t", &fields)).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

#[tokio::test]
async fn a_loop_in_the_allocator_counts_as_running_time() {
    let spinning = r#"
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) unreachable)
    "#;
    let component =
        with_memory("x", "t", "(memory (export \"memory\") 1)", &format!("{spinning}{TRAPPING}"));
    let failure = broken(component).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

#[tokio::test]
async fn a_trap_in_the_allocator_is_a_trap_of_the_guest() {
    let trapping =
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)"#;
    let memory = "(memory (export \"memory\") 1)";
    let failure = broken(with_memory("x", "t", memory, &format!("{trapping}{TRAPPING}"))).await;
    let Failure::Trapped { component, message } = failure else { panic!("{failure}") };
    assert_eq!(component, "x");
    assert!(message.contains("unreachable"), "{message}");
}

/// A function with the signature of a call of a tool.
fn called(body: &str) -> String {
    format!(
        "(func (export \"openkoi:tool/tool@0.1.0#call\")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32) {body})"
    )
}

#[tokio::test]
async fn loops_of_bulk_instructions_end_at_their_running_time() {
    let table = "(table 20000 funcref) (elem $part func 0)";
    for (fields, instruction) in [
        ("", "(memory.fill (i32.const 0) (i32.const 1) (i32.const 15000000))"),
        ("", "(memory.copy (i32.const 0) (i32.const 1) (i32.const 15000000))"),
        (table, "(table.fill (i32.const 0) (ref.null func) (i32.const 20000))"),
        (table, "(table.copy (i32.const 0) (i32.const 1) (i32.const 19999))"),
        (table, "(table.init $part (i32.const 0) (i32.const 0) (i32.const 1))"),
    ] {
        let fields = format!(
            "{REALLOC}{}{fields}",
            called(&format!("(loop {instruction} (br 0)) unreachable"))
        );
        let memory = "(memory (export \"memory\") 240)";
        let failure = broken(with_memory("x", "t", memory, &fields)).await;
        assert_eq!(limit(&failure), ("cpu-ms", 300), "{instruction}");
    }
}

#[tokio::test]
async fn the_next_call_sees_nothing_of_a_call_that_trapped() {
    let state =
        "(global $seen (mut i32) (i32.const 0)) (table $seen 1 funcref) (elem declare func $mark)
        (func $mark)";
    // Whoever finds a canary spins, and a loop ends otherwise than a trap.
    let body = "(if (i32.or (global.get $seen) (i32.or (i32.load (i32.const 60000))
                (i32.eqz (ref.is_null (table.get $seen (i32.const 0))))))
            (then (loop (br 0))))
        (global.set $seen (i32.const 1))
        (i32.store (i32.const 60000) (i32.const 1))
        (table.set $seen (i32.const 0) (ref.func $mark))
        unreachable";
    let mut world = tool_world();
    world.load(tool("x", "t", &format!("{state}{}", called(body))));

    for _ in 0..2 {
        let failure = world.call_tool("t", "{}").await.expect_err("it traps");
        assert_eq!(failure.word(), "trapped", "{failure}");
    }

    // Had something been left, it would have been seen.
    let left = "(func $leave (global.set $seen (i32.const 1))) (start $leave)";
    let failure = broken(tool("y", "t", &format!("{state}{left}{}", called(body)))).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

/// Gives a component more instances of its own module, each with a memory.
fn instantiated_again(component: &mut Vec<u8>, times: usize) {
    // A section of core instances: each instantiates module 0 with no arguments.
    let mut body = Vec::new();
    leb(&mut body, times);
    body.extend([0, 0, 0].repeat(times));
    component.push(2);
    leb(component, body.len());
    component.extend_from_slice(&body);
}

#[tokio::test]
async fn memories_beyond_their_number_are_refused() {
    let mut component = bare("(memory (export \"memory\") 1)", &format!("{REALLOC}{TRAPPING}"));
    instantiated_again(&mut component, 10);
    let failure = broken(with_manifest(component, &manifest("x", "t"))).await;
    let Failure::Trapped { message, .. } = failure else { panic!("{failure}") };
    assert!(message.contains("memory count too high at 9"), "{message}");
}

#[tokio::test]
async fn memories_are_counted_together() {
    let mut component = bare("(memory (export \"memory\") 400)", &format!("{REALLOC}{TRAPPING}"));
    instantiated_again(&mut component, 2);
    let failure = broken(with_manifest(component, &manifest("x", "t"))).await;
    assert_eq!(limit(&failure), ("memory-mib", 64));
}

#[tokio::test]
async fn a_memory_whose_first_size_is_too_large_is_refused_with_the_limit() {
    let memory = "(memory (export \"memory\") 2000)";
    let failure = broken(with_memory("x", "t", memory, &format!("{REALLOC}{TRAPPING}"))).await;
    assert_eq!(limit(&failure), ("memory-mib", 64));
}

#[tokio::test]
async fn a_table_whose_first_size_is_too_large_is_refused() {
    let fields = format!("{TRAPPING} (table 1000000 funcref)");
    let failure = broken(tool("x", "t", &fields)).await;
    assert_eq!(limit(&failure), ("table-elements", 20_000));
}

/// Makes a tool whose result is these bytes, read as `result<output, failure>`.
fn answering(data: &str, pointer: &str) -> Vec<u8> {
    let fields = format!(
        r#"(data (i32.const 64) "{data}")
        (func (export "openkoi:tool/tool@0.1.0#call")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
            i32.const {pointer})"#
    );
    tool("x", "t", &fields)
}

#[tokio::test]
async fn pointers_that_lead_out_of_memory_are_traps() {
    let text = |pointer: &str, length: &str| {
        answering(&format!(r"\00\00\00\00\00\00\00\00{pointer}{length}"), "64")
    };
    let table = [
        ("a text of 2^32-1 bytes", text(r"\00\01\00\00", r"\ff\ff\ff\ff")),
        ("a text that wraps around", text(r"\f0\ff\ff\ff", r"\20\00\00\00")),
        ("a text one byte too long", text(r"\ff\ff\00\00", r"\02\00\00\00")),
        ("a text of nothing beyond the end", text(r"\01\00\01\00", r"\00\00\00\00")),
        ("an answer beyond the end", answering("", "0xfffffff0")),
        ("an answer at the end", answering("", "65532")),
        ("an answer that is not aligned", answering("", "65")),
    ];
    for (what, component) in table {
        let failure = broken(component).await;
        assert_eq!(failure.word(), "trapped", "{what}: {failure}");
    }
}

#[tokio::test]
async fn a_value_outside_of_its_type_is_a_trap() {
    let neither_nor = answering(r"\07", "64");
    let no_such_failure = answering(r"\01\00\00\00\00\00\00\00\2a", "64");
    // A text of one byte, which is no UTF-8.
    let no_text = answering(r"\00\00\00\00\00\00\00\00\50\00\00\00\01\00\00\00\ff", "64");
    for component in [neither_nor, no_such_failure, no_text] {
        let failure = broken(component).await;
        assert_eq!(failure.word(), "trapped", "{failure}");
    }
}
