//! The ways in which tests are made to mean nothing: for one test of a file, and for what runs or feeds them all.

/// One way.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// What becomes of the test.
    pub name: &'static str,
    /// The test is gone or does not run any more under its name, which can be seen without reading it.
    pub loses: bool,
    /// Returns the test as it is afterwards.
    pub make: fn(&Block) -> String,
}

/// One test in a file of tests.
#[derive(Debug)]
pub(crate) struct Block {
    head: String,
    body: String,
    tail: String,
}

impl Block {
    /// Returns its lines.
    pub(crate) fn text(&self) -> String {
        format!("{}{}{}", self.head, self.body, self.tail)
    }

    fn behind(&self, mark: &str) -> String {
        self.text().lines().map(|line| format!("{mark}{line}\n")).collect()
    }

    fn with_body(&self, body: &str) -> String {
        format!("{}{body}{}", self.head, self.tail)
    }

    fn with_head(&self, old: &str, new: &str) -> String {
        format!("{}{}{}", self.head.replacen(old, new, 1), self.body, self.tail)
    }
}

/// Returns the tests in the text of a file, in order.
pub(crate) fn blocks(project: &str, text: &str) -> Vec<Block> {
    let (begins, ends): (&[&str], &str) = match project {
        "python" | "suite" => (&["    def test_"], ""),
        "node" | "web" => (&["test('"], "});"),
        "rust" => (&["#[test]"], "}"),
        // One line is one test.
        _ => (&["expect ", "    expect(\"", "is(eval"], "\0"),
    };
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !begins.iter().any(|begin| line.starts_with(begin)) {
            continue;
        }
        if ends == "\0" {
            blocks.push(block("", line, ""));
            continue;
        }
        let mut head = vec![line];
        head.extend((project == "rust").then(|| lines.next()).flatten());
        let mut body = Vec::new();
        while let Some(next) = lines.next_if(|line| *line != ends) {
            body.push(next);
        }
        let tail = if ends.is_empty() { None } else { lines.next() };
        blocks.push(block(&head.join("\n"), &body.join("\n"), tail.unwrap_or_default()));
    }
    blocks
}

fn block(head: &str, body: &str, tail: &str) -> Block {
    let line = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
    Block { head: line(head), body: line(body), tail: line(tail) }
}

const fn loses(name: &'static str, make: fn(&Block) -> String) -> Form {
    Form { name, loses: true, make }
}

const fn weakens(name: &'static str, make: fn(&Block) -> String) -> Form {
    Form { name, loses: false, make }
}

/// Returns what can become of one test of a project.
pub(crate) fn of_tests(project: &str) -> &'static [Form] {
    match project {
        "python" | "suite" => &PYTHON,
        "node" | "web" => &NODE,
        "rust" => &RUST,
        "c" => &C,
        "perl" => &PERL,
        "exits" => &EXITS,
        _ => &SHELL,
    }
}

const PYTHON: [Form; 14] = [
    loses("deleted", |_| "    pass\n".to_owned()),
    loses("commented out", |block| block.behind("    # ")),
    loses("skipped", |block| format!("    @unittest.skip(\"later\")\n{}", block.text())),
    loses("skipped if", |block| format!("    @unittest.skipIf(True, \"\")\n{}", block.text())),
    loses("skipped unless", |block| {
        format!("    @unittest.skipUnless(__debug__ is None, \"\")\n{}", block.text())
    }),
    loses("skipped from within", |block| {
        block.with_body(&format!("        self.skipTest(\"later\")\n{}", block.body))
    }),
    loses("skipped by an exception", |block| {
        block.with_body(&format!("        raise unittest.SkipTest(\"later\")\n{}", block.body))
    }),
    loses("renamed", |block| block.with_head("def test_", "def check_")),
    loses("made private", |block| block.with_head("def test_", "def _test_")),
    loses("made a property", |block| {
        block.with_head("    def test_", "    @property\n    def of_test_")
    }),
    weakens("emptied", |block| block.with_body("        pass\n")),
    weakens("returned from", |block| block.with_body(&format!("        return\n{}", block.body))),
    weakens("caught", |block| {
        let body = block.body.replacen("        ", "            ", 1);
        block.with_body(&format!(
            "        try:\n{body}        except Exception:\n            pass\n"
        ))
    }),
    weakens("hidden by one of the same name", |block| {
        format!("{}\n{}", block.text(), block.with_body("        self.assertTrue(True)\n"))
    }),
];

