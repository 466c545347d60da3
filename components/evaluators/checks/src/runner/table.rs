//! The table: one row a runner, by language. Of two rows for one check the first that is meant is taken.

use super::alone::Alone;
use super::manner::{Category, Manner};
use super::row::Runner;
use crate::report::Reporter;

const NO_DEPENDENCY: &str = "a dependency is not on this machine";

const CARGO: Runner = Runner {
    manner: Manner::Unlocked,
    lacks: &[
        ("no such command: `clippy`", "clippy is not installed"),
        ("is not installed for the toolchain", "a part of the toolchain is not installed"),
        ("--offline was specified", NO_DEPENDENCY),
        ("without the `--offline` flag", NO_DEPENDENCY),
        ("retry without the --offline flag", NO_DEPENDENCY),
    ],
    remedy: "run `cargo fetch`, or install Rust from https://rustup.rs",
    tests: &["tests/", "benches/", "tests.rs", "test.rs", "*_test.rs", "*_tests.rs", "*.snap"],
    settings: &[
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        ".cargo/",
        "rust-toolchain*",
        "clippy.toml",
        ".clippy.toml",
        "nextest.toml",
    ],
    tells: &["cfg!(test)", "not(test)", "NEXTEST", "NEXTEST_RUN_ID", "RUST_TEST_THREADS"],
    ..Runner::BASE
};

const GO: Runner = Runner {
    at: &["go.mod"],
    lacks: &[
        ("module lookup disabled by GOPROXY=off", NO_DEPENDENCY),
        ("no required module provides package", NO_DEPENDENCY),
        ("missing go.sum entry", NO_DEPENDENCY),
        ("requires go >=", "its version of Go is not installed"),
        ("toolchain not available", "its version of Go is not installed"),
    ],
    remedy: "run `go mod download`, or install Go from https://go.dev/dl",
    tests: &["*_test.go", "testdata/"],
    settings: &["go.mod", "go.sum", "go.work", "vendor/", ".golangci.*"],
    tells: &["testing.Testing", "test.v", "test.run", "test.timeout"],
    ..Runner::BASE
};

/// An interpreter that is begun and does not get to its own modules.
const NO_PYTHON: (&str, &str) = ("Fatal Python error: init", "its Python cannot start here");

const PYTHON: Runner = Runner {
    lacks: &[NO_PYTHON],
    tests: &[
        "test_*.py",
        "*_test.py",
        "tests.py",
        "tests/",
        "test/",
        "testing/",
        "conftest.py",
        "__snapshots__/",
        "*.ambr",
        "*.feature",
    ],
    settings: &[
        "pytest.ini",
        ".pytest.ini",
        "conftest.py",
        "tox.ini",
        "setup.cfg",
        "setup.py",
        "pyproject.toml",
        "noxfile.py",
        "sitecustomize.py",
        "usercustomize.py",
        "*.pth",
        ".coveragerc",
        "uv.lock",
        "poetry.lock",
        "Pipfile*",
        "pdm.lock",
        "requirements*.txt",
        ".python-version",
    ],
    tells: &[
        "PYTEST_CURRENT_TEST",
        "PYTEST_VERSION",
        "PYTEST_XDIST_WORKER",
        "pytest",
        "_pytest",
        "unittest",
    ],
    ..Runner::BASE
};

const NODE: Runner = Runner {
    lacks: &[
        ("npx canceled due to missing packages", "the dependencies are not installed"),
        ("could not determine executable to run", "the dependencies are not installed"),
        ("node_modules missing", "the dependencies are not installed"),
        ("ERR_PNPM_", "the dependencies are not installed"),
        ("Couldn't find the node_modules state file", "the dependencies are not installed"),
        ("error: Cannot find package", "the dependencies are not installed"),
        ("npm error code ENOTCACHED", NO_DEPENDENCY),
        ("npm error network", NO_DEPENDENCY),
        ("npx: command not found", "npm is not installed"),
    ],
    remedy: "install the packages with the project's package manager",
    tests: &[
        "*.test.*",
        "*.spec.*",
        "*-test.*",
        "*_test.*",
        "test.js",
        "test.mjs",
        "test.cjs",
        "test.ts",
        "__tests__/",
        "__mocks__/",
        "__snapshots__/",
        "__fixtures__/",
        "fixtures/",
        "test/",
        "tests/",
        "spec/",
        "*.snap",
    ],
    settings: &[
        "package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "pnpm-workspace.yaml",
        "yarn.lock",
        "bun.lock*",
        ".npmrc",
        ".yarnrc*",
        ".pnp.*",
        "bunfig.toml",
        "tsconfig*.json",
        "babel.config.*",
        ".babelrc*",
        ".swcrc",
        "turbo.json",
        "nx.json",
        "lerna.json",
    ],
    tells: &[
        "NODE_TEST_CONTEXT",
        "JEST_WORKER_ID",
        "VITEST",
        "VITEST_POOL_ID",
        "VITEST_WORKER_ID",
        "import.meta.vitest",
        "NODE_ENV",
        "npm_lifecycle_event",
    ],
    ..Runner::BASE
};

