//! Tests, assertions and skips as each language writes them.

use super::language::Language;
use super::source::Numbered;
use super::statement;

/// Returns whether a file is there for tests and nothing else.
pub(crate) fn is_test_file(path: &str, language: Language) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.split('.').next().unwrap_or(file);
    let folder =
        path.split('/').any(|part| matches!(part, "tests" | "test" | "__tests__" | "spec"));
    match language {
        Language::Other => false,
        Language::Go => file.ends_with("_test.go"),
        Language::Rust => {
            folder
                || matches!(stem, "test" | "tests")
                || stem.ends_with("_test")
                || stem.ends_with("_tests")
        }
        Language::Python => {
            folder || stem.starts_with("test_") || stem.ends_with("_test") || stem == "conftest"
        }
        Language::Script => folder || file.contains(".test.") || file.contains(".spec."),
    }
}

/// A test, with its attributes or decorators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Its name.
    pub name: String,
    /// The number of its first line.
    pub first: u32,
    /// The number of its last line.
    pub last: u32,
}

/// Returns the tests in `lines`.
pub(crate) fn tests(language: Language, lines: &[Numbered]) -> Vec<Region> {
    let mut regions = Vec::new();
    for at in 0..lines.len() {
        let head = head(language, lines, at);
        let Some(name) = name(language, lines, head, at) else { continue };
        let last = statement::end_of_block(language, lines, at);
        regions.push(Region { name, first: lines[head].0, last: lines[last].0 });
    }
    regions
}

/// Returns the line at which the attributes or decorators above a line begin.
fn head(language: Language, lines: &[Numbered], at: usize) -> usize {
    let belongs = |text: &str| match language {
        Language::Rust => {
            (text.starts_with("#[") && !text.contains("fn ")) || text.starts_with("///")
        }
        Language::Python => text.starts_with('@'),
        _ => false,
    };
    let above = lines[..at].iter().rev().take_while(|(_, text)| belongs(text.trim_start()));
    at - above.count()
}

fn name(language: Language, lines: &[Numbered], head: usize, at: usize) -> Option<String> {
    let text = lines[at].1.trim_start();
    match language {
        Language::Rust => {
            let attributed = lines[head..=at].iter().any(|(_, text)| is_test_attribute(text));
            let (_, rest) = text.split_once("fn ")?;
            attributed.then(|| identifier(rest))
        }
        Language::Python => {
            let rest = text.strip_prefix("async ").unwrap_or(text).strip_prefix("def ")?;
            rest.starts_with("test").then(|| identifier(rest))
        }
        Language::Go => {
            let rest = text.strip_prefix("func ")?;
            let test = ["Test", "Fuzz", "Example"].iter().any(|start| rest.starts_with(start));
            test.then(|| identifier(rest))
        }
        Language::Script => script_name(lines, at),
        Language::Other => None,
    }
}

