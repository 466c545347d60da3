"""A task of many rounds: a model that reads a file and edits it, in turns, and answers at once."""
import json
import os

from measure.world import SCRIPT

ROUNDS = 30


def play(place):
    """Gives the scripted model of a world the task's turns."""
    turns = []
    for turn in range(ROUNDS):
        path = f"file{turn // 2}.txt"
        call = {"tool": "read_file", "arguments": {"path": path}} if turn % 2 == 0 else {
            "tool": "edit_file", "arguments": {"path": path, "old_string": "old", "new_string": "new"}}
        turns.append({"when": {"role": "executor", "round": turn}, "call": [call]})
    with open(os.path.join(os.path.dirname(place.work), "script.json"), "w", encoding="utf-8") as file:
        json.dump([*turns, *SCRIPT], file)


def lay_out(place):
    """Writes the files of the task as they are before it."""
    for number in range(ROUNDS // 2):
        with open(os.path.join(place.work, f"file{number}.txt"), "w", encoding="utf-8") as file:
            file.write("old\n")