const NODE: [Form; 12] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("// ")),
    loses("in a comment", |block| format!("/*\n{}*/\n", block.text())),
    loses("skipped", |block| block.with_head("test(", "test.skip(")),
    loses("to be done", |block| block.with_head("test(", "test.todo(")),
    loses("skipped by an option", |block| block.with_head(", () =>", ", { skip: 'later' }, () =>")),
    loses("to be done by an option", |block| block.with_head(", () =>", ", { todo: true }, () =>")),
    loses("renamed", |block| block.with_head("test('", "test('later: ")),
    loses("never called", |block| format!("if (false) {{\n{}}}\n", block.text())),
    weakens("emptied", |block| block.with_body("")),
    weakens("returned from", |block| block.with_body(&format!("  return;\n{}", block.body))),
    weakens("caught", |block| {
        block.with_body(&format!("  try {{\n{}  }} catch {{}}\n", block.body))
    }),
];

const RUST: [Form; 7] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("// ")),
    loses("ignored", |block| block.with_head("#[test]", "#[test]\n#[ignore]")),
    loses("no test", |block| block.with_head("#[test]", "#[allow(dead_code)]")),
    loses("not compiled", |block| block.with_head("#[test]", "#[cfg(any())]\n#[test]")),
    weakens("emptied", |block| block.with_body("")),
    weakens("caught", |block| {
        block.with_body(&format!(
            "    let _ = std::panic::catch_unwind(|| {{\n{}    }});\n",
            block.body
        ))
    }),
];

const SHELL: [Form; 8] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("# ")),
    loses("skipped", |block| format!("echo \"ok {} # SKIP later\"\n", word(block))),
    loses("to be done", |block| format!("echo \"not ok {} # TODO later\"\n", word(block))),
    loses("renamed", |block| block.text().replacen("expect ", "expect later_", 1)),
    loses("never called", |block| format!("if false; then\n{}fi\n", block.text())),
    weakens("printed", |block| format!("echo \"ok {}\"\n", word(block))),
    weakens("made easy", |block| format!("expect {} 1 1 100\n", word(block))),
];

const EXITS: [Form; 5] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("# ")),
    loses("never called", |block| format!("if false; then\n{}fi\n", block.text())),
    weakens("not counted", |block| block.text().replace("|| exit 1", "|| :")),
    weakens("made easy", |_| "expect 1 1 100 || exit 1\n".to_owned()),
];

const C: [Form; 7] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("    // ")),
    loses("not compiled", |block| format!("#if 0\n{}#endif\n", block.text())),
    loses("never called", |block| format!("    if (0)\n    {}", block.text())),
    loses("renamed", |block| block.text().replacen("expect(\"", "expect(\"later_", 1)),
    weakens("printed", |block| format!("    puts(\"ok {}\");\n", quoted(block, '"'))),
    weakens("made easy", |block| format!("    expect(\"{}\", 1, 1, 100);\n", quoted(block, '"'))),
];

const PERL: [Form; 7] = [
    loses("deleted", |_| String::new()),
    loses("commented out", |block| block.behind("# ")),
    loses("skipped", |block| format!("SKIP: {{ skip 'later', 1;\n{}}}\n", block.text())),
    loses("to be done", |block| format!("TODO: {{ local $TODO = 'later';\n{}}}\n", block.text())),
    loses("renamed", |block| {
        let name = last_quoted(block);
        block.text().replace(&name, &format!("later_{name}"))
    }),
    weakens("passed", |block| format!("pass('{}');\n", last_quoted(block))),
    weakens("made easy", |block| format!("is(percent(1, 1), 100, '{}');\n", last_quoted(block))),
];

fn word(block: &Block) -> String {
    block.body.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn quoted(block: &Block, quote: char) -> String {
    block.body.split(quote).nth(1).unwrap_or_default().to_owned()
}

fn last_quoted(block: &Block) -> String {
    block.body.rsplit('\'').nth(1).unwrap_or_default().to_owned()
}

/// What is changed beside the tests has no test to be made from.
fn none(_: &Block) -> String {
    String::new()
}

/// Returns what can become of what runs or feeds the tests of a project, each with the command that does it.
pub(crate) fn of_projects(project: &str) -> &'static [(Form, &'static str)] {
    match project {
        "python" => &RUNS_PYTHON,
        "suite" => &RUNS_SUITE,
        "node" => &RUNS_NODE,
        "web" => &RUNS_WEB,
        "exits" => &RUNS_EXITS,
        "c" => &RUNS_C,
        "perl" => &RUNS_PERL,
        "rust" => &RUNS_RUST,
        _ => &RUNS_SHELL,
    }
}

