"""Commands in processes of their own, to be killed: each a fork of one process that has everything imported.

A fresh interpreter spends two seconds on imports before it does anything that a kill could break; a fork spends none.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from orchestrator.liveness import start_ticks

PRELOADED = ("flows.launch", "flows.build", "analytics.store", "orchestrator.cli.engine", "orchestrator.cli.running")


class Child:
    """One command under way; `calls` lists the model turns it has asked for, one a line."""

    def __init__(self, zygote: "Zygote", pid: int, log: Path, calls: Path) -> None:
        """Stand for the process `pid` that `zygote` forked."""
        self.pid = pid
        self.log = log
        self.calls = calls
        self._zygote = zygote
        self._started = start_ticks(pid)

    @property
    def lives(self) -> bool:
        """Tell whether the process still runs."""
        return self._started is not None and start_ticks(self.pid) == self._started

    def wait_until(self, reached: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Wait until something is so, and tell whether that was before the process ended."""
        deadline = time.monotonic() + seconds
        while self.lives:
            if reached():
                return True
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.log.read_text()}"
            time.sleep(0.005)
        return False

    def descendants(self) -> dict[int, int]:
        """Return the pid of every process below this one, with when it started."""
        parents = {int(place.name): _parent(place) for place in Path("/proc").iterdir() if place.name.isdigit()}
        found = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: ticks for pid in found - {self.pid} if (ticks := start_ticks(pid)) is not None}

    def kill(self, *, wholly: bool) -> None:
        """Kill -9 its process group; `wholly`, everything below it as well."""
        below = self.descendants() if wholly else {}
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid, ticks in below.items():
            with suppress(ProcessLookupError):  # most end with their parent
                if start_ticks(pid) == ticks:
                    os.kill(pid, signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Wait for its end and return its exit code; minus the signal that killed it."""
        return self._zygote.status(self)


class Zygote:
    """Fork one command at a time."""

    def __init__(self, folder: Path) -> None:
        """Start the process that forks; logs go to `folder`."""
        self._folder = folder
        self._count = 0
        self._child: Child | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygote"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.communicate()

    def start(self, *arguments: str) -> Child:
        """Begin a command; one that a failed test left under way is killed first."""
        if self._child is not None:
            self._child.kill(wholly=True)
        self._count += 1
        log, calls = self._folder / f"{self._count}.log", self._folder / f"{self._count}.calls"
        calls.touch()
        order = {"arguments": arguments, "log": str(log), "calls": str(calls)}
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._child = Child(self, int(self._process.stdout.readline()), log, calls)
        return self._child

    def status(self, child: Child) -> int:
        """Wait for the end of the command under way and return its exit code."""
        assert self._process.stdout
        assert child is self._child
        self._child = None
        return os.waitstatus_to_exitcode(int(self._process.stdout.readline()))


def _parent(place: Path) -> int | None:
    try:
        return int((place / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return None


def _serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(**order)
            return
        os.write(1, f"{os.waitpid(pid, 0)[1]}\n".encode())


def _become(arguments: list[str], log: str, calls: str) -> None:
    """Run a command as a process of its own would: own session, own output, and to the interpreter's very end."""
    os.setsid()
    os.write(1, f"{os.getpid()}\n".encode())
    for descriptor, path in ((0, os.devnull), (1, log), (2, log)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), descriptor)
    _list_calls(os.open(calls, os.O_WRONLY | os.O_APPEND))
    sys.argv = ["mbo", *arguments]
    importlib.import_module("orchestrator.cli.main").main()


def _list_calls(descriptor: int) -> None:
    """Write down each turn that the model is asked for, by the id it will have in the transcript."""
    from agents.models import Request, Turn
    from agents.models.playbook import Playbook

    play = Playbook.turn

    async def turn(self: Playbook, request: Request) -> Turn:
        number = 1 + sum(message["role"] == "assistant" for message in request.messages)
        os.write(descriptor, f"{request.session.id}/turn-{number}\n".encode())
        return await play(self, request)

    Playbook.turn = turn


if __name__ == "__main__":
    _serve()
