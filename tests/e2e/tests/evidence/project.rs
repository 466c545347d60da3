//! The projects that cases happen in: one function, `percent`, that is wrong in two of its three tests, in every
//! language and layout. Their files are fixtures.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use openkoi_test_support::{Tree, tree::Entry};

use super::step::Step;

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    /// The name of its fixture.
    pub name: &'static str,
    /// The file that has to be fixed.
    pub product: &'static str,
    /// The file with its tests.
    pub tests: &'static str,
    /// How a person runs its tests.
    pub command: &'static str,
    /// Prints what `percent` says of the numbers that it is called with, by nothing that is a test.
    probe: &'static str,
    /// What says that its toolchain is here.
    needs: &'static str,
}

const PYTHON: &str = r#"rm -rf __pycache__; python3 -S -B -c 'import sys; sys.path.insert(0, "."); from percent import percent
numbers = [int(n) for n in sys.argv[1:]]; print(*[percent(*pair) for pair in zip(numbers[::2], numbers[1::2])])' "$@""#;
const NODE: &str = r#"node -e 'const { percent } = require("./percent.js"); const numbers = process.argv.slice(1).map(Number);
const said = []; for (let n = 0; n < numbers.length; n += 2) said.push(percent(numbers[n], numbers[n + 1]));
console.log(said.join(" "))' "$@""#;
const SHELL: &str =
    r#"while [ $# -gt 0 ]; do printf '%s ' "$(. ./percent.sh; percent "$1" "$2")"; shift 2; done"#;
const C: &str = r#"cat > probe.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int percent(int part, int whole);
int main(int count, char **said) {
    for (int n = 1; n + 1 < count; n += 2) printf("%d ", percent(atoi(said[n]), atoi(said[n + 1])));
    return 0;
}
END
gcc -w -o probe probe.c percent.c && ./probe "$@""#;
const PERL: &str =
    r#"perl -Ilib -MPercent=percent -e 'while (@ARGV) { print percent(shift, shift), " " }' "$@""#;
const JAVA: &str = r#"cat > Probe.java <<'END'
final class Probe {
    public static void main(String[] said) {
        for (int n = 0; n < said.length; n += 2)
            System.out.print(Percent.of(Integer.parseInt(said[n]), Integer.parseInt(said[n + 1])) + " ");
    }
}
END
javac -d probe src/Percent.java Probe.java && java -cp probe Probe "$@""#;
const RUST: &str = r#"cat > probe.rs <<'END'
#[path = "src/lib.rs"]
mod product;
fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).map(|n| n.parse().unwrap()).collect();
    for pair in numbers.chunks(2) { print!("{} ", product::percent(pair[0], pair[1])); }
}
END
rustc --edition 2021 -A warnings -o probe probe.rs && ./probe "$@""#;

const UNITTEST: &str = "python3 -B -m unittest discover -v";

/// All of them.
pub(crate) const ALL: [Project; 11] = [
    project("python", "percent.py", "test_percent.py", UNITTEST, PYTHON, "python3 --version"),
    project("suite", "percent.py", "tests/test_percent.py", UNITTEST, PYTHON, "python3 --version"),
    project(
        "pytest",
        "percent.py",
        "tests/test_percent.py",
        "python3 -B -m pytest -p no:cacheprovider",
        PYTHON,
        "python3 -m pytest --version",
    ),
    project("node", "percent.js", "percent.test.js", "npm test", NODE, "npm --version"),
    project("web", "percent.js", "spec/percent.test.js", "npm test", NODE, "npm --version"),
    project("shell", "percent.sh", "test.sh", "sh test.sh", SHELL, ":"),
    project("exits", "percent.sh", "run_tests.sh", "sh run_tests.sh", SHELL, ":"),
    project("c", "percent.c", "test_percent.c", "make test", C, "make --version && gcc --version"),
    project(
        "perl",
        "lib/Percent.pm",
        "t/percent.t",
        "make test",
        PERL,
        "make --version && prove --version",
    ),
    project(
        "java",
        "src/Percent.java",
        "test/PercentTest.java",
        "make test",
        JAVA,
        "make --version && javac -version",
    ),
    project(
        "rust",
        "src/lib.rs",
        "tests/percent.rs",
        "cargo test --offline -q",
        RUST,
        "cargo --version",
    ),
];

