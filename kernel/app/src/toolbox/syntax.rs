//! Who can tell whether a file parses, and what is read out of the answer. Data for the decorator beside it.
//!
//! | file | read by |
//! |---|---|
//! | `.json`, `.toml` | this program; JSON with comments is not judged |
//! | `.py` | `python3`, its own parser |
//! | `.js`, `.mjs`, `.cjs` | `node --check`, as a script and as a module |
//! | `.go` | `gofmt -e` |
//! | `.rs` | `rustfmt` |
//! | `.rb`, `.php` | `ruby -c`, `php -l` |
//! | `.sh`, `.bash` | the shell of its first line |

use std::{ffi::OsStr, path::Path};

/// Most characters of a fault that are told.
const LONGEST: usize = 200;

/// What tells whether a file parses.
pub(super) enum Parser {
    /// A function that returns what is wrong.
    Inside(fn(&str) -> Option<String>),
    /// Programs, all of which have to find something wrong.
    Programs(Vec<Program>),
}

/// A program that parses a file and does not run it.
pub(super) struct Program {
    pub(super) name: &'static str,
    /// Its arguments before the path.
    pub(super) arguments: Vec<String>,
    /// True if it reads the text as its input and gets no path.
    pub(super) from_input: bool,
    /// The end of the name of a copy that it reads instead.
    pub(super) copy: Option<&'static str>,
    /// Returns what it found wrong with the file; nothing if it failed for another reason.
    pub(super) fault: fn(&str) -> Option<String>,
}

impl Program {
    fn new(name: &'static str, arguments: &[&str], fault: fn(&str) -> Option<String>) -> Self {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Self { name, arguments, from_input: false, copy: None, fault }
    }
}

/// Prints the place of a fault of syntax, and nothing of any other.
const PYTHON: &str = "import ast, sys\n\
    try: ast.parse(open(sys.argv[1], 'rb').read())\n\
    except SyntaxError as e: print(f'line {e.lineno}: {e.msg}'); sys.exit(65)\n";

/// Returns what can tell of this file whether it parses.
pub(super) fn parser(path: &Path, text: &str) -> Option<Parser> {
    let end = path.extension().and_then(OsStr::to_str)?;
    let one = |program| Some(Parser::Programs(vec![program]));
    match end {
        "json" => Some(Parser::Inside(json)),
        "toml" => Some(Parser::Inside(toml)),
        "py" => one(Program::new("python3", &["-I", "-S", "-c", PYTHON], python)),
        "mjs" | "cjs" => one(Program::new("node", &["--check"], node)),
        "js" => {
            let module = Program::new("node", &["--check"], node);
            let module = Program { copy: Some("mjs"), ..module };
            Some(Parser::Programs(vec![module, Program::new("node", &["--check"], node)]))
        }
        "go" => one(Program::new("gofmt", &["-e", "-l"], placed)),
        "rs" => {
            let program = Program::new("rustfmt", &["--edition", "2024"], rust);
            one(Program { from_input: true, ..program })
        }
        "rb" => one(Program::new("ruby", &["-c"], placed)),
        "php" => one(Program::new("php", &["-l"], php)),
        "sh" | "bash" => {
            let first = text.lines().next().unwrap_or_default();
            let is_sh = first.starts_with("#!") && !first.contains("bash");
            one(Program::new(if is_sh { "sh" } else { "bash" }, &["-n"], shell))
        }
        _ => None,
    }
}

/// Returns a fault in one line of bounded length.
pub(super) fn short(fault: &str) -> String {
    let line = fault.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn json(text: &str) -> Option<String> {
    let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err()?;
    let mut lines = text.lines();
    let before: String = lines.by_ref().take(error.line().saturating_sub(1)).collect();
    let line = lines.next().unwrap_or_default();
    let before = before + line.get(..error.column().saturating_sub(1)).unwrap_or_default();
    // Comments and commas at the end are what settings of editors and compilers have.
    let is_relaxed =
        ["//", "/*"].iter().any(|mark| line.contains(mark)) || before.trim_end().ends_with(',');
    (!is_relaxed).then(|| error.to_string())
}

fn toml(text: &str) -> Option<String> {
    let error = text.parse::<toml::Table>().err()?;
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    Some(format!("line {line}: {}", error.message()))
}

fn python(said: &str) -> Option<String> {
    said.lines().find(|line| line.starts_with("line ")).map(str::to_owned)
}

/// `/w/a.js:3`, the line, a mark, and `SyntaxError: Unexpected token ')'`.
fn node(said: &str) -> Option<String> {
    let fault = said.lines().find(|line| line.starts_with("SyntaxError"))?;
    let place = said.lines().next().and_then(|line| line.rsplit_once(':')).map(|(_, line)| line);
    Some(match place.filter(|line| line.parse::<u32>().is_ok()) {
        Some(line) => format!("line {line}: {fault}"),
        None => fault.to_owned(),
    })
}

/// `/w/a.go:3:1: expected declaration`
fn placed(said: &str) -> Option<String> {
    said.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (number, what) = rest.split_once(':')?;
        let number = number.parse::<u32>().ok()?;
        // Some say the column too.
        let what = what
            .split_once(": ")
            .filter(|(column, _)| column.parse::<u32>().is_ok())
            .map_or(what, |(_, what)| what);
        Some(format!("line {number}: {}", what.trim()))
    })
}

