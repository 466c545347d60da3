"""What can be counted in Rust sources without a compiler: a lexer, and production code told from code for tests."""
import dataclasses
import functools
import os
import re

from . import ROOT

TOKEN = re.compile(
    r"""
    (?P<doc>//[/!](?!/)[^\n]*)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>[bc]?r(?P<marks>\#*)".*?"(?P=marks)|[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'])')
  | (?P<lifetime>'\w+)
  | (?P<word>(?:r\#)?[^\W\d]\w*)
  | (?P<number>\d\w*)
  | (?P<mark>\S)
    """,
    re.VERBOSE | re.DOTALL,
)
PAIRS = {"(": ")", "[": "]", "{": "}"}
TYPES = ("struct", "enum", "trait", "type", "union")
# What begins an item that ends with its first block or a semicolon, and what begins one that ends with a semicolon.
BLOCKS = ("fn", "impl", "struct", "enum", "trait", "mod", "union", "macro_rules")
FLAT = ("use", "const", "static", "type", "let", "extern")
# Folders that hold no production code. `testing` is the kit for the tests of components.
TESTS = ("tests", "benches", "examples", "fixtures", "demo", "testing", "target")


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    line: int


@dataclasses.dataclass
class File:
    """One file with production code: its tokens without those that are compiled for tests only, and all its lines."""

    path: str
    lines: int
    tokens: list

    @functools.cached_property
    def code(self):
        return [token for token in self.tokens if token.kind not in ("doc", "comment")]

    @property
    def code_lines(self):
        """How many lines hold more than a comment."""
        return len({token.line + at for token in self.code for at in range(token.text.count("\n") + 1)})

    def functions(self):
        """Yields the name, the line and the length of each function with a body, from `fn` to the closing brace."""
        for at, token in enumerate(self.code[:-1]):
            if token.text == "fn" and self.code[at + 1].kind == "word":
                last = self.code[end(self.code, at)]
                if last.text == "}":
                    yield self.code[at + 1].text, token.line, last.line - token.line + 1

    def types(self):
        """Yields the name and the line of each type that a module of this file defines."""
        at = 0
        while at < len(self.code):
            word = self.code[at].text
            if word in TYPES and self.code[at + 1].kind == "word":
                yield self.code[at + 1].text, self.code[at].line
            if word in BLOCKS + FLAT and not (word == "mod" and self.code[at + 2].text == "{"):
                # `const fn` and `extern "C" fn` are functions.
                function = next((later for later in range(at, at + 4) if text(self.code, later) == "fn"), at)
                at = end(self.code, function) + 1
            else:
                at += 1

    def public(self):
        """Yields for each public function and type its line and whether a comment documents it."""
        documented, attribute = False, 0
        for at, token in enumerate(self.tokens):
            if token.kind == "doc":
                documented = documented or token.text.startswith("///")
            elif token.text == "#" and text(self.tokens, at + 1) == "[":
                attribute = closing(self.tokens, at + 1)
            elif token.text == "pub" and text(self.tokens, at + 1) != "(":
                words = (text(self.tokens, at + after) for after in range(1, 5))
                kind = next((word for word in words if word not in ("const", "async", "unsafe")), "")
                if kind in TYPES + ("fn",):
                    yield token.line, documented
            if token.text in ("{", "}", ";", ",") and at > attribute:
                documented = False


def production(folder):
    """Returns the files of production code below a folder of the repository."""
    read, apart = {}, set()
    for path in sources(folder):
        if any(part in TESTS for part in path.split("/")) or path.endswith("/tests.rs"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            source = file.read()
        kept, children = without_tests(tokens(source))
        read[path] = File(path, source.count("\n"), kept)
        apart |= {os.path.join(children_of(path), child) for child in children}
    return [
        file for path, file in read.items()
        if not any((path.removesuffix(".rs") + "/").startswith(other + "/") for other in apart)
    ]


def test_lines(folder):
    """Returns how many lines below a folder hold code for tests only, beside other code and in files of their own."""
    total = 0
    for path in sources(folder):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            total += File(path, 0, tokens(file.read())).code_lines
    return total - sum(file.code_lines for file in production(folder))


def sources(folder):
    for place, folders, names in os.walk(os.path.join(ROOT, folder)):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".rs"):
                yield os.path.relpath(os.path.join(place, name), ROOT)


def children_of(path):
    """Returns the folder in which the children of a module lie."""
    folder, name = os.path.split(path)
    return folder if name in ("lib.rs", "main.rs", "mod.rs") else path.removesuffix(".rs")


def tokens(source):
    found, line, last = [], 1, 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", last, match.start())
        last = match.start()
        kind = "string" if match.lastgroup == "marks" else match.lastgroup
        found.append(Token(kind, match.group(), line))
    return found


def text(found, at):
    """Returns the text of a token, or nothing behind the last one."""
    return found[at].text if at < len(found) else ""


def closing(found, at):
    """Returns where the group ends that begins at `at`."""
    depth = 0
    for later in range(at, len(found)):
        if found[later].kind == "mark":
            depth += (found[later].text in PAIRS) - (found[later].text in PAIRS.values())
        if depth == 0:
            return later
    return len(found) - 1


def end(found, at):
    """Returns where the item ends that begins at `at`: with its block, or with what separates it from the next."""
    word = next((token.text for token in found[at : at + 8] if token.text in BLOCKS + FLAT), "")
    while at < len(found):
        mark = found[at].text if found[at].kind == "mark" else ""
        if mark == ";" or (mark == "," and not word):
            return at
        if mark in PAIRS.values():
            return at - 1
        if mark in PAIRS:
            at = closing(found, at)
            if mark == "{" and word not in FLAT:
                return at
        at += 1
    return len(found) - 1


def without_tests(found):
    """Returns the tokens that are not for tests only, and the modules in files of their own that are."""
    kept, children, at = [], [], 0
    while at < len(found):
        if not (found[at].text == "#" and text(found, at + 1) == "["):
            kept.append(found[at])
            at += 1
            continue
        after = closing(found, at + 1) + 1
        attribute = "".join(token.text for token in found[at + 2 : after - 1])
        if not is_for_tests(attribute):
            kept.extend(found[at:after])
            at = after
            continue
        while text(found, after) == "#":
            after = closing(found, after + 1) + 1
        last = end(found, after)
        if found[last].text == ";" and found[last - 2].text == "mod":
            children.append(found[last - 1].text)
        at = last + 1
    return kept, children


def is_for_tests(attribute):
    """Whether an attribute, without spaces, holds in tests only."""
    return attribute in ("test", "tokio::test", "cfg(test)") or attribute.startswith("cfg(all(test,")
