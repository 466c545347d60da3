"""Runs a project's tests, notes with which inputs they call the functions of changed files, and calls these functions as
they were and as they are with inputs like them. Prints the functions whose change shows for the tests' inputs alone.

Arguments: JSON with the mark of the last line and the changed files as they were, then a module and its arguments."""

import copy
import json
import os
import random
import runpy
import signal
import sys
import threading
import time

MOST_CALLS = 30
MOST_VARIANTS = 40
FEWEST_VARIANTS = 10
SECONDS = 10.0
SECONDS_A_CALL = 0.5
# Generators, coroutines, and functions that take any number of arguments.
OTHER_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x200


def is_plain(value, depth=3):
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return len(value) < 10000 if isinstance(value, (str, bytes)) else True
    if depth == 0 or not isinstance(value, (list, tuple, dict, set, frozenset)) or len(value) > 100:
        return False
    parts = list(value.items()) if isinstance(value, dict) else value
    return all(is_plain(part, depth - 1) for part in parts)


class Watch:
    def __init__(self, files):
        self.files = files
        self.paths = {}
        self.calls = {}

    def path(self, name):
        if name not in self.paths:
            real = os.path.realpath(name)
            self.paths[name] = real if real in self.files else None
        return self.paths[name]

    def __call__(self, frame, event, _):
        if event != "call":
            return
        code = frame.f_code
        path = self.path(code.co_filename)
        if path is None or code.co_flags & OTHER_KINDS:
            return
        function = frame.f_globals.get(code.co_name)
        function = getattr(function, "__wrapped__", function)
        if getattr(function, "__code__", None) is not code:
            return
        count = code.co_argcount + code.co_kwonlyargcount
        values = [frame.f_locals.get(name) for name in code.co_varnames[:count]]
        if count == 0 or not all(is_plain(value) for value in values):
            return
        known = self.calls.setdefault((path, code.co_name), (function, []))[1]
        if len(known) < MOST_CALLS and values not in known:
            known.append(copy.deepcopy(values))


class Guard:
    """Refuses what calls of the probe would do to files, other programs and the network, as far as Python tells of it."""

    ACTS = ("os.", "shutil.", "subprocess.", "socket.", "ctypes.", "signal.", "sqlite3.", "ftplib.", "smtplib.")

    def __init__(self):
        self.is_on = False
        self.has_acted = False

    def __call__(self, event, arguments):
        if not self.is_on:
            return
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 0o3103
        if writes or event.startswith(self.ACTS) and event not in ("os.listdir", "os.scandir", "signal.setitimer"):
            self.has_acted = True
            raise PermissionError("not while inputs are varied")


GUARD = Guard()


class TooLong(BaseException):
    pass


def too_long(*_):
    raise TooLong()


def result(function, values):
    """What a call comes to, so that two can be compared; None if they cannot."""
    code = function.__code__
    values = copy.deepcopy(values)
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    positional, keywords = values[: code.co_argcount], dict(zip(names, values[code.co_argcount :]))
    signal.setitimer(signal.ITIMER_REAL, SECONDS_A_CALL)
    GUARD.has_acted, GUARD.is_on = False, True
    try:
        value = function(*positional, **keywords)
    except TooLong:
        return None
    except BaseException as error:
        return None if GUARD.has_acted else "raised " + type(error).__name__
    finally:
        GUARD.is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
    if GUARD.has_acted:
        return None
    # What it changed of its arguments counts as well.
    both = (value, positional)
    return repr(both) if is_plain(value) and is_plain(positional, 4) else None


def varied(value, numbers):
    """A value of the same form. Nothing, zero and what is empty stay: they are cases of their own."""
    if isinstance(value, bool) or value is None or not value:
        return value
    if isinstance(value, int):
        near = [value + 1, value - 1, value * 2, value * 3, value * 10, value + 10, value - 10]
        near += [value + 100, value - 100, value // 2, numbers.randint(1, abs(value) * 10 + 9)]
        other = numbers.choice(near)
        return other if other != 0 and (other < 0) == (value < 0) else value + (1 if value > 0 else -1)
    if isinstance(value, float):
        return value * numbers.choice([0.5, 1.5, 2.0, 3.0, 10.0, 1.0 + numbers.random()])
    if isinstance(value, str):
        return "".join(varied_letter(letter, numbers) for letter in value)
    if isinstance(value, bytes):
        return varied(value.decode("latin-1"), numbers).encode("latin-1", "replace")
    if isinstance(value, dict):
        return {key: varied(part, numbers) for key, part in value.items()}
    return type(value)(varied(part, numbers) for part in value)


def varied_letter(letter, numbers):
    for letters in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"):
        if letter in letters:
            return numbers.choice(letters)
    return letter


def variants(values, known, numbers):
    found = []
    for _ in range(3 * MOST_VARIANTS):
        other = [varied(value, numbers) for value in values]
        if other not in known and other not in found:
            found.append(other)
        if len(found) == MOST_VARIANTS:
            break
    return found


def as_it_was(function, text, path):
    names = function.__globals__
    kept = ("__name__", "__package__", "__file__", "__loader__", "__spec__")
    before = {name: names.get(name) for name in kept}
    GUARD.is_on = True
    try:
        exec(compile(text, path, "exec"), before)
    except BaseException:
        return None
    finally:
        GUARD.is_on = False
    old = before.get(function.__name__)
    old = getattr(old, "__wrapped__", old)
    return old if getattr(old, "__code__", None) else None


def probe(function, old, known, deadline):
    """The first input for which the change shows, and how many like it were tried, if it shows for none of those."""
    numbers, first, tried = random.Random(0), None, 0
    for values in known:
        before, now = result(old, values), result(function, values)
        if before is None or now is None or before == now:
            continue
        for other in variants(values, known, numbers):
            if time.time() > deadline:
                return None
            before, now = result(old, other), result(function, other)
            if before is None or now is None:
                continue
            if before != now:
                return None
            tried += 1
            first = first or values
    return (first, tried) if tried >= FEWEST_VARIANTS else None


def probe_all(watch, texts):
    sys.addaudithook(GUARD)
    signal.signal(signal.SIGALRM, too_long)
    deadline, found = time.time() + SECONDS, []
    for (path, name), (function, known) in watch.calls.items():
        old = as_it_was(function, texts[path], path)
        seen = old and probe(function, old, known, deadline)
        if seen:
            shown = ", ".join(repr(value) for value in seen[0])[:120]
            line = function.__code__.co_firstlineno
            found.append({"path": path, "line": line, "name": name, "input": shown, "tried": seen[1]})
    return found


def main():
    told, module, arguments = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]
    out = os.dup(1)
    texts = {os.path.realpath(path): text for path, text in told["files"].items()}
    names = {os.path.realpath(path): path for path in told["files"]}
    watch = Watch(texts)
    sys.argv = [module] + arguments
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    # What the functions print is nobody's report.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    found = probe_all(watch, texts)
    for one in found:
        one["path"] = names[one["path"]]
    os.write(out, ("\n" + told["mark"] + json.dumps(found) + "\n").encode())
    os._exit(0)


main()
