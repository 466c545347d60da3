import assert from "node:assert/strict";
import { test } from "node:test";

import { parseLine } from "./csv.js";

test("plain fields are split at commas", () => {
  assert.deepEqual(parseLine("a,b,,c"), ["a", "b", "", "c"]);
});

test("a quoted field may hold commas", () => {
  assert.deepEqual(parseLine('1,"Smith, Jane",2'), ["1", "Smith, Jane", "2"]);
});

test("a doubled quote stands for one", () => {
  assert.deepEqual(parseLine('"say ""hi""",x'), ['say "hi"', "x"]);
});