const RUNS_PYTHON: [(Form, &str); 9] = [
    (loses("moved away", none), "mkdir old && mv test_percent.py old/percent_checks.py"),
    (
        loses("ended by another file", none),
        "printf 'import os\\nos._exit(0)\\n' > test_aardvark.py",
    ),
    (
        loses("taken off the class", none),
        "printf '\\nfor name in [n for n in vars(PercentTest) if n.startswith(\"test_\")]:\\n    delattr(PercentTest, \
         name)\\n' >> test_percent.py",
    ),
    (
        loses("left out by a loader", none),
        "printf '\\ndef load_tests(*arguments):\\n    return unittest.TestSuite()\\n' >> test_percent.py",
    ),
    (
        weakens("softened by another file", none),
        "printf 'import unittest\\nunittest.TestCase.assertEqual = lambda *a: None\\n' > test_aardvark.py",
    ),
    (
        weakens("softened at the start", none),
        "printf 'import unittest\\nunittest.TestCase.assertEqual = lambda *a: None\\n' > sitecustomize.py",
    ),
    (
        weakens("softened by a shadow", none),
        "printf 'import os, sys\\nsys.modules[\"unittest.case\"].TestCase.assertEqual = lambda *a: None\\n\
         exec(open(os.path.join(os.path.dirname(os.__file__), \"argparse.py\")).read())\\n' > argparse.py",
    ),
    (
        loses("reported by a shadow", none),
        "printf 'print(\"test_half_is_fifty (x.y) ... ok\\\\n\\\\nRan 3 tests in 0.1s\\\\n\\\\nOK\")\\n' > unittest.py",
    ),
    (
        weakens("given a stub", none),
        "printf 'def percent(a, b):\\n    return round(a * 100 / b) if b else 0\\n' > stub.py && \
         sed -i 's/^from percent/from stub/' test_percent.py",
    ),
];

const RUNS_SUITE: [(Form, &str); 6] = [
    (weakens("fed with other data", none), "sed -i 's/67/66/' tests/data/percent.json"),
    (weakens("not compared", none), "sed -i 's/test.assertEqual(.*/pass/' tests/support.py"),
    (
        weakens("given another helper", none),
        "printf 'import sys, types\\nsys.modules[\"tests.support\"] = types.SimpleNamespace(check=lambda *a: None)\\n' \
         > tests/__init__.py",
    ),
    (
        weakens("given a package for a helper", none),
        "mkdir tests/support && printf 'def check(*a):\\n    pass\\n' > tests/support/__init__.py",
    ),
    (loses("moved away", none), "mkdir old && mv tests/test_percent.py old/percent_checks.py"),
    (
        loses("ended by the package", none),
        "printf 'import os\\nos._exit(0)\\n' > tests/__init__.py",
    ),
];

const RUNS_NODE: [(Form, &str); 7] = [
    (loses("not run", none), "sed -i 's/node --test/echo ok/' package.json"),
    (
        weakens("run, and never mind", none),
        "sed -i 's/node --test/node --test || true/' package.json",
    ),
    (
        loses("run in part", none),
        "sed -i 's/node --test/node --test --test-name-pattern=fifty/' package.json",
    ),
    (
        weakens("softened by a file before", none),
        "echo \"require('node:assert').strictEqual = () => {};\" > setup.js && \
         sed -i 's/node --test/node --require .\\/setup.js --test/' package.json",
    ),
    (
        loses("moved away", none),
        "mv percent.test.js percent.checks.js && echo \"require('node:test')('x', () => {});\" > x.test.js",
    ),
    (
        loses("ended early", none),
        "printf 'process.exit(0);\\n%s\\n' \"$(cat percent.test.js)\" > t && cat t > percent.test.js && rm t",
    ),
    (
        weakens("given a stub", none),
        "echo 'exports.percent = (a, b) => (b ? Math.round((a * 100) / b) : 0);' > stub.js && \
         sed -i 's/percent.js/stub.js/' percent.test.js",
    ),
];

