"""A temporary home and workspace with one provider: one on loopback, or one that plays a script."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile

from measure import provider

# What `openkoi "say done"` is answered by the scripted provider, by role.
SCRIPT = [
    {"when": {"role": "planner"}, "call": [{"tool": "submit_plan", "arguments": {
        "effort": "answer", "kind": "general", "steps": [], "criteria": []}}]},
    {"when": {"role": "evaluator"}, "call": [{"tool": "submit_verdict", "arguments": {
        "scores": [{"$each": "(?m)^- `?([a-z][a-z_-]*)`? \\(", "give": {
            "dimension": "{{1}}", "score": 9.0}}], "findings": []}}]},
    {"when": {"role": "executor"}, "say": "Done."},
]


class World:
    """Where commands run. Nothing of the environment reaches them but `PATH`."""

    def __init__(self, openkoi, directory, server, scripted):
        self.openkoi, self.server = openkoi, server
        self.work, home = os.path.join(directory, "work"), os.path.join(directory, "home")
        os.mkdir(self.work)
        os.mkdir(home, mode=0o700)
        with open(os.path.join(home, "config.toml"), "w", encoding="utf-8") as file:
            file.write(self._played(directory) if scripted else self._served())
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": directory, "OPENKOI_HOME": home,
        } | ({} if scripted else {"OPENAI_API_KEY": "k"})

    def _served(self):
        port = self.server.server_address[1]
        return f'model = "openai/gpt-4.1"\n[providers.openai]\nbase_url = "http://127.0.0.1:{port}/v1"\n'

    @staticmethod
    def _played(directory):
        script = os.path.join(directory, "script.json")
        with open(script, "w", encoding="utf-8") as file:
            json.dump(SCRIPT, file)
        return f'model = "scripted/file"\n[providers.scripted]\nscript = {json.dumps(script)}\n'

    def start(self, arguments, stdout=subprocess.DEVNULL):
        """Starts a command."""
        return self._spawn([self.openkoi, *arguments], subprocess.DEVNULL, stdout)

    def hold(self, arguments):
        """Starts a command that begins, in the same process, when a line is written to its standard input."""
        shell = ["/bin/sh", "-c", 'read -r begin; exec "$0" "$@" </dev/null', self.openkoi]
        return self._spawn([*shell, *arguments], subprocess.PIPE, subprocess.DEVNULL)

    def _spawn(self, command, stdin, stdout):
        return subprocess.Popen(
            command, env=self.environment, cwd=self.work,
            stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL,
        )

    def check(self, arguments):
        """Runs a command that has to succeed, so that nothing is measured that does not work."""
        ended = subprocess.run(
            [self.openkoi, *arguments], env=self.environment, cwd=self.work, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        if ended.returncode != 0:
            sys.exit(f"openkoi {' '.join(arguments)}: exit code {ended.returncode}\n{ended.stderr}")


@contextlib.contextmanager
def world(openkoi, scripted=False):
    """Makes a world and removes it again. All roles are the one provider's, as for most people. It lies in `TMPDIR`: if that is in memory, so is every `fsync`."""
    with tempfile.TemporaryDirectory() as directory, provider.instant() as server:
        yield World(os.path.abspath(openkoi), directory, server, scripted)
