//! Who depends on whom, and what must not stand where.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use regex::Regex;
use serde_json::Value;

/// What each crate of ours may depend on, for building and running. Tests may reach for more.
const EDGES: [(&str, &[&str]); 13] = [
    ("openkoi-core", &[]),
    ("openkoi-brokers", &["openkoi-core"]),
    ("openkoi-storage", &["openkoi-brokers", "openkoi-core"]),
    ("openkoi-compiler", &[]),
    ("openkoi-compiler-program", &[]),
    ("openkoi-host", &["openkoi-brokers", "openkoi-compiler", "openkoi-core"]),
    (
        APP,
        &[
            "openkoi-brokers",
            "openkoi-components",
            "openkoi-core",
            "openkoi-host",
            "openkoi-storage",
        ],
    ),
    // A surface: it depends on the application, and on the crates whose types it shows. It knows no broker.
    (
        "openkoi",
        &[
            APP,
            "openkoi-components",
            "openkoi-core",
            // It starts the daemon.
            "openkoi-daemon",
            "openkoi-host",
            "openkoi-storage",
        ],
    ),
    // The other surface.
    ("openkoi-daemon", &[APP, "openkoi-core", "openkoi-storage"]),
    ("openkoi-sdk", &["openkoi-sdk-macros"]),
    ("openkoi-sdk-macros", &[]),
    ("openkoi-components", &["openkoi-compiler"]),
    ("openkoi-testing", &["openkoi-brokers", "openkoi-core", "openkoi-host"]),
];

/// What all surfaces stand on.
const APP: &str = "openkoi-app";

/// What core may use of others.
const CORE: [&str; 5] = ["serde", "serde_json", "sha2", "thiserror", "tracing"];

/// Licences under which everything that is linked in may be shipped; the same as in `.deny.toml`.
const DENY: &str = include_str!("../../../.deny.toml");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Asks cargo for JSON.
fn cargo(arguments: &[&str]) -> Value {
    serde_json::from_str(&say(arguments)).unwrap()
}

fn say(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .env("RUSTC_BOOTSTRAP", "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// Returns what our own manifests say.
fn ours() -> Value {
    cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"])
}

/// Returns the packages that a build for this machine uses, with what their manifests say. Without the filter, cargo
/// wants to read the packages of all other platforms, which no build here has downloaded.
fn linked_here() -> Value {
    let version = say(&["--version", "--verbose"]);
    let here = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    cargo(&["metadata", "--format-version", "1", "--locked", "--filter-platform", here])
}

#[test]
fn our_crates_depend_only_downwards() {
    let metadata = ours();
    let allowed = BTreeMap::from(EDGES);
    let packages = metadata["packages"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let is_guest = package["manifest_path"].as_str().unwrap().contains("/components/")
            && name != "openkoi-components";
        let used: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .filter_map(|dependency| dependency["name"].as_str())
            .filter(|dependency| *dependency == "openkoi" || dependency.starts_with("openkoi-"))
            .collect();
        if let Some(may) = allowed.get(name) {
            seen.insert(name);
            let over: Vec<_> = used.iter().filter(|one| !may.contains(one)).collect();
            assert!(over.is_empty(), "{name} depends on {over:?}");
        } else if is_guest && package["source"].is_null() {
            let may = [
                "openkoi-sdk",
                "openkoi-agency-counsel",
                "openkoi-figures",
                "openkoi-provider-wire",
                "openkoi-text",
            ];
            assert!(used.iter().all(|one| may.contains(one)), "{name} depends on {used:?}");
        }
    }
    assert_eq!(seen.len(), EDGES.len(), "a crate of the table is gone: {seen:?}");
}

/// Whatever comes after the command line (a daemon, another protocol) stands on the same crate.
#[test]
fn the_application_knows_no_surface() {
    let metadata = ours();
    let packages = metadata["packages"].as_array().unwrap();
    let app = packages.iter().find(|package| package["name"] == APP).unwrap();
    let used = app["dependencies"].as_array().unwrap().iter();
    let surfaces =
        ["axum", "clap", "clap_complete", "clap_mangen", "hyper", "rustyline", "unicode-width"];
    let used: Vec<&str> = used
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| surfaces.contains(name))
        .collect();
    assert_eq!(used, Vec::<&str>::new());

    // `output.stdout` is what a program said; `stdout()` and `io::stdout` are this program's.
    let surface = Regex::new(
        r"(?x) \b(axum|clap|hyper|rustyline|termios|IsTerminal)\b
        | \bio::(stdin|stdout|stderr)\b
        | (^|[^.\w])(stdin|stdout|stderr)\(\)
        | \b(print|println|eprint|eprintln|dbg)!",
    );
    let surface = surface.unwrap();
    let mut found = Vec::new();
    for path in sources(&root().join("kernel/app/src")) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
        let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
        found.extend(
            lines.filter(|line| surface.is_match(line)).map(|line| format!("{path:?}: {line}")),
        );
    }
    assert_eq!(found, Vec::<String>::new());
}