const JVM: Runner = Runner {
    remedy: "build it once with a network, so that its dependencies are here",
    tests: &[
        "src/test/",
        "src/*Test/",
        "src/testFixtures/",
        "src/it/",
        "*Test.java",
        "*Tests.java",
        "*IT.java",
        "*Test.kt",
        "*Spec.*",
    ],
    tells: &["surefire", "junit", "org.junit", "testng"],
    ..Runner::BASE
};

const RUBY: Runner = Runner {
    lacks: &[
        ("Could not find gem", NO_DEPENDENCY),
        ("Bundler::GemNotFound", NO_DEPENDENCY),
        ("Could not find", NO_DEPENDENCY),
        ("bundler: command not found", "the gems are not installed"),
        ("Run `bundle install`", "the gems are not installed"),
        ("can't find gem", "the gems are not installed"),
        ("rbenv: version", "its version of Ruby is not installed"),
    ],
    remedy: "run `bundle install`",
    tests: &["spec/", "test/", "features/", "*_spec.rb", "*_test.rb", "test_*.rb"],
    settings: &[
        "Gemfile*",
        "*.gemspec",
        "Rakefile",
        "rakelib/",
        ".rspec",
        ".rspec-local",
        ".ruby-version",
        ".rubocop*",
        ".simplecov",
    ],
    tells: &["RSpec", "Minitest", "RAILS_ENV", "RACK_ENV", "Rails.env.test?"],
    ..Runner::BASE
};

const PHP: Runner = Runner {
    lacks: &[
        ("Could not open input file", "its packages are not installed"),
        ("vendor/autoload.php", "its packages are not installed"),
    ],
    remedy: "run `composer install`",
    tests: &["tests/", "test/", "*Test.php", "*.phpt", "__snapshots__/"],
    settings: &[
        "composer.json",
        "composer.lock",
        "phpunit.xml*",
        "phpunit.dist.xml",
        "Pest.php",
        "phpstan*.neon*",
        "psalm.xml*",
        "php.ini",
    ],
    tells: &["PHPUnit", "PHPUNIT_COMPOSER_INSTALL", "__PHPUNIT_PHAR__"],
    ..Runner::BASE
};

const C: Runner = Runner {
    tests: &["test/", "tests/", "testing/", "test_*.*", "*_test.*", "*_tests.*", "*Test.*"],
    settings: &[
        "CMakeLists.txt",
        "*.cmake",
        "CMakePresets.json",
        "CTestConfig.cmake",
        "meson.build",
        "meson.options",
        "meson_options.txt",
        "Makefile*",
        "makefile",
        "GNUmakefile",
        "*.mk",
        "configure*",
        "vcpkg.json",
        "conanfile.*",
        "conftest.*",
    ],
    ..Runner::BASE
};

const HASKELL: Runner = Runner {
    covering: &[""],
    reporter: Reporter::Lines,
    lacks: &[
        ("unknown package", NO_DEPENDENCY),
        ("--offline was specified", NO_DEPENDENCY),
        ("Could not resolve dependencies", NO_DEPENDENCY),
        ("No compiler found", "its compiler is not installed"),
    ],
    remedy: "install GHC and its tools with ghcup, and build once with a network",
    tests: &["test/", "tests/", "*Spec.hs", "*Test.hs"],
    settings: &["*.cabal", "cabal.project*", "stack.yaml*", "package.yaml", "Setup.hs"],
    ..Runner::BASE
};

/// A build folder that is there is used; another one is made outside of the project, one for each path.
const CMAKE: &str = concat!(
    "build=build; [ -f build/CMakeCache.txt ] || build=\"${TMPDIR:-/tmp}/cmake-$(pwd | cksum | cut -d ' ' -f 1)\"; ",
    "cmake -S . -B \"$build\" && cmake --build \"$build\" && "
);
const CONFIGURED: &str = concat!(
    "build=build; [ -f build/CMakeCache.txt ] || build=\"${TMPDIR:-/tmp}/cmake-$(pwd | cksum | cut -d ' ' -f 1)\"; ",
    "cmake -S . -B \"$build\" && "
);
const MESON: &str = concat!(
    "build=build; [ -d build/meson-info ] || build=\"${TMPDIR:-/tmp}/meson-$(pwd | cksum | cut -d ' ' -f 1)\"; ",
    "[ -d \"$build/meson-info\" ] || meson setup \"$build\" || exit $?; "
);