/// `#[test]`, `#[tokio::test(…)]`, `#[rstest]`, `#[test_case(…)]`
fn is_test_attribute(text: &str) -> bool {
    text.split("#[").skip(1).any(|attribute| {
        let path: &str = attribute.split([']', '(']).next().unwrap_or("");
        let last = path.trim().rsplit("::").next().unwrap_or("");
        matches!(last, "test" | "rstest" | "test_case" | "proptest" | "quickcheck" | "test_log")
    })
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `it('adds', …`, `test.skip("adds", …`, `await t.test(…`; the name may stand on the next line.
fn script_name(lines: &[Numbered], at: usize) -> Option<String> {
    let text = lines[at].1.trim_start();
    let text = text.strip_prefix("await ").unwrap_or(text);
    let (call, rest) = text.split_once('(')?;
    let call = call.strip_prefix("t.").unwrap_or(call);
    let mut parts = call.split('.').map(str::trim);
    let callers = ["it", "test", "xit", "xtest", "fit", "specify"];
    if !callers.contains(&parts.next()?)
        || !parts.all(|part| part.chars().all(char::is_alphanumeric))
    {
        return None;
    }
    let next = lines.get(at + 1).map_or("", |(_, text)| text.as_str());
    quoted(rest).or_else(|| rest.trim().is_empty().then(|| quoted(next))?)
}

fn quoted(text: &str) -> Option<String> {
    let start = text.find(['\'', '"', '`'])?;
    let quote = text[start..].chars().next()?;
    let (inside, _) = text[start + 1..].split_once(quote)?;
    Some(inside.to_owned())
}

/// Returns whether a line asserts something, or states what is expected.
pub(crate) fn is_assertion(language: Language, line: &str) -> bool {
    let text = line.trim_start();
    let starts = |list: &[&str]| list.iter().any(|start| text.starts_with(start));
    let has = |list: &[&str]| list.iter().any(|part| text.contains(part));
    let own = match language {
        Language::Rust => {
            has(&["assert!", ".assert()", "assert_that(", "#[should_panic"])
                || (text.contains("assert_") && text.contains("!("))
        }
        Language::Python => {
            starts(&["assert ", "assert("])
                || has(&["self.assert", "self.fail(", "pytest.raises", ".assert_"])
        }
        Language::Go => {
            has(&["t.Error", "t.Fatal", "t.Fail", "assert.", "require."])
                || (starts(&["if "]) && has(&["!=", "==", "!reflect", "!cmp", "!bytes"]))
        }
        Language::Script => {
            has(&["expect(", "assert(", "assert.", "assertE", ".should", "t.is(", "t.deepEqual("])
        }
        Language::Other => false,
    };
    own || (language != Language::Other && expects(text))
}

/// `let expected = 5;`, `want := 5`
fn expects(text: &str) -> bool {
    let Some((left, right)) = text.split_once('=') else { return false };
    let left = left.trim_end_matches([':', ' ']);
    let name = left.split([' ', ':']).rfind(|word| !word.is_empty()).unwrap_or("");
    let plain = !left.contains(['(', '"']) && !right.starts_with(['=', '>']);
    plain && ["expected", "want", "golden"].iter().any(|word| name.to_lowercase().starts_with(word))
}

/// Returns whether a line leaves a test out, or all others.
pub(crate) fn is_skip(language: Language, line: &str) -> bool {
    let text = line.trim_start();
    let has = |list: &[&str]| list.iter().any(|part| text.contains(part));
    match language {
        Language::Rust => has(&[
            "#[ignore",
            "#[cfg(any())]",
            "#![cfg(any())]",
            "#[cfg(not(test))]",
            "#[cfg(false)]",
        ]),
        Language::Python => has(&[
            "mark.skip",
            "mark.xfail",
            "unittest.skip",
            "@skip",
            "pytest.skip(",
            "pytest.xfail(",
            ".skipTest(",
            "SkipTest",
            "expectedFailure",
            "__test__ = False",
            "collect_ignore",
        ]),
        Language::Go => has(&["t.Skip", "//go:build ignore", "testing.Short()"]),
        Language::Script => {
            has(&[".skip(", ".only(", ".todo(", "skip: true", "todo: true", "t.skip("])
                || ["xit(", "xtest(", "xdescribe(", "fit(", "fdescribe("]
                    .iter()
                    .any(|start| text.starts_with(start))
        }
        Language::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Numbered> {
        (1..).zip(text.lines().map(str::to_owned)).collect()
    }

    fn names(path: &str, text: &str) -> Vec<String> {
        let found = tests(Language::of(path), &lines(text));
        found
            .iter()
            .map(|region| format!("{} {}-{}", region.name, region.first, region.last))
            .collect()
    }

    #[test]
    fn tests_are_found_with_their_extent() {
        let rust = "#[test] fn one() { a(); }\n#[tokio::test]\n#[ignore]\nasync fn two() {\n    let s = r#\"\n}\n\"#;\n\
                    }\nfn helper() {}\n";
        let python = "class T:\n    @skip\n    def test_a(self):\n        x = \"\"\"\nend\n\"\"\"\n\n        assert x\n\
                      def other(): pass\n";
        let go =
            "func TestA(t *testing.T) {\n\tif x != '}' {\n\t\tt.Fatal()\n\t}\n}\nfunc help() {}\n";
        let script = "describe('g', () => {\n  it('a', () => expect(1).toBe(1));\n  test.skip(\n    \"b\",\n    \
                      async () => {\n    });\n});\n";

        assert_eq!(names("a.rs", rust), ["one 1-1", "two 2-8"]);
        assert_eq!(names("a.py", python), ["test_a 2-8"]);
        assert_eq!(names("a.go", go), ["TestA 1-5"]);
        assert_eq!(names("a.ts", script), ["a 2-2", "b 3-6"]);
    }

    #[test]
    fn what_is_expected_counts_as_an_assertion() {
        assert!(is_assertion(Language::Rust, "    let expected_sum = 5;"));
        assert!(is_assertion(Language::Go, "\twant := 5"));
        assert!(!is_assertion(Language::Rust, "    if expected == 5 {"));
        assert!(!is_assertion(Language::Other, "expected = 5"));
    }
}