/// The lint that `.clippy.toml` feeds is off in the workspace; a crate switches it on below the comment of its `lib.rs`.
#[test]
fn files_clock_programs_and_network_belong_to_the_brokers() {
    let mut unbound = Vec::new();
    for entry in fs::read_dir(root().join("kernel")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Ok(text) = fs::read_to_string(entry.path().join("src/lib.rs")) else { continue };
        if !text.contains("warn(clippy::disallowed_methods)") {
            unbound.push(name);
        }
    }

    assert_eq!(unbound, ["brokers"]);
    // The build scripts of `compiler` and its program are no part of what runs; the program says so itself.
    let program = fs::read_to_string(root().join("kernel/compiler/program/src/lib.rs")).unwrap();
    assert!(program.contains("warn(clippy::disallowed_methods)"));
}

/// How many packages may be locked. The number may be raised, knowingly: whoever does looked for a way without.
const MOST_PACKAGES: usize = 500;

#[test]
fn the_lock_file_stays_within_its_budget() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let locked = lock.lines().filter(|line| *line == "[[package]]").count();

    assert!(locked > 100, "{locked} packages: are they counted?");
    assert!(
        locked <= MOST_PACKAGES,
        "{locked} packages are locked, at most {MOST_PACKAGES} may be"
    );
}

#[test]
fn core_uses_next_to_nothing() {
    let metadata = ours();
    let packages = metadata["packages"].as_array().unwrap();
    let core = packages.iter().find(|package| package["name"] == "openkoi-core").unwrap();
    let used = core["dependencies"].as_array().unwrap().iter();
    let used: BTreeSet<&str> = used
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().unwrap())
        .collect();

    assert_eq!(used, BTreeSet::from(CORE));
}

#[test]
fn vendors_have_no_name_in_the_kernel() {
    let vendors = [
        "anthropic",
        "openai",
        "claude",
        "gemini",
        "groq",
        "deepseek",
        "mistral",
        "ollama",
        "bedrock",
    ];
    let mut found = Vec::new();
    for path in sources(&root().join("kernel")) {
        // Tests may use a vendor as an example, and stand behind the code or in files of their own.
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs");
        // The file and the folder with which other agents are given rules and skills are named after one of them.
        let code = code.replace("claude.md", "").replace(".claude", "");
        let named = vendors.iter().filter(|vendor| code.contains(**vendor));
        found.extend(named.filter(|_| !is_test).map(|vendor| format!("{vendor}: {path:?}")));
    }

    assert_eq!(found, Vec::<String>::new());
}

/// A command makes a document, and `kernel/cli/src/output` makes text and JSON of it, so that a page or a daemon can
/// show it too. Reading JSON is none of this.
#[test]
fn commands_make_documents_and_write_no_json() {
    let by_hand = Regex::new(
        r"(?x) \bjson! | \bserde_json::(Map|Value|to_\w+) | \bserde_json::\{ | \bSerialize\b",
    );
    let by_hand = by_hand.unwrap();
    let (mut documents, mut found) = (0, Vec::new());
    for path in sources(&root().join("kernel/cli/src/commands")) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        documents += code.matches("fn document(&self) -> Document").count();
        let is_test = path.iter().any(|part| part == "tests.rs");
        let lines = code.lines().filter(|line| !is_test && by_hand.is_match(line));
        found.extend(lines.map(|line| format!("{path:?}: {line}")));
    }

    assert_eq!(found, Vec::<String>::new());
    // The trait has nothing but documents that a command could write.
    let printing = fs::read_to_string(root().join("kernel/cli/src/output.rs")).unwrap();
    let output = printing.split("pub trait Output {").nth(1).unwrap().split("\n}").next().unwrap();
    assert_eq!(output.matches("fn ").count(), output.matches("-> Document").count(), "{output}");
    assert!(documents > 15, "{documents} documents: are they found?");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn everything_linked_in_has_a_licence_that_lets_it_be_shipped() {
    let allowed: Vec<&str> = DENY
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
        .collect();
    assert!(allowed.contains(&"MIT"), "{allowed:?}");
    let metadata = linked_here();
    let mut bad = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("none");
        // A choice is enough where one side of it is allowed; what is joined by AND has to be allowed all.
        let fits = licence.replace('/', " OR ").split(" OR ").any(|choice| {
            let choice = choice.trim_matches(|c| matches!(c, '(' | ')' | ' '));
            choice
                .split(" AND ")
                .all(|one| allowed.contains(&one.trim_matches(|c| matches!(c, '(' | ')' | ' '))))
        });
        if !fits {
            bad.push(format!("{}: {licence}", package["name"]));
        }
    }

    assert_eq!(bad, Vec::<String>::new());
}

