//! Rows of the table with the runners themselves, where they are installed: a test that passes and one that fails, by name.

use std::path::Path;

use openkoi_sdk::evaluator::{Before, Change, ChangeKind, Subject};

use super::{Real, checks_of, shown, subject, verdict_on};
use crate::world::World;

/// A small project.
struct Sample {
    /// Programs without which it cannot run.
    needs: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    /// The checks in order, as [`shown`].
    shown: &'static [&'static str],
}

const SAMPLES: &[Sample] = &[
    Sample {
        needs: &["go"],
        files: &[
            ("go.mod", "module a\n\ngo 1.18\n"),
            ("a.go", "package a\n\nfunc Two() int { return 2 }\n"),
            (
                "a_test.go",
                "package a\n\nimport \"testing\"\n\nfunc TestTwo(t *testing.T) {\n\tif Two() != 2 {\n\t\tt.Fatal(Two())\n\t}\n}\n\n\
                 func TestThree(t *testing.T) {\n\tif Two() != 3 {\n\t\tt.Fatal(Two())\n\t}\n}\n",
            ),
        ],
        shown: &[
            "go:build Passed []",
            "go:vet Passed []",
            "go:test Failed [Failed a TestThree, Passed a TestTwo]",
        ],
    },
    Sample {
        needs: &["rspec"],
        files: &[
            (".rspec", ""),
            ("lib/a.rb", "def two = 2\n"),
            (
                "spec/a_spec.rb",
                "require_relative '../lib/a'\nRSpec.describe 'two' do\n  it('is two') { expect(two).to eq 2 }\n  \
                 it('is three') { expect(two).to eq 3 }\nend\n",
            ),
        ],
        shown: &[
            "ruby:rspec Failed [Failed spec/a_spec.rb two is three, Passed spec/a_spec.rb two is two]",
        ],
    },
    Sample {
        needs: &["rake", "ruby"],
        files: &[
            (
                "Rakefile",
                "require 'rake/testtask'\nRake::TestTask.new { |t| t.pattern = 'test/*_test.rb' }\n",
            ),
            (
                "test/a_test.rb",
                "require 'minitest/autorun'\nclass ATest < Minitest::Test\n  def test_two = assert_equal(2, 2)\n  \
                 def test_three = assert_equal(3, 2)\nend\n",
            ),
        ],
        shown: &["ruby:test Failed [Failed ATest#test_three, Passed ATest#test_two]"],
    },
    Sample {
        needs: &["phpunit"],
        files: &[
            (
                "phpunit.xml",
                "<phpunit><testsuites><testsuite name=\"a\"><directory>tests</directory></testsuite></testsuites></phpunit>\n",
            ),
            (
                "tests/ATest.php",
                "<?php\nfinal class ATest extends PHPUnit\\Framework\\TestCase\n{\n    public function testTwo(): void { $this->assertSame(2, 2); }\n    \
                 public function testThree(): void { $this->assertSame(3, 2); }\n}\n",
            ),
        ],
        shown: &["php:test Failed [Failed ATest.testThree, Passed ATest.testTwo]"],
    },
    Sample {
        needs: &["cmake", "ctest", "cc"],
        files: &[
            (
                "CMakeLists.txt",
                "cmake_minimum_required(VERSION 3.10)\nproject(a C)\nenable_testing()\nadd_executable(a a.c)\n\
                 add_test(NAME two COMMAND a 2)\nadd_test(NAME three COMMAND a 3)\n",
            ),
            ("a.c", "#include <stdlib.h>\nint main(int n, char **v) { return atoi(v[1]) != 2; }\n"),
        ],
        shown: &["cmake:test Failed [Failed three, Passed two]", "cmake:build Passed []"],
    },
    Sample {
        needs: &["meson", "ninja", "cc"],
        files: &[
            (
                "meson.build",
                "project('a', 'c')\ne = executable('a', 'a.c')\ntest('two', e, args: ['2'])\ntest('three', e, args: ['3'])\n",
            ),
            ("a.c", "#include <stdlib.h>\nint main(int n, char **v) { return atoi(v[1]) != 2; }\n"),
        ],
        shown: &["meson:test Failed [Failed a.three, Passed a.two]"],
    },
    Sample {
        needs: &["bats"],
        files: &[(
            "test/a.bats",
            "@test \"two\" {\n  [ 2 -eq 2 ]\n}\n\n@test \"three\" {\n  [ 2 -eq 3 ]\n}\n",
        )],
        shown: &["bats:test Failed [Failed three, Passed two]"],
    },
    Sample {
        needs: &["mix", "elixir"],
        files: &[
            (
                "mix.exs",
                "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"0.1.0\", deps: []]\nend\n",
            ),
            ("lib/a.ex", "defmodule A do\n  def two, do: 2\nend\n"),
            ("test/test_helper.exs", "ExUnit.start()\n"),
            (
                "test/a_test.exs",
                "defmodule ATest do\n  use ExUnit.Case\n  test \"two\" do\n    assert A.two() == 2\n  end\n  \
                 test \"three\" do\n    assert A.two() == 3\n  end\nend\n",
            ),
        ],
        shown: &["mix:test Failed [Failed ATest test three, Passed ATest test two]"],
    },
    Sample {
        needs: &["busted"],
        files: &[
            (".busted", "return { default = { ROOT = { 'spec' } } }\n"),
            (
                "spec/a_spec.lua",
                "describe('two', function()\n  it('is two', function() assert.are.equal(2, 2) end)\n  \
                 it('is three', function() assert.are.equal(3, 2) end)\nend)\n",
            ),
        ],
        shown: &["lua:busted Failed [Failed two is three, Passed two is two]"],
    },
    Sample {
        needs: &["rebar3", "erl"],
        files: &[
            ("rebar.config", "{erl_opts, [debug_info]}.\n"),
            (
                "src/a.app.src",
                "{application, a, [{vsn, \"1\"}, {applications, [kernel, stdlib]}]}.\n",
            ),
            ("src/a.erl", "-module(a).\n-export([two/0]).\ntwo() -> 2.\n"),
            (
                "test/a_tests.erl",
                "-module(a_tests).\n-include_lib(\"eunit/include/eunit.hrl\").\ntwo_test() -> ?assertEqual(2, a:two()).\n\
                 three_test() -> ?assertEqual(3, a:two()).\n",
            ),
        ],
        shown: &["rebar3:test Failed [Failed a_tests: three_test, Passed a_tests: two_test]"],
    },
    Sample {
        needs: &["rubocop"],
        files: &[(".rubocop.yml", "AllCops:\n  NewCops: disable\n"), ("a.rb", "x = 1\n")],
        shown: &["ruby:rubocop Failed []"],
    },
];

