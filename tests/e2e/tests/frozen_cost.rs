//! What the run with the tests as they were costs, counted without a clock: what is built for it, and how often tests run.
//!
//! Each project is worked on twice, with the same fix: once alone, and once with a changed test beside it. What the second
//! builds more is what the frozen run costs.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use openkoi_test_support::{
    Home, Run,
    script::{Script, turn},
};
use serde_json::json;

use crate::world::{LONG, TASK};

/// A project whose builds are told in a log outside of it.
struct Project {
    /// Its files, by path; `@LOG@` stands for the directory of the log.
    files: &'static [(&'static str, &'static str)],
    /// The product as it is mended.
    fix: (&'static str, &'static str),
    /// The tests, changed.
    test: (&'static str, &'static str),
    /// Builds and tests it, so that it is warm.
    warm: &'static str,
}

/// Tells each crate that is compiled. Cargo asks for the compiler's version, too.
const RUSTC: &str = "#!/bin/sh\ncase \" $* \" in *' --crate-name ___ '*) ;; *' --crate-name '*) \
                     kind=; case \" $* \" in *' --test '*) kind=' (test)';; esac; \
                     name=$(echo \"$*\" | sed 's/.*--crate-name \\([^ ]*\\).*/\\1/'); \
                     echo \"compiled $name$kind\" >> '@LOG@/log';; esac\nexec \"$@\"\n";

