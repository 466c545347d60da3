//! The table of quick looks. Only what the project is set up for: a linter or a formatter without settings is not its own.

use crate::runner::Manner;

/// One look.
pub(super) struct Look {
    /// Its name, unique in the table.
    pub name: &'static str,
    /// `types`, `lint` or `format`.
    pub category: &'static str,
    /// Markers of which one has to hold in the directory in which it runs.
    pub at: &'static [&'static str],
    /// Patterns of the files that it looks at.
    pub of: &'static [&'static str],
    /// Its command; `{file}` and `{folder}` are the file's.
    pub run: &'static str,
    /// The shell around the command.
    pub manner: Manner,
    /// The way in which it speaks of faults.
    pub says: Says,
}

/// The way in which a look speaks of faults.
pub(super) enum Says {
    /// It fails, and names their places.
    Places,
    /// It prints names of files that are not formatted, which this command mends.
    Listed(&'static str),
    /// It ends with 1 for a file that is not formatted, which this command mends.
    Code(&'static str),
}

const BASE: Look = Look {
    name: "",
    category: "lint",
    at: &[],
    of: &[],
    run: "",
    manner: Manner::Plain,
    says: Says::Places,
};

const PYTHON: Look = Look { of: &["*.py", "*.pyi"], ..BASE };

const SCRIPT: &[&str] =
    &["*.js", "*.jsx", "*.mjs", "*.cjs", "*.ts", "*.tsx", "*.mts", "*.cts", "*.vue", "*.svelte"];

const TYPED: &[&str] = &["*.ts", "*.tsx", "*.mts", "*.cts"];

/// The rows. What is quick stands before what may use up the time.
pub(super) static LOOKS: &[Look] = &[
    Look {
        name: "gofmt",
        category: "format",
        at: &["go.mod"],
        of: &["*.go"],
        run: "gofmt -l {file}",
        says: Says::Listed("gofmt -w {file}"),
        ..BASE
    },
    Look {
        name: "rustfmt",
        category: "format",
        at: &["Cargo.toml + ^rustfmt.toml", "Cargo.toml + ^.rustfmt.toml"],
        of: &["*.rs"],
        run: "cargo fmt -- --check -l",
        says: Says::Code("cargo fmt"),
        ..BASE
    },
    Look {
        name: "ruff-format",
        category: "format",
        at: &["ruff.toml~[format]", ".ruff.toml~[format]", "pyproject.toml~[tool.ruff.format]"],
        run: "{py ruff} format --check --quiet --no-cache {file}",
        says: Says::Code("ruff format {file}"),
        ..PYTHON
    },
    Look {
        name: "black",
        category: "format",
        at: &["pyproject.toml~[tool.black]"],
        run: "{py black} --check --quiet {file}",
        says: Says::Code("black {file}"),
        ..PYTHON
    },
    Look {
        name: "prettier",
        category: "format",
        at: &[".prettierrc*", "prettier.config.*", "package.json~\"prettier\": {"],
        of: SCRIPT,
        run: "{bin prettier} --check {file}",
        says: Says::Code("npx prettier --write {file}"),
        ..BASE
    },
    Look {
        name: "mix-format",
        category: "format",
        at: &["mix.exs + .formatter.exs"],
        of: &["*.ex", "*.exs"],
        run: "mix format --check-formatted {file}",
        says: Says::Code("mix format {file}"),
        ..BASE
    },
    Look {
        name: "ruff",
        at: &["ruff.toml", ".ruff.toml", "pyproject.toml~[tool.ruff"],
        run: "{py ruff} check --no-cache --quiet --output-format=concise {file}",
        ..PYTHON
    },
    Look {
        name: "flake8",
        at: &[".flake8", "setup.cfg~[flake8]", "tox.ini~[flake8]"],
        run: "{py flake8} {file}",
        ..PYTHON
    },
    Look {
        name: "biome",
        at: &["biome.json", "biome.jsonc"],
        of: SCRIPT,
        run: "{bin biome} lint --colors=off {file}",
        ..BASE
    },
    Look {
        name: "oxlint",
        at: &[".oxlintrc.json"],
        of: SCRIPT,
        run: "{bin oxlint} --format=unix {file}",
        ..BASE
    },
    Look {
        name: "rubocop",
        at: &[".rubocop.yml"],
        of: &["*.rb", "*.rake", "Rakefile", "Gemfile"],
        run: "{bundle}rubocop --cache false --format emacs {file}",
        ..BASE
    },
    Look {
        name: "cargo-check",
        category: "types",
        at: &["Cargo.toml"],
        of: &["*.rs"],
        run: "cargo check --quiet --all-targets --offline --message-format=short",
        manner: Manner::Unlocked,
        ..BASE
    },
    Look {
        name: "go-vet",
        category: "types",
        at: &["go.mod"],
        of: &["*.go"],
        run: "go vet {folder}",
        ..BASE
    },
    Look {
        name: "mypy",
        category: "types",
        at: &["mypy.ini", ".mypy.ini", "pyproject.toml~[tool.mypy", "setup.cfg~[mypy]"],
        run: "{py mypy} --no-color-output --no-error-summary --cache-dir=/dev/null {file}",
        ..PYTHON
    },
    Look {
        name: "pyright",
        category: "types",
        at: &["pyrightconfig.json", "pyproject.toml~[tool.pyright"],
        run: "{py pyright} {file}",
        ..PYTHON
    },
    Look {
        name: "deno-check",
        category: "types",
        at: &["deno.json", "deno.jsonc"],
        of: TYPED,
        run: "deno check --cached-only --quiet {file}",
        ..BASE
    },
    Look {
        name: "tsc",
        category: "types",
        at: &["tsconfig.json"],
        of: TYPED,
        run: "{bin tsc} --noEmit --pretty false",
        ..BASE
    },
    Look {
        name: "eslint",
        at: &["eslint.config.*", ".eslintrc*", "package.json~\"eslintConfig\""],
        of: SCRIPT,
        run: "{bin eslint} --no-color {file}",
        ..BASE
    },
    Look {
        name: "phpstan",
        category: "types",
        at: &["phpstan.neon", "phpstan.neon.dist", "phpstan.dist.neon"],
        of: &["*.php"],
        run: "{vendor phpstan} analyse --no-progress --error-format=raw {file}",
        ..BASE
    },
    Look {
        name: "dart-analyze",
        category: "types",
        at: &["pubspec.yaml + analysis_options.yaml"],
        of: &["*.dart"],
        run: "dart analyze {file}",
        ..BASE
    },
    Look {
        name: "pylint",
        at: &[".pylintrc", "pylintrc", "pyproject.toml~[tool.pylint"],
        run: "{py pylint} --output-format=text --score=no {file}",
        ..PYTHON
    },
];
