//! Attacks that Rust cannot express: components around core modules that are written by hand.

use openkoi_core::failure::Failure;
use openkoi_testing::World;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::guests::{limit, repository};

/// A core module that breaks as soon as it is called.
pub const TRAPPING: &str = r#"
    (func (export "openkoi:tool/tool@0.1.0#call")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
        unreachable)
"#;

const REALLOC: &str = r#"
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
"#;

/// Returns the WIT of the repository, as far as tools need it.
pub fn contract(kind: &str) -> (wit_parser::Resolve, wit_parser::PackageId) {
    let mut resolve = wit_parser::Resolve::default();
    let wit = repository().join("wit");
    resolve.push_dir(wit.join("types")).expect("types parse");
    resolve.push_dir(wit.join("host")).expect("host parses");
    let (package, _) = resolve.push_dir(wit.join(kind)).expect("the kind parses");
    (resolve, package)
}

/// Makes a tool component around the fields of a core module.
pub fn tool(name: &str, tool: &str, fields: &str) -> Vec<u8> {
    with_memory(name, tool, "(memory (export \"memory\") 1)", &format!("{REALLOC}{fields}"))
}

fn with_memory(name: &str, tool: &str, memory: &str, fields: &str) -> Vec<u8> {
    let (resolve, package) = contract("tool");
    let world = resolve.select_world(&[package], None).expect("it has one world");
    let mut module = wat::parse_str(format!("(module {memory} {fields})")).expect("it is a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("the world is embedded");
    let component = ComponentEncoder::default()
        .module(&module)
        .expect("it is a module of the world")
        .validate(false)
        .encode()
        .expect("it becomes a component");
    with_manifest(component, &manifest(name, tool))
}

/// Returns a manifest with one tool that asks for nothing.
pub fn manifest(name: &str, tool: &str) -> String {
    format!(
        "[component]\nname = \"{name}\"\nversion = \"0.1.0\"\nkind = \"tool\"\npublisher = \"p\"\n\
         description = \"d\"\n[limits]\ncpu-ms = 300\nwall-ms = 5000\n[[tool]]\nname = \"{tool}\"\n\
         description = \"d\"\neffect = \"read\"\ndomain = \"d\"\nparameters = '{{\"type\":\"object\"}}'\n"
    )
}

/// Appends a manifest as a custom section.
pub fn with_manifest(mut component: Vec<u8>, manifest: &str) -> Vec<u8> {
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

async fn broken(component: Vec<u8>) -> Failure {
    let mut world = World::new();
    world.load(component);
    world.call_tool("t", "{}").await.expect_err("it breaks")
}

#[tokio::test]
async fn a_loop_in_the_start_function_ends_like_any_other() {
    let fields = format!("{TRAPPING} (func $spin (loop (br 0))) (start $spin)");
    let failure = broken(tool("x", "t", &fields)).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

#[tokio::test]
async fn a_loop_in_the_allocator_is_the_guests_own_time() {
    let spinning = r#"
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (loop (br 0)) unreachable)
    "#;
    let component =
        with_memory("x", "t", "(memory (export \"memory\") 1)", &format!("{spinning}{TRAPPING}"));
    let failure = broken(component).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

#[tokio::test]
async fn filling_memory_in_a_loop_is_interrupted() {
    let fields = r#"
        (func (export "openkoi:tool/tool@0.1.0#call")
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
            (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 15000000)) (br 0))
            unreachable)
    "#;
    let memory = "(memory (export \"memory\") 240)";
    let failure = broken(with_memory("x", "t", memory, &format!("{REALLOC}{fields}"))).await;
    assert_eq!(limit(&failure), ("cpu-ms", 300));
}

#[tokio::test]
async fn a_memory_that_begins_too_large_is_refused_with_the_number() {
    let memory = "(memory (export \"memory\") 2000)";
    let failure = broken(with_memory("x", "t", memory, &format!("{REALLOC}{TRAPPING}"))).await;
    assert_eq!(limit(&failure), ("memory-mib", 64));
}

#[tokio::test]
async fn a_table_that_begins_too_large_is_refused() {
    let fields = format!("{TRAPPING} (table 1000000 funcref)");
    let failure = broken(tool("x", "t", &fields)).await;
    assert_eq!(limit(&failure), ("table-elements", 20_000));
}

/// Answers with whatever these bytes are when they are read as `result<output, failure>`.
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
    // A text of 2^32-1 bytes; one that wraps around; a result beyond the end; one that is not aligned.
    let long = answering(r"\00\00\00\00\00\00\00\00\00\01\00\00\ff\ff\ff\ff", "64");
    let wrapping = answering(r"\00\00\00\00\00\00\00\00\f0\ff\ff\ff\20\00\00\00", "64");
    let beyond = answering("", "0xfffffff0");
    let crooked = answering("", "65");
    for component in [long, wrapping, beyond, crooked] {
        assert!(matches!(broken(component).await.word(), "trapped" | "limited"));
    }
}

#[tokio::test]
async fn a_value_that_its_type_does_not_have_is_a_trap() {
    let neither_nor = answering(r"\07", "64");
    let no_such_failure = answering(r"\01\00\00\00\00\00\00\00\2a", "64");
    // A text of one byte, which is no UTF-8.
    let no_text = answering(r"\00\00\00\00\00\00\00\00\50\00\00\00\01\00\00\00\ff", "64");
    for component in [neither_nor, no_such_failure, no_text] {
        let failure = broken(component).await;
        assert_eq!(failure.word(), "trapped", "{failure}");
    }
}