/// A project of Maven, whose plugins are on few machines: Debian keeps them in a place of its own.
#[test]
fn maven_names_what_passed_and_what_failed_and_builds_anew_where_it_must() {
    const REPOSITORY: &str = "/usr/share/maven-repo";
    let plugin = "org/apache/maven/plugins/maven-surefire-plugin/2.22.3";
    if !Real::new().installed("mvn") || !Path::new(REPOSITORY).join(plugin).exists() {
        println!("not run: Debian's repository of Maven is not here");
        return;
    }
    let version = |name: &str, version: &str| {
        format!(
            "<plugin><artifactId>maven-{name}-plugin</artifactId><version>{version}</version></plugin>"
        )
    };
    let pom = |more: &str| {
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>a</groupId>\
             <artifactId>b</artifactId><version>1</version><properties><maven.compiler.source>17</maven.compiler.source>\
             <maven.compiler.target>17</maven.compiler.target></properties><dependencies><dependency><groupId>junit</groupId>\
             <artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies><build>{more}\
             <plugins>{}{}{}</plugins></build></project>\n",
            version("compiler", "3.10.1"),
            version("resources", "3.3.0"),
            version("surefire", "2.22.3"),
        )
    };
    let product =
        |value: u8| format!("public class A {{ public static int two() {{ return {value}; }} }}\n");
    let test = "import static org.junit.Assert.*;\nimport org.junit.Test;\npublic class ATest {\n  \
                @Test public void two() { assertEquals(2, A.two()); }\n  \
                @Test public void three() { assertEquals(3, A.two()); }\n}\n";
    let world = Real::new()
        .file(".mvn/maven.config", &format!("-Dmaven.repo.local={REPOSITORY}\n"))
        .file("pom.xml", &pom("<sourceDirectory>other</sourceDirectory>"))
        .file("other/A.java", &product(3))
        .file("src/main/java/A.java", &product(2))
        .file("src/test/java/ATest.java", test);
    assert_eq!(
        shown(&checks_of(&world)[0]),
        "maven:test Failed [Failed ATest.two, Passed ATest.three]"
    );

    // What was built from other sources is not taken for what these are.
    let now = pom("<sourceDirectory>other</sourceDirectory>");
    let as_it_is = checks_of(&world);
    let before = Before { path: "pom.xml".to_owned(), text: Some(pom("")) };
    let change = Change { path: "pom.xml".to_owned(), kind: ChangeKind::Modified };
    let subject = Subject {
        changes: vec![change],
        before: vec![before],
        frozen: vec!["pom.xml".to_owned()],
        baseline: as_it_is.clone(),
        checks: as_it_is,
        ..subject()
    };
    let world = world.file("pom.xml", &pom(""));
    assert_ne!(now, pom(""));
    assert_eq!(
        shown(&verdict_on(&world, &subject).checks[0]),
        "maven:test Failed [Failed ATest.three, Passed ATest.two]"
    );
}

#[test]
fn runners_that_are_installed_name_what_passed_and_what_failed() {
    let mut wrong = Vec::new();
    for sample in SAMPLES {
        let world =
            sample.files.iter().fold(Real::new(), |world, (path, text)| world.file(path, text));
        if let Some(missing) = sample.needs.iter().find(|program| !world.installed(program)) {
            println!("not run, `{missing}` is not installed: {}", sample.shown.join(", "));
            continue;
        }
        let checks = checks_of(&world);
        let found: Vec<String> = checks.iter().map(shown).collect();
        if found != sample.shown {
            wrong.push(format!(
                "{found:?}, not {:?}: {:?}",
                sample.shown,
                checks.iter().map(|c| &c.excerpt).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
