# Makes the project of the everyday commands in the present directory, a repository on `main` with two commits.
set -e
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
export GIT_AUTHOR_NAME=Grace GIT_AUTHOR_EMAIL=g@example.org GIT_COMMITTER_NAME=Grace GIT_COMMITTER_EMAIL=g@example.org
git init -q -b main .
echo .out/ >> .git/info/exclude
printf 'target/\nnode_modules/\n__pycache__/\nbuild/\n' > .gitignore
printf '# Numbers\n\none\ntwo\nthree\n' > README.md
mkdir -p sub/deep src tests
printf 'in sub\n' > sub/file.txt
printf '[package]\nname = "everyday"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n' > Cargo.toml
printf 'pub fn one() -> u32 {\n    1\n}\n\n#[test]\nfn one_is_one() {\n    assert_eq!(one(), 1);\n}\n' > src/lib.rs
printf 'fn main() {\n    println!("{}", everyday::one());\n}\n' > src/main.rs
printf '{"name":"everyday","version":"1.0.0","private":true,"scripts":{"hello":"echo hello","test":"node check.js"}}\n' > package.json
printf 'require("assert").strictEqual(1 + 1, 2);\nconsole.log("ok");\n' > check.js
printf 'def one():\n    return 1\n' > numbers_of.py
printf 'import unittest\n\nimport numbers_of\n\n\nclass One(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(numbers_of.one(), 1)\n' > tests/test_numbers.py
printf 'module example.org/everyday\n\ngo 1.18\n' > go.mod
printf 'package main\n\nfunc main() { println("go") }\n' > main.go
printf 'all: build/out\n\nbuild/out: README.md\n\tmkdir -p build\n\twc -l < README.md > $@\n\tcat $@\n' > Makefile
printf '#include <stdio.h>\nint main(void) { puts("c"); return 0; }\n' > hello.c
printf 'a,1\nb,2\nc,3\n' > table.csv
git add -A
git commit -q -m begin
printf 'four\n' >> README.md
git commit -q -a -m more