/// The rows.
pub(crate) static RUNNERS: &[Runner] = &[
    // Rust
    Runner { name: "cargo-build", check: "cargo:build", category: Category::Build, ..CARGO },
    Runner {
        name: "cargo",
        check: "cargo:test",
        reporter: Reporter::Libtest,
        alone: Alone::Exact,
        needs: "cargo:build",
        ..CARGO
    },
    Runner {
        name: "clippy",
        check: "cargo:clippy",
        category: Category::Lint,
        needs: "cargo:build",
        ..CARGO
    },
    // Go
    Runner {
        name: "go-build",
        check: "go:build",
        category: Category::Build,
        run: &[("", "go build -o /dev/null ./...")],
        ..GO
    },
    Runner {
        name: "go-vet",
        check: "go:vet",
        category: Category::Lint,
        run: &[("", "go vet ./...")],
        needs: "go:build",
        ..GO
    },
    Runner {
        name: "go",
        check: "go:test",
        run: &[("", "go test -json ./...")],
        reporter: Reporter::Go,
        alone: Alone::Packages,
        ..GO
    },
    Runner {
        name: "golangci-lint",
        check: "go:golangci-lint",
        category: Category::Lint,
        at: &["go.mod + .golangci.*", "go.mod + ^.golangci.yml", "go.mod + ^.golangci.yaml"],
        run: &[("", "golangci-lint run ./...")],
        remedy: "install golangci-lint",
        ..GO
    },
    // Python
    Runner {
        name: "pytest",
        check: "python:pytest",
        manner: Manner::File("\"--junitxml=$report\""),
        reporter: Reporter::Pytest,
        alone: Alone::Handles,
        covering: &[""],
        apart: &[
            "pyproject.toml~[tool.pytest",
            "pytest.ini",
            "setup.cfg~[tool:pytest]",
            "tox.ini~[pytest]",
            ".venv/",
            "venv/",
        ],
        lacks: &[
            NO_PYTHON,
            ("No module named pytest", "pytest is not installed"),
            ("Failed to spawn: `pytest`", "pytest is not installed"),
            (
                "pytest: error: unrecognized arguments",
                "a plugin of pytest that its settings name is not installed",
            ),
            ("No solution found", NO_DEPENDENCY),
            ("Failed to fetch", NO_DEPENDENCY),
        ],
        remedy: "install pytest into the project's environment",
        ..PYTHON
    },
    Runner {
        name: "unittest",
        check: "python:unittest",
        reporter: Reporter::Unittest,
        alone: Alone::Modules,
        ..PYTHON
    },
    Runner {
        name: "django",
        check: "python:django",
        run: &[("", "{python} manage.py test --noinput -v 2")],
        reporter: Reporter::Unittest,
        alone: Alone::Handles,
        covering: &[""],
        lacks: &[
            NO_PYTHON,
            ("Couldn't import Django", "Django is not installed"),
            ("No module named 'django'", "Django is not installed"),
        ],
        remedy: "install the project's requirements",
        ..PYTHON
    },
    Runner {
        name: "mypy",
        check: "python:mypy",
        category: Category::Types,
        lacks: &[("No module named mypy", "mypy is not installed")],
        remedy: "install mypy",
        settings: &["mypy.ini", ".mypy.ini", "setup.cfg", "pyproject.toml"],
        ..PYTHON
    },
    Runner {
        name: "pyright",
        check: "python:pyright",
        category: Category::Types,
        at: &[
            "pyrightconfig.json",
            "pyproject.toml~[tool.pyright",
            "pyproject.toml~[tool.basedpyright",
        ],
        run: &[("pyproject.toml~basedpyright", "{py basedpyright}"), ("", "{py pyright}")],
        covering: &[""],
        remedy: "install pyright",
        settings: &["pyrightconfig.json", "pyproject.toml"],
        ..PYTHON
    },
    Runner {
        name: "ruff",
        check: "python:ruff",
        category: Category::Lint,
        at: &["ruff.toml", ".ruff.toml", "pyproject.toml~[tool.ruff"],
        run: &[("", "{py ruff} check --no-cache .")],
        covering: &[""],
        remedy: "install ruff",
        settings: &["ruff.toml", ".ruff.toml", "pyproject.toml"],
        ..PYTHON
    },
    Runner {
        name: "flake8",
        check: "python:flake8",
        category: Category::Lint,
        at: &[".flake8", "setup.cfg~[flake8]", "tox.ini~[flake8]"],
        run: &[("", "{py flake8}")],
        covering: &[""],
        remedy: "install flake8",
        settings: &[".flake8", "setup.cfg", "tox.ini"],
        ..PYTHON
    },
    Runner {
        name: "pylint",
        check: "python:pylint",
        category: Category::Lint,
        at: &[".pylintrc", "pylintrc", "pyproject.toml~[tool.pylint"],
        run: &[("", "{py pylint} --recursive=y .")],
        covering: &[""],
        remedy: "install pylint",
        settings: &[".pylintrc", "pylintrc", "pyproject.toml"],
        ..PYTHON
    },
    // JavaScript and TypeScript
    Runner { name: "node-build", check: "node:build", category: Category::Build, ..NODE },
    Runner { name: "node-types", check: "node:types", category: Category::Types, ..NODE },
    Runner { name: "node-lint", check: "node:lint", category: Category::Lint, ..NODE },
    // The script of a package of which nobody knows what it runs.
    Runner { name: "node-script", check: "node:test", reporter: Reporter::Any, ..NODE },
    Runner {
        name: "vitest",
        check: "node:test",
        at: &["vitest.config.*", "vitest.workspace.*", "package.json~\"vitest\":"],
        run: &[("", "{bin vitest} run --reporter=default --reporter=json")],
        manner: Manner::File("\"--outputFile=$report\""),
        reporter: Reporter::JavaScript,
        alone: Alone::Either("-t"),
        settings: &[
            "vitest.config.*",
            "vitest.workspace.*",
            "vitest.setup.*",
            "vite.config.*",
            "package.json",
        ],
        ..NODE
    },
    Runner {
        name: "jest",
        check: "node:test",
        at: &["jest.config.*", "package.json~\"jest\":"],
        run: &[("", "{bin jest} --json")],
        manner: Manner::File("\"--outputFile=$report\""),
        reporter: Reporter::JavaScript,
        alone: Alone::Either("-t"),
        settings: &[
            "jest.config.*",
            "jest.setup.*",
            "jest-setup.*",
            "setupTests.*",
            "package.json",
        ],
        ..NODE
    },
    Runner {
        name: "mocha",
        check: "node:test",
        at: &[".mocharc*", "package.json~\"mocha\":"],
        run: &[("", "{bin mocha} --reporter json")],
        reporter: Reporter::JavaScript,
        alone: Alone::Either("--grep"),
        settings: &[".mocharc*", "mocha.opts", "package.json"],
        ..NODE
    },
    Runner {
        name: "ava",
        check: "node:test",
        at: &["ava.config.*", "package.json~\"ava\":"],
        run: &[("", "{bin ava} --tap")],
        reporter: Reporter::Tap,
        settings: &["ava.config.*", "package.json"],
        ..NODE
    },
    Runner {
        name: "bun",
        check: "node:test",
        at: &[
            "package.json + bun.lock + *.test.*",
            "package.json + bun.lockb + *.test.*",
            "package.json + bun.lock + test/",
            "bunfig.toml~[test]",
        ],
        run: &[("", "bun test")],
        manner: Manner::File("--reporter=junit \"--reporter-outfile=$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Either("-t"),
        remedy: "install Bun from https://bun.sh",
        ..NODE
    },
    Runner {
        name: "node",
        check: "node:test",
        reporter: Reporter::Tap,
        alone: Alone::Whole,
        remedy: "install Node.js",
        ..NODE
    },
    // Browsers and servers are not started unasked: only a script of the package runs these two.
    Runner {
        name: "playwright",
        check: "node:test",
        reporter: Reporter::Any,
        settings: &["playwright.config.*", "package.json"],
        ..NODE
    },
    Runner {
        name: "cypress",
        check: "node:test",
        reporter: Reporter::Any,
        tests: &["cypress/", "*.cy.*"],
        settings: &["cypress.config.*", "cypress.json", "package.json"],
        ..NODE
    },
    Runner {
        name: "tsc",
        check: "node:tsc",
        category: Category::Types,
        at: &["package.json + tsconfig.json"],
        run: &[("", "{bin tsc} --noEmit")],
        fills: true,
        ..NODE
    },
    Runner {
        name: "eslint",
        check: "node:eslint",
        category: Category::Lint,
        at: &["eslint.config.*", ".eslintrc*", "package.json~\"eslintConfig\""],
        run: &[("", "{bin eslint} .")],
        covering: &[""],
        apart: &["eslint.config.*"],
        fills: true,
        settings: &["eslint.config.*", ".eslintrc*", ".eslintignore", "package.json"],
        ..NODE
    },
    Runner {
        name: "biome",
        check: "node:biome",
        category: Category::Lint,
        at: &["biome.json", "biome.jsonc"],
        run: &[("", "{bin biome} lint .")],
        covering: &[""],
        fills: true,
        settings: &["biome.json*", "package.json"],
        ..NODE
    },
    Runner {
        name: "oxlint",
        check: "node:oxlint",
        category: Category::Lint,
        at: &[".oxlintrc.json"],
        run: &[("", "{bin oxlint}")],
        covering: &[""],
        fills: true,
        settings: &[".oxlintrc.json", "package.json"],
        ..NODE
    },
    Runner {
        name: "deno",
        check: "deno:test",
        at: &["deno.json", "deno.jsonc"],
        run: &[("", "deno test --cached-only --no-prompt --allow-read --allow-env")],
        manner: Manner::File("\"--junit-path=$report\""),
        reporter: Reporter::Junit(""),
        covering: &[""],
        lacks: &[
            ("--cached-only is specified", NO_DEPENDENCY),
            ("JSR package manifest", NO_DEPENDENCY),
        ],
        remedy: "install Deno from https://deno.com, and run `deno install`",
        settings: &["deno.json*", "deno.lock", "import_map.json"],
        ..NODE
    },
    Runner {
        name: "deno-check",
        check: "deno:check",
        category: Category::Types,
        at: &["deno.json", "deno.jsonc"],
        run: &[("", "deno check --cached-only .")],
        covering: &[""],
        lacks: &[("--cached-only is specified", NO_DEPENDENCY)],
        remedy: "install Deno from https://deno.com, and run `deno install`",
        settings: &["deno.json*", "deno.lock"],
        ..NODE
    },
    // Java, Kotlin, Scala, Clojure
    Runner {
        name: "maven",
        check: "maven:test",
        anew: "find . -path '*/target/*' -name '*.class' -type f -exec rm -f {} +; ",
        at: &["pom.xml"],
        run: &[
            ("mvnw", "sh ./mvnw --offline --batch-mode --fail-at-end -DfailIfNoTests=false test"),
            ("", "mvn --offline --batch-mode --fail-at-end -DfailIfNoTests=false test"),
        ],
        manner: Manner::Files("-path '*-reports/TEST-*.xml'"),
        reporter: Reporter::Junit("#"),
        alone: Alone::Joined("-Dtest=", ","),
        covering: &["pom.xml~<module>"],
        lacks: &[
            ("in offline mode", NO_DEPENDENCY),
            ("was not found in", NO_DEPENDENCY),
            ("Could not resolve dependencies", NO_DEPENDENCY),
            ("Failed to read artifact descriptor", NO_DEPENDENCY),
            ("JAVA_HOME", "no Java is installed"),
        ],
        settings: &["pom.xml", ".mvn/", "mvnw", "junit-platform.properties", "testng*.xml"],
        ..JVM
    },
    Runner {
        name: "gradle",
        check: "gradle:test",
        at: &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"],
        run: &[
            ("gradlew", "sh ./gradlew --offline --continue --console=plain cleanTest test"),
            ("", "gradle --offline --continue --console=plain cleanTest test"),
        ],
        manner: Manner::Files("-path '*/test-results/*' -name 'TEST-*.xml'"),
        reporter: Reporter::Junit("."),
        alone: Alone::Each("--tests"),
        covering: &["settings.gradle", "settings.gradle.kts"],
        apart: &["settings.gradle", "settings.gradle.kts"],
        lacks: &[
            ("available for offline mode", NO_DEPENDENCY),
            (
                "Exception in thread \"main\" java.net",
                "its version of Gradle is not on this machine",
            ),
            ("java.net.UnknownHostException", "its version of Gradle is not on this machine"),
            ("JAVA_HOME", "no Java is installed"),
            ("Could not start Gradle daemon", "its daemon cannot be started here"),
            ("SDK location not found", "the Android SDK is not installed"),
        ],
        settings: &[
            "*.gradle",
            "*.gradle.kts",
            "gradle.properties",
            "gradle/",
            "gradlew",
            "buildSrc/",
            "libs.versions.toml",
        ],
        ..JVM
    },
    Runner {
        name: "sbt",
        check: "sbt:test",
        at: &["build.sbt"],
        run: &[("", "sbt -Dsbt.offline=true -Dsbt.color=false test")],
        manner: Manner::Files("-path '*/test-reports/*.xml'"),
        reporter: Reporter::Junit("."),
        covering: &[""],
        lacks: &[("Error downloading", NO_DEPENDENCY), ("not found in offline", NO_DEPENDENCY)],
        settings: &["*.sbt", "project/", ".scalafmt.conf"],
        ..JVM
    },
    Runner {
        name: "leiningen",
        check: "lein:test",
        at: &["project.clj"],
        run: &[("", "lein -o test")],
        reporter: Reporter::Lines,
        lacks: &[("in offline mode", NO_DEPENDENCY)],
        tests: &["test/", "*_test.clj*"],
        settings: &["project.clj", "profiles.clj"],
        ..JVM
    },
    Runner {
        name: "clojure",
        check: "clojure:test",
        at: &["deps.edn~:test"],
        run: &[("", "clojure -M:test")],
        reporter: Reporter::Lines,
        lacks: &[("Error building classpath", NO_DEPENDENCY)],
        tests: &["test/", "*_test.clj*"],
        settings: &["deps.edn", "tests.edn"],
        ..JVM
    },
    // .NET
    Runner {
        name: "dotnet",
        check: "dotnet:test",
        at: &["*.sln", "*.slnx", "*.csproj", "*.fsproj"],
        run: &[("", "dotnet test --nologo")],
        manner: Manner::File("--logger trx --results-directory \"$report\""),
        reporter: Reporter::Trx,
        alone: Alone::Joined("--filter=", "|"),
        covering: &[""],
        lacks: &[
            ("error NU1", NO_DEPENDENCY),
            ("NETSDK1045", "its version of .NET is not installed"),
            ("A compatible .NET SDK was not found", "its version of .NET is not installed"),
        ],
        remedy: "run `dotnet restore`, or install the .NET SDK",
        tests: &[
            "*.Tests/",
            "*.Test/",
            "*.UnitTests/",
            "*.IntegrationTests/",
            "*Tests.cs",
            "*Test.cs",
            "*Tests.fs",
            "test/",
            "tests/",
        ],
        settings: &[
            "*.csproj",
            "*.fsproj",
            "*.sln",
            "*.slnx",
            "Directory.Build.*",
            "Directory.Packages.props",
            "global.json",
            "*.runsettings",
            "nuget.config",
            "xunit.runner.json",
        ],
        tells: &["VSTEST_HOST_DEBUG", "xunit", "nunit"],
        ..Runner::BASE
    },
    // Ruby
    Runner {
        name: "rspec",
        check: "ruby:rspec",
        at: &[".rspec", "spec/spec_helper.rb", "Gemfile~rspec + spec/"],
        run: &[("", "{bundle}rspec")],
        manner: Manner::File("--format progress --format json --out \"$report\""),
        reporter: Reporter::Rspec,
        alone: Alone::Handles,
        ..RUBY
    },
    Runner {
        name: "rails",
        check: "ruby:test",
        at: &["bin/rails + test/"],
        run: &[("", "ruby bin/rails test -v")],
        reporter: Reporter::Minitest,
        ..RUBY
    },
    Runner {
        name: "minitest",
        check: "ruby:test",
        at: &["Rakefile~TestTask + test/", "Rakefile~Minitest + test/"],
        run: &[("", "{bundle}rake test TESTOPTS=-v")],
        reporter: Reporter::Minitest,
        ..RUBY
    },
    Runner {
        name: "rubocop",
        check: "ruby:rubocop",
        category: Category::Lint,
        at: &[".rubocop.yml", ".standard.yml"],
        run: &[
            (".standard.yml + !.rubocop.yml", "{bundle}standardrb"),
            ("", "{bundle}rubocop --cache false"),
        ],
        covering: &[""],
        ..RUBY
    },
    // PHP
    Runner {
        name: "pest",
        check: "php:test",
        at: &["tests/Pest.php", "composer.json~pestphp/pest\""],
        run: &[("", "{vendor pest}")],
        manner: Manner::File("\"--log-junit=$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Either("--filter="),
        ..PHP
    },
    Runner {
        name: "phpunit",
        check: "php:test",
        at: &[
            "phpunit.xml",
            "phpunit.xml.dist",
            "phpunit.dist.xml",
            "composer.json~phpunit/phpunit",
        ],
        run: &[("", "{vendor phpunit}")],
        manner: Manner::File("\"--log-junit=$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Either("--filter="),
        ..PHP
    },
    Runner {
        name: "phpstan",
        check: "php:phpstan",
        category: Category::Types,
        at: &["phpstan.neon", "phpstan.neon.dist", "phpstan.dist.neon"],
        run: &[("", "{vendor phpstan} analyse --no-progress")],
        ..PHP
    },
    Runner {
        name: "psalm",
        check: "php:psalm",
        category: Category::Types,
        at: &["psalm.xml", "psalm.xml.dist"],
        run: &[("", "{vendor psalm} --no-cache --no-progress")],
        ..PHP
    },
    // C and C++
    Runner {
        name: "ctest",
        check: "cmake:test",
        at: &[
            "CMakeLists.txt~enable_testing",
            "CMakeLists.txt~include(CTest)",
            "CMakeLists.txt~add_test",
            "CMakeLists.txt~_discover_tests",
        ],
        run: &[("", "ctest --output-on-failure --no-tests=error")],
        manner: Manner::Before(CMAKE, "--test-dir \"$build\" --output-junit \"$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Precisely("-R"),
        covering: &[""],
        remedy: "install CMake and a compiler",
        tells: &["CTEST_INTERACTIVE_DEBUG_MODE", "DASHBOARD_TEST_FROM_CTEST"],
        ..C
    },
    Runner {
        name: "cmake",
        check: "cmake:build",
        category: Category::Build,
        at: &["CMakeLists.txt"],
        run: &[("", "cmake --build")],
        manner: Manner::Before(CONFIGURED, "\"$build\""),
        covering: &[""],
        remedy: "install CMake and a compiler",
        ..C
    },
    Runner {
        name: "meson",
        check: "meson:test",
        at: &["meson.build~test("],
        run: &[("", "meson test --print-errorlogs")],
        manner: Manner::Before(
            MESON,
            "-C \"$build\"; code=$?; cp \"$build/meson-logs/testlog.junit.xml\" \"$report\"; (exit $code)",
        ),
        reporter: Reporter::Junit(""),
        alone: Alone::Handles,
        covering: &[""],
        remedy: "install Meson, Ninja and a compiler",
        ..C
    },
    Runner {
        name: "bazel",
        check: "bazel:test",
        at: &["MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel"],
        run: &[(
            "",
            "bazel test --test_output=errors --noshow_progress --color=no --keep_going //...",
        )],
        reporter: Reporter::Lines,
        alone: Alone::Whole,
        covering: &[""],
        lacks: &[
            ("Error downloading", NO_DEPENDENCY),
            ("could not download Bazel", "its version of Bazel is not on this machine"),
        ],
        remedy: "install Bazel, and run `bazel fetch //...`",
        tests: &["*_test.*", "test/", "tests/", "testdata/"],
        settings: &[
            "BUILD",
            "BUILD.bazel",
            "MODULE.bazel*",
            "WORKSPACE*",
            "*.bzl",
            ".bazelrc",
            ".bazelversion",
        ],
        ..Runner::BASE
    },
    // Elixir, Erlang, Gleam
    Runner {
        name: "mix",
        check: "mix:test",
        at: &["mix.exs"],
        run: &[("", "mix test --trace --no-color")],
        reporter: Reporter::ExUnit,
        covering: &["mix.exs~apps_path"],
        lacks: &[
            ("Unchecked dependencies", NO_DEPENDENCY),
            ("Could not find Hex", "Hex is not installed"),
            ("Could not find an SCM", NO_DEPENDENCY),
        ],
        remedy: "run `mix deps.get`",
        tests: &["test/", "*_test.exs"],
        settings: &[
            "mix.exs",
            "mix.lock",
            "config/",
            ".formatter.exs",
            ".credo.exs",
            "test_helper.exs",
        ],
        tells: &["MIX_ENV", "Mix.env", "ExUnit"],
        ..Runner::BASE
    },
    Runner {
        name: "credo",
        check: "mix:credo",
        category: Category::Lint,
        at: &["mix.exs + .credo.exs"],
        run: &[("", "mix credo")],
        remedy: "run `mix deps.get`",
        settings: &[".credo.exs"],
        ..Runner::BASE
    },
    Runner {
        name: "rebar3",
        check: "rebar3:test",
        at: &["rebar.config"],
        run: &[("", "rebar3 eunit --verbose")],
        reporter: Reporter::Lines,
        covering: &[""],
        remedy: "install rebar3",
        tests: &["test/", "*_tests.erl", "*_SUITE.erl"],
        settings: &["rebar.config*", "rebar.lock"],
        ..Runner::BASE
    },
    Runner {
        name: "gleam",
        check: "gleam:test",
        at: &["gleam.toml"],
        run: &[("", "gleam test")],
        reporter: Reporter::Lines,
        remedy: "install Gleam",
        tests: &["test/"],
        settings: &["gleam.toml", "manifest.toml"],
        ..Runner::BASE
    },
    // Swift, Dart
    Runner {
        name: "swift",
        check: "swift:test",
        at: &["Package.swift"],
        run: &[("", "swift test --parallel --disable-sandbox --skip-update")],
        manner: Manner::File("--xunit-output \"$report\""),
        reporter: Reporter::Junit("/"),
        alone: Alone::Each("--filter"),
        lacks: &[("error: failed to clone", NO_DEPENDENCY), ("Failed to clone", NO_DEPENDENCY)],
        remedy: "install Swift, and run `swift package resolve`",
        tests: &["Tests/", "__Snapshots__/"],
        settings: &["Package.swift", "Package@*.swift", "Package.resolved"],
        ..Runner::BASE
    },
    Runner {
        name: "flutter",
        check: "dart:test",
        at: &["pubspec.yaml~sdk: flutter"],
        run: &[("", "flutter test --no-pub")],
        manner: Manner::File("\"--file-reporter=json:$report\""),
        reporter: Reporter::Dart,
        alone: Alone::Either("--name"),
        lacks: &[("flutter pub get", NO_DEPENDENCY)],
        remedy: "install Flutter, and run `flutter pub get`",
        tests: &["test/", "integration_test/", "*_test.dart", "goldens/"],
        settings: &["pubspec.*", "dart_test.yaml", "analysis_options.yaml"],
        ..Runner::BASE
    },
    Runner {
        name: "dart",
        check: "dart:test",
        at: &["pubspec.yaml + test/"],
        run: &[("", "dart test")],
        manner: Manner::File("\"--file-reporter=json:$report\""),
        reporter: Reporter::Dart,
        alone: Alone::Either("--name"),
        lacks: &[("dart pub get", NO_DEPENDENCY), ("Could not find package `test`", NO_DEPENDENCY)],
        remedy: "install Dart, and run `dart pub get`",
        tests: &["test/", "*_test.dart"],
        settings: &["pubspec.*", "dart_test.yaml", "analysis_options.yaml"],
        ..Runner::BASE
    },
    Runner {
        name: "dart-analyze",
        check: "dart:analyze",
        category: Category::Lint,
        at: &["pubspec.yaml + analysis_options.yaml"],
        run: &[("pubspec.yaml~sdk: flutter", "flutter analyze --no-pub"), ("", "dart analyze")],
        remedy: "install Dart, and run `dart pub get`",
        settings: &["analysis_options.yaml", "pubspec.*"],
        ..Runner::BASE
    },
    // Zig, Haskell, OCaml, Crystal, Nim, Julia, Solidity
    Runner {
        name: "zig",
        check: "zig:test",
        at: &["build.zig~\"test\""],
        run: &[("", "zig build test --summary all")],
        reporter: Reporter::Lines,
        lacks: &[("unable to connect to server", NO_DEPENDENCY)],
        remedy: "install Zig",
        tests: &["*_test.zig", "test/", "tests/"],
        settings: &["build.zig", "build.zig.zon"],
        ..Runner::BASE
    },
    Runner {
        name: "zig-build",
        check: "zig:build",
        category: Category::Build,
        at: &["build.zig"],
        run: &[("", "zig build")],
        remedy: "install Zig",
        settings: &["build.zig", "build.zig.zon"],
        ..Runner::BASE
    },
    Runner {
        name: "stack",
        check: "stack:test",
        at: &["stack.yaml"],
        run: &[("", "stack test --no-terminal")],
        ..HASKELL
    },
    Runner {
        name: "cabal",
        check: "cabal:test",
        at: &["cabal.project + !stack.yaml", "*.cabal + !stack.yaml"],
        run: &[("", "cabal test all --offline --test-show-details=failures")],
        ..HASKELL
    },
    Runner {
        name: "dune",
        check: "dune:test",
        at: &["dune-project"],
        run: &[("", "dune test --no-buffer")],
        reporter: Reporter::Any,
        covering: &[""],
        lacks: &[("Library \"", NO_DEPENDENCY)],
        remedy: "install dune with opam",
        tests: &["test/", "tests/", "*.t", "*.expected"],
        settings: &["dune-project", "dune", "dune-workspace", "*.opam"],
        ..Runner::BASE
    },
    Runner {
        name: "crystal",
        check: "crystal:spec",
        at: &["shard.yml + spec/"],
        run: &[("", "crystal spec")],
        manner: Manner::File("\"--junit_output=$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Each("--example"),
        remedy: "install Crystal, and run `shards install`",
        tests: &["spec/"],
        settings: &["shard.*"],
        ..Runner::BASE
    },
    Runner {
        name: "nimble",
        check: "nimble:test",
        at: &["*.nimble"],
        run: &[("", "nimble --offline test")],
        reporter: Reporter::Lines,
        remedy: "install Nim",
        tests: &["tests/"],
        settings: &["*.nimble", "nim.cfg", "config.nims"],
        ..Runner::BASE
    },
    Runner {
        name: "julia",
        check: "julia:test",
        at: &["Project.toml + test/runtests.jl"],
        run: &[("", "julia --project=. test/runtests.jl")],
        reporter: Reporter::Lines,
        remedy: "install Julia",
        tests: &["test/"],
        settings: &["Project.toml", "Manifest.toml"],
        ..Runner::BASE
    },
    Runner {
        name: "forge",
        check: "forge:test",
        at: &["foundry.toml"],
        run: &[("", "forge test --offline --junit")],
        manner: Manner::File("> \"$report\""),
        reporter: Reporter::Junit(""),
        alone: Alone::Precisely("--match-test"),
        remedy: "install Foundry",
        tests: &["test/", "*.t.sol"],
        settings: &["foundry.toml", "remappings.txt"],
        ..Runner::BASE
    },
    // Perl, Lua, shell
    Runner {
        name: "prove",
        check: "perl:test",
        at: &["t/*.t"],
        run: &[
            ("blib/", "prove -b -r -v --merge -Q t"),
            ("lib/", "prove -l -r -v --merge t"),
            ("", "prove -r -v --merge t"),
        ],
        reporter: Reporter::Prove,
        lacks: &[("in @INC", NO_DEPENDENCY)],
        remedy: "install Perl and the modules that its tests name",
        tests: &["t/", "xt/", "*.t"],
        settings: &["Makefile.PL", "Build.PL", "cpanfile*", ".proverc", "dist.ini"],
        tells: &["HARNESS_ACTIVE", "HARNESS_VERSION", "Test::More"],
        ..Runner::BASE
    },
    Runner {
        name: "busted",
        check: "lua:busted",
        at: &[".busted", "*.rockspec + spec/"],
        run: &[("", "busted --output=TAP")],
        reporter: Reporter::Tap,
        remedy: "install busted with luarocks",
        tests: &["spec/", "*_spec.lua"],
        settings: &[".busted", ".luacov", "*.rockspec"],
        ..Runner::BASE
    },
    Runner {
        name: "bats",
        check: "bats:test",
        at: &["*.bats", "test/*.bats", "tests/*.bats"],
        run: &[
            ("test/*.bats", "bats --formatter tap -r test"),
            ("tests/*.bats", "bats --formatter tap -r tests"),
            ("", "bats --formatter tap ."),
        ],
        reporter: Reporter::Tap,
        alone: Alone::Precisely("--filter"),
        covering: &[""],
        remedy: "install bats",
        tests: &["*.bats", "test_helper*", "test/", "tests/"],
        settings: &["setup_suite.bash"],
        tells: &["BATS_TEST_NAME", "BATS_TEST_FILENAME", "BATS_VERSION"],
        ..Runner::BASE
    },
    Runner {
        name: "shellspec",
        check: "shellspec:test",
        at: &[".shellspec"],
        run: &[("", "shellspec --format tap")],
        reporter: Reporter::Tap,
        remedy: "install shellspec",
        tests: &["spec/", "*_spec.sh"],
        settings: &[".shellspec*"],
        ..Runner::BASE
    },
    // Targets and scripts, found by their text
    Runner {
        name: "make",
        check: "make:test",
        reporter: Reporter::Any,
        remedy: "install make",
        ..C
    },
    Runner {
        name: "just",
        check: "just:test",
        reporter: Reporter::Any,
        remedy: "install just",
        settings: &["justfile", "Justfile", ".justfile", "*.just"],
        ..C
    },
    Runner {
        name: "task",
        check: "task:test",
        reporter: Reporter::Any,
        remedy: "install Task from https://taskfile.dev",
        settings: &["Taskfile.*", "taskfile.*"],
        ..C
    },
    Runner {
        name: "script",
        check: "script:test",
        reporter: Reporter::Any,
        remedy: "install what the script names",
        settings: &["test.sh", "tests.sh", "run_tests.sh", "run-tests.sh", "run.sh"],
        ..C
    },
    Runner {
        name: "named",
        check: "named:test",
        reporter: Reporter::Any,
        remedy: "install what the project's instructions name",
        settings: &["AGENTS.md", "CLAUDE.md"],
        ..C
    },
];