const CARGO: Project = Project {
    files: &[
        (
            "Cargo.toml",
            "[package]\nname = \"percent\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
                        [dependencies]\nfar = { path = \"far\" }\n\n[workspace]\n",
        ),
        ("far/Cargo.toml", "[package]\nname = \"far\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
        ("far/src/lib.rs", "pub fn hundred() -> u32 { 100 }\n"),
        (
            "src/lib.rs",
            "pub fn percent(part: u32, whole: u32) -> u32 { part * far::hundred() / whole + 1 }\n",
        ),
        (
            "tests/half.rs",
            "#[test] fn half_is_fifty() { assert_eq!(percent::percent(1, 2), 50); }\n",
        ),
        ("tests/whole.rs", "#[test] fn all_of_it() { assert_eq!(percent::percent(2, 2), 100); }\n"),
        (".cargo/config.toml", "[build]\nrustc-wrapper = \"@LOG@/rustc\"\n"),
        (".gitignore", "target/\nCargo.lock\n"),
    ],
    fix: (
        "src/lib.rs",
        "pub fn percent(part: u32, whole: u32) -> u32 { part * far::hundred() / whole }\n",
    ),
    test: (
        "tests/half.rs",
        "#[test] fn half_is_fifty() { assert_eq!(percent::percent(1, 2), 50); }\n\n\
         #[test] fn a_third_is_less() { assert_eq!(percent::percent(1, 3), 33); }\n",
    ),
    warm: "cargo test --offline --no-run",
};

const NODE: Project = Project {
    files: &[
        (
            "package.json",
            r#"{ "name": "percent", "scripts": { "test": "node build.js && node --test test/" } }"#,
        ),
        (
            "build.js",
            "const fs = require('fs'), log = (said) => fs.appendFileSync('@LOG@/log', said + '\\n');\nlog('ran');\n\
             fs.mkdirSync('out', { recursive: true });\n\
             for (const name of fs.readdirSync('src')) {\n  const [from, to] = ['src/' + name, 'out/' + name];\n  \
             if (fs.existsSync(to) && fs.statSync(to).mtimeMs >= fs.statSync(from).mtimeMs) continue;\n  \
             log('compiled ' + name);\n  fs.copyFileSync(from, to);\n}\n",
        ),
        ("src/far.js", "exports.hundred = 100;\n"),
        (
            "src/percent.js",
            "const { hundred } = require('./far.js');\nexports.percent = (part, whole) => part * hundred / whole + 1;\n",
        ),
        (
            "test/percent.test.js",
            "const test = require('node:test'), assert = require('assert');\nconst { percent } = require('../out/percent.js');\n\
             test('half is fifty', () => assert.strictEqual(percent(1, 2), 50));\n",
        ),
        (".gitignore", "out/\n"),
    ],
    fix: (
        "src/percent.js",
        "const { hundred } = require('./far.js');\nexports.percent = (part, whole) => part * hundred / whole;\n",
    ),
    test: (
        "test/percent.test.js",
        "const test = require('node:test'), assert = require('assert');\nconst { percent } = require('../out/percent.js');\n\
         test('half is fifty', () => assert.strictEqual(percent(1, 2), 50));\n\
         test('all of it', () => assert.strictEqual(percent(2, 2), 100));\n",
    ),
    warm: "node build.js",
};

/// Debian's Gradle, with the repository that its packages of Java make.
const GRADLE: Project = Project {
    files: &[
        ("settings.gradle", "rootProject.name = 'percent'\n"),
        (
            "build.gradle",
            "apply plugin: 'java'\nrepositories { maven { url 'file:///usr/share/maven-repo' } }\n\
             dependencies { testCompile 'junit:junit:4.x' }\n\
             compileJava.doLast { new File('@LOG@/log') << 'compiled the product\\n' }\n\
             compileTestJava.doLast { new File('@LOG@/log') << 'compiled the tests\\n' }\n\
             test.doFirst { new File('@LOG@/log') << 'ran\\n' }\n",
        ),
        (
            "src/main/java/Percent.java",
            "final class Percent {\n    static int of(int part, int whole) { return part * 100 / whole + 1; }\n}\n",
        ),
        (
            "src/test/java/PercentTest.java",
            "import org.junit.*;\npublic class PercentTest {\n    \
             @Test public void half() { Assert.assertEquals(50, Percent.of(1, 2)); }\n}\n",
        ),
        (".gitignore", "build/\n.gradle/\n"),
    ],
    fix: (
        "src/main/java/Percent.java",
        "final class Percent {\n    static int of(int part, int whole) { return part * 100 / whole; }\n}\n",
    ),
    test: (
        "src/test/java/PercentTest.java",
        "import org.junit.*;\npublic class PercentTest {\n    \
         @Test public void half() { Assert.assertEquals(50, Percent.of(1, 2)); }\n    \
         @Test public void all() { Assert.assertEquals(100, Percent.of(2, 2)); }\n}\n",
    ),
    warm: "gradle --no-daemon --offline --console=plain testClasses",
};

/// A build by times, as many are.
const MAKE: Project = Project {
    files: &[
        (
            "Makefile",
            "test: build/test\n\t@echo ran >> '@LOG@/log'; ./build/test\n\nbuild/test: build/test_percent.o build/percent.o build/far.o\n\
             \tgcc -o $@ $^\n\nbuild/%.o: %.c\n\t@mkdir -p build; echo 'compiled $<' >> '@LOG@/log'\n\tgcc -c -o $@ $<\n\n.PHONY: test\n",
        ),
        ("far.c", "int hundred(void) { return 100; }\n"),
        (
            "percent.c",
            "int hundred(void);\nint percent(int part, int whole) { return part * hundred() / whole + 1; }\n",
        ),
        (
            "test_percent.c",
            "#include <stdio.h>\nint percent(int, int);\nint main(void) {\n    int red = percent(1, 2) != 50;\n    \
             printf(\"%s half_is_fifty\\n\", red ? \"not ok\" : \"ok\");\n    return red;\n}\n",
        ),
        (".gitignore", "build/\n"),
    ],
    fix: (
        "percent.c",
        "int hundred(void);\nint percent(int part, int whole) { return part * hundred() / whole; }\n",
    ),
    test: (
        "test_percent.c",
        "#include <stdio.h>\nint percent(int, int);\nint main(void) {\n    int red = percent(1, 2) != 50;\n    \
         printf(\"%s half_is_fifty\\n\", red ? \"not ok\" : \"ok\");\n    printf(\"ok more\\n\");\n    return red;\n}\n",
    ),
    warm: "make -s build/test",
};

/// The changed test is built as it is, and as it was.
const CHANGED_AND_AS_IT_WAS: [&str; 3] =
    ["compiled test_percent.c", "compiled test_percent.c", "ran"];

/// What was told in the log of a run, with how often.
type Told = BTreeMap<String, usize>;

/// Works on the project, which is warm, and returns what was built and run for that.
fn worked(project: &Project, with_test: bool, run: fn(&Home) -> Run) -> (Told, Run) {
    let outside = tempfile::tempdir().unwrap();
    let log = outside.path().canonicalize().unwrap();
    let plan = json!({
        "effort": "change", "kind": "code", "steps": ["fix it"],
        "criteria": [{ "text": "all tests pass", "check": "test" }],
    });
    let deed = turn().executor().in_round(0).write(project.fix.0, project.fix.1);
    let deed = if with_test { deed.write(project.test.0, project.test.1) } else { deed };
    let company = [turn().planner().call("submit_plan", plan), turn().evaluator().judges(9.0)];
    let script = Script::new([deed, turn().executor().say("Done.")]).and(company);
    let place = log.to_str().unwrap();
    // A quick look after an edit compiles, too.
    let config = format!("[sandbox]\nwrite = [\"{place}\"]\n[checks]\nedit_seconds = 0\n");
    let mut home = Home::new().config(&config).script(&script);
    for (path, text) in project.files {
        home = home.file(path, text.replace("@LOG@", place));
    }
    write_program(&log.join("rustc"), &RUSTC.replace("@LOG@", place));
    let warm = openkoi_test_support::Invocation::new(
        Path::new("/bin/sh"),
        &home.workspace(),
        std::env::vars_os().filter(|(name, _)| name != "CARGO_TARGET_DIR").collect(),
    );
    warm.args(["-c", project.warm]).timeout(LONG).run().expect_code(0);
    fs::write(log.join("log"), "").unwrap();

    let run = run(&home).expect_code(0);

    let mut told = Told::new();
    for line in fs::read_to_string(log.join("log")).unwrap().lines() {
        *told.entry(line.to_owned()).or_default() += 1;
    }
    (told, run)
}

fn write_program(path: &PathBuf, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What is told more often in the second.
fn more(first: &Told, second: &Told) -> Vec<String> {
    let count =
        |line: &String| second[line] - first.get(line).copied().unwrap_or(0).min(second[line]);
    second.keys().flat_map(|line| vec![line.clone(); count(line)]).collect()
}

fn costs(project: &Project, run: fn(&Home) -> Run) -> Vec<String> {
    let (alone, untouched) = worked(project, false, run);
    let (both, touched) = worked(project, true, run);
    assert!(!untouched.stderr.contains("with the tests as they were"), "{untouched}");
    assert!(touched.stderr.contains("with the tests as they were"), "{touched}");
    assert!(!both.is_empty(), "{touched}");
    assert_eq!(more(&both, &alone), [""; 0], "{alone:?} {both:?}");
    more(&alone, &both)
}

fn here(home: &Home) -> Run {
    home.openkoi([TASK, "-i", "1"]).timeout(LONG).run()
}

#[cfg(target_os = "linux")]
fn without_layers(home: &Home) -> Run {
    use openkoi_test_support::kernel::{Missing, without};
    openkoi_test_support::binary::openkoi();
    without(&[libc::SYS_unshare], Missing::IsSaid, || here(home))
}

#[test]
fn the_frozen_run_compiles_the_changed_test_of_a_crate_and_nothing_else() {
    assert_eq!(costs(&CARGO, here), ["compiled half (test)"]);
}

#[test]
fn the_frozen_run_builds_nothing_of_a_package_whose_tests_alone_changed() {
    assert_eq!(costs(&NODE, here), ["ran"]);
}

#[test]
fn the_frozen_run_of_gradle_compiles_the_tests_and_not_the_product() {
    let here_is = |path: &str| Path::new(path).exists();
    if !here_is("/usr/bin/gradle") || !here_is("/usr/share/maven-repo/junit/junit") {
        let name = "the_frozen_run_of_gradle_compiles_the_tests_and_not_the_product";
        openkoi_test_support::skip::skip(name, "Debian's Gradle and junit4 are not installed");
        return;
    }
    // Where the workspace lies in a shared place, programs have none of their own, and Gradle writes to no other.
    if std::env::temp_dir().starts_with("/tmp") {
        let name = "the_frozen_run_of_gradle_compiles_the_tests_and_not_the_product";
        openkoi_test_support::skip::skip(name, "needs a TMPDIR outside of /tmp");
        return;
    }
    assert_eq!(costs(&GRADLE, here), ["compiled the tests", "compiled the tests", "ran"]);
}

#[test]
fn the_frozen_run_makes_the_changed_test_and_nothing_else() {
    assert_eq!(costs(&MAKE, here), CHANGED_AND_AS_IT_WAS);
}

#[cfg(target_os = "linux")]
#[test]
fn a_copy_of_a_workspace_is_as_warm_as_the_workspace() {
    assert_eq!(costs(&CARGO, without_layers), ["compiled half (test)"]);
    assert_eq!(costs(&NODE, without_layers), ["ran"]);
    assert_eq!(costs(&MAKE, without_layers), CHANGED_AND_AS_IT_WAS);
}