/// `error: expected expression, found end of file`, and ` --> <stdin>:3:1` in one of the next lines.
fn rust(said: &str) -> Option<String> {
    let place = said.lines().find_map(|line| line.trim().strip_prefix("--> <stdin>:"))?;
    let what = said.lines().find_map(|line| line.strip_prefix("error: "))?;
    Some(format!("line {}: {what}", place.split(':').next().unwrap_or(place)))
}

/// `PHP Parse error:  syntax error, unexpected end of file in /w/a.php on line 3`
fn php(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.contains("Parse error"))?;
    Some(line.split_once(" in ").map_or(line, |(what, _)| what).to_owned())
}

/// `/w/a.sh: line 3: syntax error near …` of bash, and `/w/a.sh: 3: Syntax error: …` of others.
fn shell(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.to_ascii_lowercase().contains("syntax error"))?;
    let (_, what) = line.split_once(": ")?;
    Some(if what.starts_with("line ") { what.to_owned() } else { format!("line {what}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parsers_say_is_read_and_what_is_no_fault_of_the_file_is_not() {
        for (read, said, fault) in [
            (
                python as fn(&str) -> Option<String>,
                "line 3: '(' was never closed\n",
                Some("line 3: '(' was never closed"),
            ),
            (python, "python3: not found\n", None),
            (
                node,
                "/w/a.js:3\n}\n^\n\nSyntaxError: Unexpected token '}'\n    at wrap\n",
                Some("line 3: SyntaxError: Unexpected token '}'"),
            ),
            (node, "node: bad option: --check\n", None),
            (
                placed,
                "/w/a.go:4:1: expected declaration, found x\n",
                Some("line 4: expected declaration, found x"),
            ),
            (
                rust,
                "error: this file contains an unclosed delimiter\n --> <stdin>:7:3\n",
                Some("line 7: this file contains an unclosed delimiter"),
            ),
            (rust, "error: 'rustfmt' is not installed for the toolchain 'stable'\n", None),
            (
                shell,
                "/w/a.sh: line 2: syntax error near unexpected token `fi'\n",
                Some("line 2: syntax error near unexpected token `fi'"),
            ),
            (
                shell,
                "/w/a.sh: 2: Syntax error: \"fi\" unexpected\n",
                Some("line 2: Syntax error: \"fi\" unexpected"),
            ),
            (shell, "/w/a.sh: Permission denied\n", None),
            (
                php,
                "PHP Parse error:  syntax error, unexpected end of file in /w/a.php on line 3\n",
                Some("PHP Parse error:  syntax error, unexpected end of file"),
            ),
        ] {
            assert_eq!(read(said).as_deref(), fault, "{said}");
        }
    }

    #[test]
    fn json_with_comments_is_not_judged_and_broken_json_and_toml_are_placed() {
        assert_eq!(json("{\"a\": 1}"), None);
        assert_eq!(json("{\n  // the usual\n  \"a\": 1,\n}"), None);
        assert_eq!(json("{\"a\": 1,}"), None);
        assert!(json("{\"a\": }").is_some_and(|fault| fault.contains("line 1")));
        assert_eq!(toml("a = 1\n"), None);
        assert!(toml("a = 1\nb =\n").is_some_and(|fault| fault.starts_with("line 2")));
    }

    #[test]
    fn a_script_is_read_by_the_shell_of_its_first_line() {
        let name = |text: &str| match parser(Path::new("/w/a.sh"), text) {
            Some(Parser::Programs(programs)) => programs[0].name,
            _ => "",
        };
        assert_eq!(
            ["#!/bin/sh\n", "#!/usr/bin/env bash\n", "echo\n"].map(name),
            ["sh", "bash", "bash"]
        );
    }
}