const fn project(
    name: &'static str,
    product: &'static str,
    tests: &'static str,
    command: &'static str,
    probe: &'static str,
    needs: &'static str,
) -> Project {
    Project { name, product, tests, command, probe, needs }
}

/// Numbers of the tests and others, in pairs, and what is right.
const NUMBERS: [&str; 14] =
    ["1", "2", "0", "0", "2", "3", "1", "3", "5", "8", "7", "7", "3", "200"];
const RIGHT: &str = "50 0 67 33 63 100 2";

/// Returns the project of that name.
pub(crate) fn named(name: &str) -> &'static Project {
    let found = ALL.iter().find(|project| project.name == name);
    found.unwrap_or_else(|| panic!("there is no project `{name}`"))
}

impl Project {
    /// Returns its files, by path, with the product in `state`.
    pub(crate) fn files(&self, state: &str) -> Vec<(String, Vec<u8>)> {
        let files = Tree::read(&self.fixture("broken")).0.into_iter();
        let texts = files.filter_map(|(path, entry)| match entry {
            Entry::File { bytes, .. } => Some((path, bytes)),
            _ => None,
        });
        let product = |path: String, bytes| match path == self.product {
            true => (path, self.text(state)),
            false => (path, bytes),
        };
        texts.map(|(path, bytes)| product(path, bytes)).collect()
    }

    /// Returns the product in this state: `broken`, `half` or `fixed`.
    pub(crate) fn text(&self, state: &str) -> Vec<u8> {
        let path = self.fixture(state).join(self.product);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the step in which the product is written: `half` or `fix`.
    pub(crate) fn product_step(&self, word: &str) -> Step {
        let state = if word == "fix" { "fixed" } else { word };
        Step::Write { path: self.product.to_owned(), bytes: self.text(state) }
    }

    fn fixture(&self, state: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
        fixtures.join(self.name).join(state)
    }

    /// Returns whether its toolchain is on this machine, which is found out once for all of them.
    pub(crate) fn is_available(&self) -> bool {
        static AVAILABLE: OnceLock<BTreeSet<&str>> = OnceLock::new();
        let is_here =
            |project: &&Project| shell(Path::new("/"), project.needs, &[]).status.success();
        let find = || ALL.iter().filter(is_here).map(|project| project.name).collect();
        AVAILABLE.get_or_init(find).contains(self.name)
    }

    /// Returns whether the product in `tree` is right, for the numbers of the tests and for others.
    pub(crate) fn is_right(&self, tree: &Path) -> bool {
        let output = shell(copy(tree).path(), self.probe, &NUMBERS);
        String::from_utf8_lossy(&output.stdout).trim() == RIGHT
    }
}

/// Returns a copy of `tree` that goes when it is dropped: what runs there leaves nothing behind.
pub(crate) fn copy(tree: &Path) -> tempfile::TempDir {
    let scratch = tempfile::Builder::new().prefix("koi-proof-").tempdir().unwrap();
    let output =
        Command::new("cp").arg("-a").arg(tree.join(".")).arg(scratch.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    scratch
}

/// Runs a script in `directory`, with `arguments` behind it.
pub(crate) fn shell(directory: &Path, script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(arguments).current_dir(directory);
    // npm would write into the home of whoever runs the tests, and might look for a newer one of itself.
    command.env("npm_config_logs_max", "0").env("npm_config_update_notifier", "false");
    // Nothing that is built for a case may be found by another one, or by the tests themselves.
    command.env("CARGO_TARGET_DIR", directory.join("target")).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn every_project_is_wrong_then_half_right_then_right() {
    for project in ALL.iter().filter(|project| project.is_available()) {
        let ends = ["broken", "half", "fixed"].map(|state| {
            let place = tempfile::tempdir().unwrap();
            for (path, bytes) in project.files(state) {
                Step::Write { path, bytes }.apply(place.path());
            }
            let passes = shell(place.path(), project.command, &[]).status.success();
            (passes, project.is_right(place.path()))
        });

        let red = (false, false);
        assert_eq!(ends, [red, red, (true, true)], "{}", project.name);
    }
}
