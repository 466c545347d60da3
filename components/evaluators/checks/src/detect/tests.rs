//! Layouts of projects as data: the files of each, and its checks.

use openkoi_sdk::evaluator::ChangeKind;

use super::*;
use crate::world::tests::Fake;

pub(crate) fn found(world: &Fake) -> Vec<String> {
    found_with(world, &[])
}

fn found_with(world: &Fake, changed: &[&str]) -> Vec<String> {
    let changes: Vec<Change> = changed
        .iter()
        .map(|path| Change { path: (*path).to_owned(), kind: ChangeKind::Modified })
        .collect();
    plans(world, &changes).iter().map(|plan| format!("{}: {}", plan.id, plan.command())).collect()
}

/// A project: its name, its files with their texts, and its checks.
type Layout = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// What every Python command begins with is left out of the expectations.
const PYTHON: &str = "python3 --check-hash-based-pycs always";
const PYTEST: &str =
    "-m pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";

const LAYOUTS: &[Layout] = &[
    (
        "crate",
        &[("Cargo.toml", "[package]"), ("src/lib.rs", "")],
        &[
            "cargo:build: cargo test --no-run --offline",
            "cargo:test: cargo test --no-fail-fast --offline",
        ],
    ),
    (
        "cargo workspace with clippy",
        &[
            ("Cargo.toml", "[workspace]\n[workspace.lints.clippy]"),
            ("a/Cargo.toml", "[package]"),
            ("b/c/Cargo.toml", ""),
        ],
        &[
            "cargo:build: cargo test --no-run --offline --workspace",
            "cargo:test: cargo test --no-fail-fast --offline --workspace",
            "cargo:clippy: cargo clippy --all-targets --offline --workspace",
        ],
    ),
    (
        "crate deep in a repository",
        &[("services/core/engine/Cargo.toml", "[package]")],
        &[
            "cargo:build@services/core/engine: cargo test --no-run --offline",
            "cargo:test@services/core/engine: cargo test --no-fail-fast --offline",
        ],
    ),
    (
        "go module",
        &[("go.mod", "module m")],
        &[
            "go:build: go build -o /dev/null ./...",
            "go:vet: go vet ./...",
            "go:test: go test -json ./...",
        ],
    ),
    (
        "go workspace with a linter",
        &[("go.work", "use ./a"), ("a/go.mod", "module a"), (".golangci.yml", "")],
        &[
            "go:build@a: go build -o /dev/null ./...",
            "go:vet@a: go vet ./...",
            "go:test@a: go test -json ./...",
            "go:golangci-lint@a: golangci-lint run ./...",
        ],
    ),
    (
        "pytest by settings",
        &[("pytest.ini", ""), ("tests/test_a.py", "")],
        &["python:pytest: PYTHON PYTEST"],
    ),
    (
        "pytest by its dependencies",
        &[
            ("pyproject.toml", "[dependency-groups]\ndev = ['pytest']"),
            ("tests/test_a.py", "import a"),
        ],
        &["python:pytest: PYTHON PYTEST"],
    ),
    (
        "pytest in a virtual environment",
        &[("venv/bin/python", ""), ("venv/bin/pytest", ""), ("test_a.py", "import unittest")],
        &["python:pytest: venv/bin/python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "uv workspace",
        &[
            ("pyproject.toml", "[tool.uv.workspace]\nmembers = ['libs/*']"),
            ("uv.lock", ""),
            ("libs/a/pyproject.toml", "[tool.pytest.ini_options]"),
            ("libs/b/pyproject.toml", "[tool.pytest.ini_options]"),
        ],
        &[
            "python:pytest@libs/a: uv run --isolated --offline --frozen python --check-hash-based-pycs always PYTEST",
            "python:pytest@libs/b: uv run --isolated --offline --frozen python --check-hash-based-pycs always PYTEST",
        ],
    ),
    (
        "poetry",
        &[("pyproject.toml", "[tool.poetry]\n[tool.pytest.ini_options]"), ("poetry.lock", "")],
        &["python:pytest: poetry run python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "pipenv",
        &[("Pipfile", "pytest = '*'"), ("tests/test_a.py", "")],
        &["python:pytest: pipenv run python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "pdm",
        &[("pyproject.toml", "[tool.pytest.ini_options]"), ("pdm.lock", "")],
        &["python:pytest: pdm run python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "hatch",
        &[("pyproject.toml", "[tool.hatch.envs.default]\n[tool.pytest.ini_options]")],
        &["python:pytest: hatch run python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "tox",
        &[
            ("tox.ini", "[testenv]\ncommands = pytest"),
            (".tox/py312/bin/python", ""),
            ("tests/test_a.py", ""),
        ],
        &["python:pytest: .tox/py312/bin/python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "nox",
        &[
            ("noxfile.py", "session.run('pytest')"),
            (".nox/tests/bin/python", ""),
            ("tests/test_a.py", ""),
        ],
        &["python:pytest: .nox/tests/bin/python --check-hash-based-pycs always PYTEST"],
    ),
    (
        "unittest beside the code",
        &[("a.py", ""), ("test_a.py", "import unittest")],
        &["python:unittest: PYTHON -m unittest discover -v"],
    ),
    (
        "unittest in a folder that is no package",
        &[("a.py", ""), ("tests/test_a.py", "import unittest")],
        &["python:unittest:tests: PYTHON -m unittest discover -v -s tests"],
    ),
    (
        "unittest with a source folder",
        &[
            ("src/a/__init__.py", ""),
            ("tests/__init__.py", ""),
            ("tests/test_a.py", "import unittest"),
        ],
        &["python:unittest: env PYTHONPATH=src PYTHON -m unittest discover -v"],
    ),
    (
        "django",
        &[
            ("manage.py", "from django.core.management import execute_from_command_line"),
            ("app/tests.py", ""),
        ],
        &["python:django: PYTHON manage.py test --noinput -v 2"],
    ),
    (
        "linters of Python",
        &[
            ("pyproject.toml", "[tool.ruff]\n[tool.mypy]\n[tool.pyright]\n[tool.pylint]"),
            (".flake8", ""),
        ],
        &[
            "python:mypy: mypy --no-color-output --cache-dir=/dev/null .",
            "python:pyright: pyright",
            "python:ruff: ruff check --no-cache .",
            "python:flake8: flake8",
            "python:pylint: pylint --recursive=y .",
        ],
    ),
    (
        "npm scripts",
        &[
            (
                "package.json",
                r#"{"scripts":{"test":"node --test","build":"tsc","lint":"eslint ."}}"#,
            ),
            ("tsconfig.json", ""),
        ],
        &[
            "node:build: npm run build",
            "node:lint: npm run lint",
            "node:test: node --test-reporter=tap --test",
            "node:tsc: npx --no-install tsc --noEmit",
        ],
    ),
    (
        "jest without a script",
        &[("package.json", "{}"), ("jest.config.js", ""), ("node_modules/.bin/jest", "")],
        &["node:test: node_modules/.bin/jest --json"],
    ),
    (
        "vitest in a workspace of pnpm",
        &[
            ("package.json", "{}"),
            ("pnpm-workspace.yaml", ""),
            ("pnpm-lock.yaml", ""),
            ("packages/a/package.json", r#"{"scripts":{"test":"vitest"}}"#),
            ("packages/b/package.json", "{}"),
            ("packages/b/vitest.config.ts", ""),
        ],
        &[
            "node:test@packages/a: pnpm run test --run --reporter=default --reporter=json",
            "node:test@packages/b: npx --no-install vitest run --reporter=default --reporter=json",
        ],
    ),
    (
        "mocha with yarn",
        &[("package.json", r#"{"scripts":{"test":"mocha"}}"#), ("yarn.lock", "")],
        &["node:test: yarn run test --reporter json"],
    ),
    (
        "jest in yarn without node_modules",
        &[
            ("package.json", r#"{"devDependencies":{"jest":"^29"}}"#),
            ("yarn.lock", ""),
            (".pnp.cjs", ""),
        ],
        &["node:test: yarn jest --json"],
    ),
    (
        "ava",
        &[("package.json", r#"{"devDependencies":{"ava":"6"}}"#)],
        &["node:test: npx --no-install ava --tap"],
    ),
    (
        "node's own runner",
        &[("package.json", "{}"), ("test/a.test.js", "require('node:test')")],
        &["node:test: node --test-reporter=tap --test"],
    ),
    (
        "bun",
        &[("package.json", "{}"), ("bun.lock", ""), ("a.test.ts", "")],
        &["node:test: bun test"],
    ),
    (
        "linters of JavaScript",
        &[
            ("package.json", "{}"),
            ("eslint.config.mjs", ""),
            ("biome.json", ""),
            (".oxlintrc.json", ""),
        ],
        &[
            "node:eslint: npx --no-install eslint .",
            "node:biome: npx --no-install biome lint .",
            "node:oxlint: npx --no-install oxlint",
        ],
    ),
    (
        "turbo",
        &[
            ("package.json", r#"{"scripts":{"test":"turbo run test"}}"#),
            ("turbo.json", ""),
            ("apps/web/package.json", r#"{"scripts":{"test":"jest"}}"#),
        ],
        &["node:test: npm run test"],
    ),
    (
        "deno",
        &[("deno.json", "{}"), ("a_test.ts", "")],
        &[
            "deno:test: deno test --cached-only --no-prompt --allow-read --allow-env",
            "deno:check: deno check --cached-only .",
        ],
    ),
    (
        "maven with modules",
        &[("pom.xml", "<modules><module>core</module></modules>"), ("core/pom.xml", "<project/>")],
        &["maven:test: mvn --offline --batch-mode --fail-at-end -DfailIfNoTests=false test"],
    ),
    (
        "maven with its wrapper",
        &[("pom.xml", "<project/>"), ("mvnw", "")],
        &["maven:test: sh ./mvnw --offline --batch-mode --fail-at-end -DfailIfNoTests=false test"],
    ),
    (
        "gradle with its wrapper",
        &[("settings.gradle.kts", ""), ("gradlew", ""), ("app/build.gradle.kts", "")],
        &["gradle:test: sh ./gradlew --offline --continue --console=plain cleanTest test"],
    ),
    (
        "gradle beside others",
        &[("android/build.gradle", ""), ("ios/Package.swift", "")],
        &[
            "gradle:test@android: gradle --offline --continue --console=plain cleanTest test",
            "swift:test@ios: swift test --parallel --disable-sandbox --skip-update",
        ],
    ),
    ("sbt", &[("build.sbt", "")], &["sbt:test: sbt -Dsbt.offline=true -Dsbt.color=false test"]),
    ("leiningen", &[("project.clj", "")], &["lein:test: lein -o test"]),
    ("clojure", &[("deps.edn", "{:aliases {:test {}}}")], &["clojure:test: clojure -M:test"]),
    (
        "solution of .NET",
        &[
            ("Pond.sln", ""),
            ("src/Pond/Pond.csproj", ""),
            ("tests/Pond.Tests/Pond.Tests.csproj", ""),
        ],
        &["dotnet:test: dotnet test --nologo"],
    ),
    (
        "rspec",
        &[("Gemfile", "gem 'rspec'"), (".rspec", ""), ("spec/a_spec.rb", ""), (".rubocop.yml", "")],
        &["ruby:rspec: bundle exec rspec", "ruby:rubocop: bundle exec rubocop --cache false"],
    ),
    (
        "minitest by rake",
        &[("Rakefile", "Rake::TestTask.new"), ("test/a_test.rb", "")],
        &["ruby:test: rake test TESTOPTS=-v"],
    ),
    (
        "rails",
        &[("Gemfile", ""), ("bin/rails", ""), ("test/a_test.rb", "")],
        &["ruby:test: ruby bin/rails test -v"],
    ),
    (
        "phpunit",
        &[
            ("composer.json", "{}"),
            ("phpunit.xml.dist", ""),
            ("vendor/bin/phpunit", ""),
            ("phpstan.neon", ""),
        ],
        &["php:test: vendor/bin/phpunit", "php:phpstan: phpstan analyse --no-progress"],
    ),
    (
        "pest",
        &[("composer.json", "{}"), ("tests/Pest.php", ""), ("vendor/bin/pest", "")],
        &["php:test: vendor/bin/pest"],
    ),
    (
        "cmake with tests",
        &[
            ("CMakeLists.txt", "enable_testing()\nadd_subdirectory(lib)"),
            ("lib/CMakeLists.txt", "add_test(a)"),
        ],
        &["cmake:test: ctest --output-on-failure --no-tests=error", "cmake:build: cmake --build"],
    ),
    ("meson", &[("meson.build", "test('a', exe)")], &["meson:test: meson test --print-errorlogs"]),
    (
        "bazel",
        &[("MODULE.bazel", ""), ("app/BUILD.bazel", "")],
        &[
            "bazel:test: bazel test --test_output=errors --noshow_progress --color=no --keep_going //...",
        ],
    ),
    (
        "mix",
        &[("mix.exs", ""), (".credo.exs", "")],
        &["mix:test: mix test --trace --no-color", "mix:credo: mix credo"],
    ),
    (
        "mix umbrella",
        &[("mix.exs", "apps_path: \"apps\""), ("apps/a/mix.exs", "")],
        &["mix:test: mix test --trace --no-color"],
    ),
    ("rebar3", &[("rebar.config", "")], &["rebar3:test: rebar3 eunit --verbose"]),
    ("gleam", &[("gleam.toml", "")], &["gleam:test: gleam test"]),
    (
        "swift",
        &[("Package.swift", "")],
        &["swift:test: swift test --parallel --disable-sandbox --skip-update"],
    ),
    (
        "dart",
        &[("pubspec.yaml", ""), ("test/a_test.dart", ""), ("analysis_options.yaml", "")],
        &["dart:test: dart test", "dart:analyze: dart analyze"],
    ),
    (
        "flutter",
        &[("pubspec.yaml", "sdk: flutter"), ("test/a_test.dart", "")],
        &["dart:test: flutter test --no-pub"],
    ),
    (
        "zig",
        &[("build.zig", "b.step(\"test\", \"\")")],
        &["zig:test: zig build test --summary all", "zig:build: zig build"],
    ),
    (
        "cabal",
        &[("pond.cabal", "")],
        &["cabal:test: cabal test all --offline --test-show-details=failures"],
    ),
    ("stack", &[("stack.yaml", ""), ("pond.cabal", "")], &["stack:test: stack test --no-terminal"]),
    ("dune", &[("dune-project", "")], &["dune:test: dune test --no-buffer"]),
    ("crystal", &[("shard.yml", ""), ("spec/a_spec.cr", "")], &["crystal:spec: crystal spec"]),
    ("nim", &[("pond.nimble", "")], &["nimble:test: nimble --offline test"]),
    (
        "julia",
        &[("Project.toml", ""), ("test/runtests.jl", "")],
        &["julia:test: julia --project=. test/runtests.jl"],
    ),
    ("foundry", &[("foundry.toml", "")], &["forge:test: forge test --offline --junit"]),
    ("perl", &[("lib/A.pm", ""), ("t/a.t", "")], &["perl:test: prove -l -r -v --merge t"]),
    ("lua", &[(".busted", "")], &["lua:busted: busted --output=TAP"]),
    ("bats", &[("test/a.bats", "")], &["bats:test: bats --formatter tap -r test"]),
    ("shellspec", &[(".shellspec", "")], &["shellspec:test: shellspec --format tap"]),
    (
        "make",
        &[("Makefile", "test:\n\t./run\nlint:\n\tx")],
        &["make:test: make test", "make:lint: make lint"],
    ),
    ("just", &[("justfile", "test:\n  ./run")], &["just:test: just test"]),
    ("task", &[("Taskfile.yml", "tasks:\n  test:\n    cmd: x")], &["task:test: task test"]),
    ("plain script", &[("test.sh", "echo ok a")], &["script:test: sh test.sh"]),
    (
        "instructions",
        &[("AGENTS.md", "Run the tests with `bash ci/test.sh`.")],
        &["named:test: bash ci/test.sh"],
    ),
    (
        "many projects side by side",
        &[
            ("api/go.mod", ""),
            ("web/package.json", r#"{"scripts":{"test":"jest"}}"#),
            ("libs/py/a/pytest.ini", ""),
            ("libs/py/b/pytest.ini", ""),
            ("libs/rs/a/Cargo.toml", "[package]"),
            ("tools/x/y/z/Makefile", "test:\n\tx"),
            ("node_modules/m/package.json", r#"{"scripts":{"test":"x"}}"#),
            ("tests/fixtures/p/go.mod", ""),
        ],
        &[
            "go:build@api: go build -o /dev/null ./...",
            "go:vet@api: go vet ./...",
            "go:test@api: go test -json ./...",
            "node:test@web: npm run test -- --json",
            "python:pytest@libs/py/a: PYTHON PYTEST",
            "python:pytest@libs/py/b: PYTHON PYTEST",
            "cargo:build@libs/rs/a: cargo test --no-run --offline",
            "cargo:test@libs/rs/a: cargo test --no-fail-fast --offline",
            "make:test@tools/x/y/z: make test",
        ],
    ),
];

fn world(files: &[(&str, &str)]) -> Fake {
    let managers = ["python3", "uv", "poetry", "pipenv", "pdm", "hatch"];
    let world = managers.iter().fold(Fake::default(), |world, program| world.program(program));
    files.iter().fold(world, |world, (path, text)| world.file(path, text))
}

fn expected(lines: &[&str]) -> Vec<String> {
    let spelled =
        |line: &&str| line.replace("PYTHON ", &format!("{PYTHON} ")).replace("PYTEST", PYTEST);
    lines.iter().map(spelled).collect()
}

#[test]
fn every_layout_finds_its_checks() {
    assert!(LAYOUTS.len() >= 60, "{}", LAYOUTS.len());
    for (name, files, checks) in LAYOUTS {
        assert_eq!(found(&world(files)), expected(checks), "{name}");
    }
}

#[test]
fn every_layout_finds_the_same_checks_after_any_change() {
    for (name, files, checks) in LAYOUTS {
        let mut before = expected(checks);
        before.sort();
        for (path, _) in *files {
            let mut after = found_with(&world(files), &[path]);
            after.sort();
            let kept = after.iter().filter(|check| before.contains(check)).count();
            assert_eq!(kept, before.len(), "{name}: {path}: {after:?}");
        }
    }
}

#[test]
fn every_layout_says_which_runner_is_missing() {
    for (name, files, _) in LAYOUTS {
        let mut world = world(files);
        let plans = plans(&world, &[]);
        for plan in &plans {
            let place = if plan.directory.is_empty() {
                String::new()
            } else {
                format!("{}$ ", plan.directory)
            };
            let said = format!("sh: 1: {}: not found\n", plan.arguments[0]);
            world = world.answers(&format!("{place}{}", plan.command()), 127, &said);
            if let Some(other) = &plan.instead {
                let said = format!("sh: 1: {}: not found\n", other[0]);
                world = world.answers(&format!("{place}{}", crate::plan::typed(other)), 127, &said);
            }
        }

        for check in crate::run::all(&world, &plans, &[]).unwrap().checks {
            let told = check.excerpt.contains("is not installed")
                || check.excerpt.contains("is not there")
                || check.excerpt.starts_with("not run: ");
            assert!(told, "{name}: {} {}", check.id, check.excerpt);
        }
    }
}

#[test]
fn a_workspace_without_a_project_has_no_checks() {
    let world = Fake::default().file("README.md", "hello").file("notes/a.txt", "x");

    assert_eq!(found(&world), Vec::<String>::new());
}

#[test]
fn what_the_change_can_touch_runs_first() {
    let world = Fake::default()
        .file("Makefile", "lint:\n\tx")
        .file("a/go.mod", "")
        .file("b/c/test.sh", "echo ok a");

    let ids: Vec<String> =
        plans(&world, &[Change { path: "b/c/d/x.sh".to_owned(), kind: ChangeKind::Modified }])
            .into_iter()
            .map(|plan| plan.id)
            .collect();

    assert_eq!(ids, ["make:lint", "script:test@b/c", "go:build@a", "go:vet@a", "go:test@a"]);
}

#[test]
fn a_changed_example_is_checked_and_an_untouched_one_is_not() {
    let world = Fake::default().file("test.sh", "echo ok a").file("examples/e/go.mod", "module m");

    assert_eq!(found(&world).len(), 1);
    assert_eq!(found_with(&world, &["examples/e/main.go"]).len(), 4);
}
