"""`ntm` as a process of its own for each call, forked from one that has imported it already.

Starting Python and importing us takes longer than most commands; what a command
reads, writes, says and exits with is the same.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
Result = subprocess.CompletedProcess[str]


def ntm(
    *args: str, env: Mapping[str, str], cwd: Path = ROOT, typed: str = "", limit: int = 0
) -> Result:
    """Run `ntm`; `env` is added to the environment, `limit` is the most bytes a file may have."""
    with tempfile.TemporaryDirectory(prefix="ntm-shell-") as folder:
        said = Path(folder, "in"), Path(folder, "out"), Path(folder, "err")
        said[0].write_text(typed)
        code = _server().run({
            "args": args, "env": {**os.environ, **env}, "cwd": str(cwd),
            "files": list(map(str, said)), "limit": limit,
        })  # fmt: skip
        out, err = (path.read_bytes().decode() for path in said[1:])  # line ends as they are
        return Result(["ntm", *args], code, out, err)


class _Server:
    """The process that forks."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.shell"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        )  # fmt: skip

    def run(self, what: dict[str, object]) -> int:
        assert self._popen.stdin
        assert self._popen.stdout
        self._popen.stdin.write(json.dumps(what) + "\n")
        self._popen.stdin.flush()
        return int(self._popen.stdout.readline())


@cache
def _server() -> _Server:
    return _Server()


def _serve() -> None:
    """Fork for each line; the parent answers with the exit code, a child returns."""
    from ntm_workflow import cli
    from ntm_workflow.appendix import toml_file

    for module, _ in cli.COMMANDS.values():
        importlib.import_module(f"ntm_workflow.commands.{module}")
    toml_file.load(ROOT / "config" / "appendix.toml")  # what it learns of words, each child knows
    gc.freeze()
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    while line := asked.readline():
        what = json.loads(line)
        if pid := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            print(code, file=answers, flush=True)
            continue
        os.environ.clear()
        os.environ.update(what["env"])
        time.tzset()
        random.seed()
        os.chdir(what["cwd"])
        for number, (path, how) in enumerate(zip(what["files"], "rww", strict=True)):
            with open(path, how) as file:
                os.dup2(file.fileno(), number)
        if what["limit"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (what["limit"], what["limit"]))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        cli.main(what["args"])
        return


if __name__ == "__main__":
    _serve()