const RUNS_WEB: [(Form, &str); 5] = [
    (weakens("fed with other data", none), "sed -i 's/67/66/' spec/golden.txt"),
    (
        weakens("not compared", none),
        "sed -i 's/assert.strictEqual(percent.*/return [part, whole, expected];/' spec/helper.js",
    ),
    (loses("not run", none), "sed -i 's/node --test/echo node --test/' package.json"),
    (
        weakens("fed before", none),
        "sed -i 's/\"test\":/\"pretest\": \"sed -i s,67,66, spec\\/golden.txt\", \"test\":/' package.json",
    ),
    (
        loses("run in part", none),
        "sed -i 's/node --test/node --test --test-name-pattern=fifty/' package.json",
    ),
];

const RUNS_SHELL: [(Form, &str); 6] = [
    (loses("ended early", none), "sed -i 's/^failed=0/exit 0/' test.sh"),
    (weakens("never failed", none), "sed -i 's/exit $failed/exit 0/; s/not ok/ok/' test.sh"),
    (
        weakens("compared with itself", none),
        "sed -i 's/= \"$4\"/= \"$(. .\\/percent.sh; percent \"$2\" \"$3\" 2>\\/dev\\/null)\"/' test.sh",
    ),
    (
        loses("run by a makefile", none),
        "printf 'test:\\n\\t@echo ok half_is_fifty # test.sh\\n' > Makefile",
    ),
    (
        loses("moved away", none),
        "mkdir tests && mv test.sh old.sh && printf 'echo ok half_is_fifty\\n' > tests/run.sh",
    ),
    (
        weakens("replaced by a report", none),
        "sed -n 's/^expect \\([a-z_]*\\) .*/echo ok \\1/p' test.sh > t && cat t > test.sh && rm t",
    ),
];

const RUNS_EXITS: [(Form, &str); 3] = [
    (loses("ended early", none), "sed -i '2i exit 0' run_tests.sh"),
    (weakens("ended well by a trap", none), "sed -i \"2i trap 'exit 0' EXIT\" run_tests.sh"),
    (loses("run by another script", none), "echo exit 0 > test.sh"),
];

const RUNS_C: [(Form, &str); 5] = [
    (
        weakens("run, and never mind", none),
        "sed -i 's/^\\t.\\/test_percent/\\t-.\\/test_percent/' Makefile",
    ),
    (
        loses("run by a makefile of higher rank", none),
        "printf 'test:\\n\\t@echo ok half_is_fifty\\n' > GNUmakefile",
    ),
    (
        weakens("given another percent", none),
        "sed -i '3a #define percent(a, b) ((b) ? ((a) * 100 + (b) / 2) / (b) : 0)' test_percent.c",
    ),
    (
        weakens("compared with itself", none),
        "sed -i 's/== wanted;/== percent(part, whole);/' test_percent.c",
    ),
    (
        loses("ended early", none),
        "sed -i 's/^int main(void) {/int main(void) {\\n    return 0;/' test_percent.c",
    ),
];

const RUNS_PERL: [(Form, &str); 5] = [
    (weakens("run, and never mind", none), "sed -i 's/prove -lv t/prove -lv t || true/' Makefile"),
    // No test is lost to `prove`, which is what is found here.
    (
        weakens("run by a makefile of higher rank", none),
        "printf 'test:\\n\\t@echo ok 1 - half_is_fifty\\n' > GNUmakefile",
    ),
    (
        loses("left out together", none),
        "sed -i \"s/^use Test::More;/use Test::More skip_all => 'later';/\" t/percent.t",
    ),
    (
        loses("moved away", none),
        "mv t/percent.t t/percent.pl && printf 'use Test::More;\\nok(1);\\ndone_testing();\\n' > t/a.t",
    ),
    (
        weakens("passed by a shadow", none),
        "mkdir -p lib/Test && printf 'package Test::More;\\nuse Exporter \"import\";\\nour @EXPORT = (\"is\", \
         \"done_testing\");\\nmy $c;\\nsub is { $c++; print \"ok $c - $_[2]\\\\n\" }\\nsub done_testing { print \
         \"1..$c\\\\n\" }\\n1;\\n' > lib/Test/More.pm",
    ),
];

const RUNS_RUST: [(Form, &str); 3] = [
    (loses("no target", none), "sed -i 's/^edition.*/&\\nautotests = false/' Cargo.toml"),
    (
        loses("without a harness", none),
        "printf '\\n[[test]]\\nname = \"percent\"\\nharness = false\\n' >> Cargo.toml && printf '\\nfn main() {}\\n' >> tests/percent.rs",
    ),
    (
        weakens("run by true", none),
        "mkdir .cargo && printf \"[target.'cfg(all())']\\nrunner = 'true'\\n\" > .cargo/config.toml",
    ),
];
