//! Changes of one file or two, and what is found in them.

use crate::tamper::tests::{found, found_in};

const RUST: &str = "pub fn add(a: i32, b: i32) -> i32 { a + b }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    \
                    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n\n    #[test]\n    \
                    fn adds_zero() {\n        let expected = 5;\n        assert_eq!(add(0, 5), expected);\n    }\n}\n";

fn rust(from: &str, to: &str) -> Vec<String> {
    assert!(RUST.contains(from));
    found("src/lib.rs", RUST, &RUST.replace(from, to))
}

#[test]
fn an_assertion_that_changed_is_found() {
    assert_eq!(
        rust("add(1, 2), 3", "add(1, 2), 4"),
        [
            "Critical src/lib.rs:7: the test `adds` no longer says `assert_eq!(add(1, 2), 3);`; say it again"
        ]
    );
    assert_eq!(
        rust("let expected = 5", "let expected = 6"),
        [
            "Critical src/lib.rs:12: the test `adds_zero` no longer says `let expected = 5;`; say it again"
        ]
    );
}

#[test]
fn a_test_that_is_removed_or_no_longer_one_is_found() {
    let removed =
        rust("    #[test]\n    fn adds() {\n        assert_eq!(add(1, 2), 3);\n    }\n\n", "");
    let no_test = rust("    #[test]\n    fn adds() {", "    fn adds() {");

    assert_eq!(removed.len(), 1, "{removed:?}");
    assert!(removed[0].contains("the test `adds` was removed"), "{removed:?}");
    assert!(no_test[0].contains("the test `adds` was removed"), "{no_test:?}");
}

#[test]
fn a_test_that_is_left_out_or_returns_early_is_found() {
    assert_eq!(
        rust("    fn adds() {", "    #[ignore]\n    fn adds() {"),
        ["Critical src/lib.rs:8: the test `adds` is left out by `#[ignore]`; let it run"]
    );
    assert_eq!(
        rust("assert_eq!(add(1, 2), 3);", "return;\n        assert_eq!(add(1, 2), 3);"),
        ["Critical src/lib.rs:9: the test `adds` returns early; let it run to its end"]
    );
}

#[test]
fn formatting_renaming_moving_and_more_tests_are_fine() {
    let formatted = rust(
        "assert_eq!(add(1, 2), 3);",
        "assert_eq!(\n            add(1, 2),\n            3,\n        );",
    );
    let renamed = rust("fn adds()", "fn adds_two_numbers()");
    let more = rust(
        "    #[test]\n    fn adds()",
        "    #[test]\n    #[ignore]\n    fn new() {}\n\n    #[test]\n    fn adds()",
    );
    let test = "#[test]\nfn moved() {\n    assert!(true);\n}\n";
    let moved = found_in("x", &[("tests/a.rs", test, ""), ("tests/b.rs", "", test)]);

    assert!(formatted.iter().all(|line| line.starts_with("Note ")), "{formatted:?}");
    assert_eq!((renamed, more, moved), (vec![], vec![], vec![]));
}

#[test]
fn a_test_that_follows_a_renaming_is_only_noted() {
    let renamed = RUST.replace("add(", "sum(");
    let other_value = renamed.replace("sum(1, 2), 3", "sum(1, 2), 4");

    assert_eq!(
        found("src/lib.rs", RUST, &renamed),
        [
            "Note src/lib.rs:7: the test `adds` follows a renaming",
            "Note src/lib.rs:12: the test `adds_zero` follows a renaming"
        ]
    );
    assert!(found("src/lib.rs", RUST, &other_value)[0].starts_with("Critical src/lib.rs:7: "));
}

#[test]
fn calls_in_code_that_look_like_tests_are_not_tests() {
    let before = "export const title = test('title');\n";

    assert_eq!(found("src/page.tsx", before, "export const title = 1;\n"), Vec::<String>::new());
}

#[test]
fn a_removed_file_of_tests_is_one_finding() {
    assert_eq!(
        found("tests/a.rs", "#[test]\nfn a() {}\n#[test]\nfn b() {}\n", ""),
        ["Critical tests/a.rs:1: a file of tests was removed with `a`, `b`; put it back"]
    );
}

#[test]
fn a_helper_of_tests_that_asserts_less_is_found() {
    let before =
        "fn check(x: i32) {\n    assert_eq!(x, 1);\n}\n#[test]\nfn a() {\n    check(1);\n}\n";

    let found = found("tests/a.rs", before, &before.replace("    assert_eq!(x, 1);\n", ""));

    assert_eq!(
        found,
        [
            "Critical tests/a.rs:1: a helper of the tests no longer says `assert_eq!(x, 1);`; say it again"
        ]
    );
}

#[test]
fn python_is_read() {
    let before = "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(a(), 1)\n\n    \
                  def test_b(self):\n        with pytest.raises(ValueError):\n            b()\n";
    let to = |from: &str, to: &str| found("tests/test_a.py", before, &before.replace(from, to));

    assert!(to("assertEqual(a(), 1)", "assertTrue(True)")[0].contains("`test_a` no longer says"));
    assert!(to("ValueError", "Exception")[0].contains("`test_b` no longer says"));
    assert!(
        to("    def test_a", "    @unittest.skip('x')\n    def test_a")[0].contains("left out by")
    );
    assert!(
        to("import unittest", "import unittest\npytestmark = pytest.mark.skip")[0]
            .contains("tests are left out")
    );
    assert!(
        to("        self.assert", "        return\n        self.assert")[0]
            .contains("returns early")
    );
}

#[test]
fn go_is_read() {
    let before = "package a\n\nfunc TestA(t *testing.T) {\n\twant := 3\n\tif got := A(); got != want {\n\t\tt.Errorf(\"got %d\", got)\n\t}\n}\n";
    let to = |from: &str, to: &str| found("a_test.go", before, &before.replace(from, to));

    assert!(to("want := 3", "want := 4")[0].contains("no longer says `want := 3`"));
    assert!(to("got != want", "false")[0].contains("no longer says `if got"));
    assert!(to("\twant", "\tt.Skip(\"later\")\n\twant")[0].contains("left out by `t.Skip"));
}

#[test]
fn javascript_is_read() {
    let before = "describe('sum', () => {\n  it('adds', () => {\n    expect(sum(1, 2)).toBe(3);\n  });\n});\n";
    let to = |from: &str, to: &str| found("src/sum.test.ts", before, &before.replace(from, to));

    assert!(to("toBe(3)", "toBe(4)")[0].contains("`adds` no longer says"));
    assert!(to("it(", "it.skip(")[0].contains("left out by `it.skip("));
    assert!(to("describe(", "describe.skip(")[0].contains("tests are left out by `describe.skip("));
    let only = "  it.only('new', () => {});\n  it('adds'";
    assert!(to("  it('adds'", only)[0].contains("tests are left out by `it.only("));
}

#[test]
fn recorded_output_that_changed_is_found() {
    assert_eq!(
        found("src/__snapshots__/a.snap", "1\n2\n", "1\n3\n"),
        [
            "Major src/__snapshots__/a.snap:2: what tests are compared with was changed; only the code should change"
        ]
    );
}