/// Returns the features of each library that a build compiles for running, by package: several where it is compiled
/// several times.
fn compiled(build: &[&str]) -> BTreeMap<String, Vec<Vec<String>>> {
    let plan = ["--locked", "--unit-graph", "-Z", "unstable-options"];
    let graph = cargo(&[&["build"], build, &plan].concat());
    let mut units = BTreeMap::<String, Vec<Vec<String>>>::new();
    for unit in graph["units"].as_array().unwrap() {
        let is_library =
            unit["target"]["kind"].as_array().unwrap().iter().any(|kind| kind == "lib");
        if unit["mode"] == "build" && is_library {
            let features = unit["features"].as_array().unwrap().iter();
            let features = features.map(|feature| feature.as_str().unwrap().to_owned()).collect();
            let name = unit["pkg_id"].as_str().unwrap().rsplit(['/', '#']).next().unwrap();
            units.entry(name.to_owned()).or_default().push(features);
        }
    }
    units
}

/// The compiler reads bytes of strangers, and half of what is linked would be its code.
#[test]
fn the_compiler_is_in_its_own_program_and_nowhere_else() {
    let is =
        |name: &str, one: &str| name.strip_prefix(one).is_some_and(|rest| rest.starts_with('@'));
    let kernel = compiled(&["-p", "openkoi", "--release"]);
    let holds = |name: &str| kernel.keys().filter(|one| is(one, name)).count();
    assert_eq!(holds("wasmtime"), 1, "{:?}", kernel.keys());
    assert_eq!(holds("cranelift-codegen"), 0, "{:?}", kernel.keys());

    let program = ["-p", "openkoi-compiler-program", "--features", "cranelift"];
    let program = compiled(&[&program[..], &["--bin", "openkoi-compiler-program"]].concat());
    let wasmtime: Vec<_> =
        program.iter().filter(|(name, _)| is(name, "wasmtime")).flat_map(|(_, all)| all).collect();
    let [features] = wasmtime.as_slice() else { panic!("{wasmtime:?}") };
    assert!(features.iter().any(|feature| feature == "cranelift"), "{features:?}");
    // It runs nothing, so it has nothing to run it with.
    assert!(!features.iter().any(|feature| feature == "runtime"), "{features:?}");
}

#[test]
fn the_top_level_is_what_the_design_says() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let top: BTreeSet<&str> = listed.lines().filter_map(|path| path.split('/').next()).collect();
    let top: Vec<&str> = top.into_iter().filter(|name| !name.starts_with('.')).collect();

    assert_eq!(
        top,
        [
            "CHANGELOG.md",
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE",
            "README.md",
            "components",
            "kernel",
            "rust-toolchain.toml",
            "sdk",
            "skills",
            "tests",
            "wit",
        ]
    );
}

/// The cases of the attack catalogue that are due before the first release.
const CASES: [(&str, &[u32]); 8] = [
    ("A", &[1, 3, 5, 9, 11, 15, 21, 23, 25]),
    ("B", &[27, 29, 31, 33, 37, 41, 43]),
    ("C", &[51, 53, 55, 57, 65]),
    ("D", &[67, 69, 71, 73, 75, 77, 79, 81, 83]),
    ("E", &[87, 89, 91]),
    ("F", &[99, 101, 105, 107, 109, 113]),
    ("G", &[145, 147]),
    ("I", &[177, 179, 183, 185]),
];

#[test]
fn each_case_of_the_attack_catalogue_has_tests_that_exist() {
    let page = include_str!("../../README.md").split("## Attack catalogue").nth(1).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let rows: BTreeMap<&str, &str> = rows.filter(|(case, _)| *case != "case").collect();
    let due: BTreeSet<String> = CASES
        .iter()
        .flat_map(|(group, numbers)| numbers.iter().map(move |number| format!("{group}{number}")))
        .collect();
    let written: BTreeSet<String> = rows.keys().map(|case| (*case).to_owned()).collect();
    assert_eq!(written, due);

    let known = tests_of(&root());
    for (case, rest) in rows {
        let named: Vec<&str> =
            rest.split(" | ").next().unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{case} has no test");
        let missing: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
        assert!(missing.is_empty(), "{case}: there is no test {missing:?}");
    }
}

/// Returns the names of all tests of the workspace: of each function that follows a line which makes it one.
fn tests_of(root: &Path) -> BTreeSet<String> {
    let folders = ["kernel", "components", "sdk", "tests"].map(|folder| root.join(folder));
    let mut found = BTreeSet::new();
    for path in folders.iter().flat_map(|folder| sources(folder)) {
        let text = fs::read_to_string(path).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let Some((name, _)) = name.and_then(|rest| rest.split_once('('))
                && std::mem::take(&mut is_test)
            {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Loading native code is as good as running it, so there is one place that does it. What it loads was put into the program
/// when it was built, was made by the compiler that is in the program, or was kept of that and is authenticated (case A21;
/// `compiling::code_that_was_damaged_or_planted_is_not_loaded_and_is_made_again` plants some).
#[test]
fn native_code_comes_from_the_program_and_its_compiler_alone() {
    let kernel: Vec<(PathBuf, String)> = sources(&root().join("kernel"))
        .into_iter()
        .filter(|path| path.iter().all(|part| part != "tests"))
        .map(|path| {
            let source = fs::read_to_string(&path).unwrap();
            // A test may make code of its own.
            let end = source.find("#[cfg(all(test").or(source.find("#[cfg(test)]"));
            (path, source[..end.unwrap_or(source.len())].to_owned())
        })
        .collect();
    let holding = |text: &str| -> Vec<String> {
        let lines = kernel.iter().flat_map(|(path, source)| {
            let name = path.strip_prefix(root().join("kernel")).unwrap().display().to_string();
            let found = source.lines().filter(|line| line.contains(text));
            found.map(move |line| format!("{name}: {}", line.trim())).collect::<Vec<_>>()
        });
        lines.collect()
    };

    // wasmtime has three ways in, and all of them are unsafe to call.
    let loads =
        ["Component::deserialize", "Module::deserialize", "deserialize_raw", "deserialize_file"];
    let loads: BTreeSet<String> = loads.iter().flat_map(|way| holding(way)).collect();
    assert_eq!(
        loads.into_iter().collect::<Vec<_>>(),
        [
            "host/src/engine/code.rs: Ok(unsafe { Component::deserialize(engine, made.bytes()) }?)",
            "host/src/engine/code.rs: Ok(unsafe { Component::deserialize_raw(engine, NonNull::from(code)) }?)",
            "host/src/engine/code.rs: let component = unsafe { Component::deserialize_raw(engine, image.memory) }?;",
            "host/src/engine/code.rs: return Ok(unsafe { Component::deserialize(engine, code) }?);",
            "host/src/engine/code.rs: return Ok(unsafe { Component::deserialize(engine, image.bytes()) }?);",
        ]
    );
    assert_eq!(
        holding("code::load("),
        ["host/src/engine.rs: code::load(&self.wasmtime, embedded)"]
    );
    assert_eq!(
        holding(".deserialize_native("),
        [
            "host/src/catalog/entry.rs: engine.deserialize_native(embedded).map_err(|error| self.damaged(error))?"
        ]
    );
    // What is deserialized is `Embedded`, whose bytes are static: no file can be read into them.
    assert_eq!(holding("pub code: &"), ["host/src/embedded.rs: pub code: &'static [u8],"]);
    assert_eq!(
        holding("code::load_made("),
        ["host/src/engine.rs: code::load_made(&self.wasmtime, made)"]
    );
    // Or it is `Made`, which the compiler's answer becomes, and what the sealed store gives back.
    assert_eq!(
        holding("Made(Vec<u8>)"),
        ["host/src/engine/compiler.rs: pub(crate) struct Made(Vec<u8>);"]
    );
    let made: Vec<String> =
        ["Ok(Made(", ".map(Made)"].iter().flat_map(|way| holding(way)).collect();
    assert_eq!(
        made,
        [
            "host/src/engine/compiler.rs: Ok(Made(code))",
            "host/src/engine/compiler.rs: self.kept.as_ref()?.store.get(&name(digest)).map(Made)",
        ]
    );
    assert_eq!(holding("Box::leak"), Vec::<String>::new());
    assert_eq!(holding(".leak()"), Vec::<String>::new());
    assert_eq!(holding("cwasm"), Vec::<String>::new());
}
