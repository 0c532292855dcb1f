"""The probes at start: real attempts to get out of the sandbox, made through the very path that agents use."""

import _thread
import asyncio
import ctypes
import fcntl
import inspect
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import process, toolchain
from orchestrator.errors import SandboxError
from orchestrator.models.value import JsonObject
from orchestrator.sandbox import PROCESSES, Room, Sandbox, limits_processes

_FIRST_SLOT, _SLOTS = 1000, 3000
"""Slots that no agent has: the limit of processes is tried out on nobody else."""
_SECONDS = 30.0
_GONE_SECONDS = 5.0
"""So soon what a command leaves behind has to be gone; a machine that is busy starting things takes its time."""
_DAEMON = """
setsid flock -x lock sh -c 'trap "" TERM; touch up; sleep 60' >/dev/null 2>&1 &
touch here || exit 1
while [ ! -e up ]; do :; done
"""


@dataclass(frozen=True)
class _Outside:
    """What stands outside the sandbox for the probes to reach: a file, and one listener of each kind."""

    canary: Path
    tcp: int
    abstract: str
    datagrams: socket.socket


async def self_test(sandbox: Sandbox) -> None:
    """Try to get out of `sandbox` in every way we know; level `none` promises nothing and is not tried.

    Raises:
        SandboxError: something got through, or the sandbox does not let an agent work; the message says what.
    """
    if sandbox.level == "none":
        return
    with tempfile.TemporaryDirectory() as name, _outside(Path(name)) as outside:
        worktree = _worktree(Path(name) / "worktree", sandbox.owner(_slot()))
        got_through = await _attempts(sandbox, worktree, outside)
        got_through += await _left_behind(sandbox, worktree)
        frozen = await _run(sandbox, ["touch", "late"], worktree, writable=False)
        got_through += ["write to a read-only worktree"] if frozen.exit_code == 0 else []
    if got_through:
        raise SandboxError(
            f"self-test: a command in the sandbox can {', '.join(got_through)}; "
            "no agent is started; update bubblewrap and the kernel, or run as another user"
        )


def _slot() -> int:
    """Return the slot of this process: the kernel counts processes by slot, so two tests at once need two."""
    return _FIRST_SLOT + os.getpid() % _SLOTS


async def _attempts(sandbox: Sandbox, worktree: Path, outside: _Outside) -> list[str]:
    told = {
        "canary": str(outside.canary),
        "tcp": outside.tcp,
        "udp": outside.datagrams.getsockname()[1],
        "abstract": outside.abstract,
        "variables": ["HOME", "PWD", *Room(worktree, writable=True).variables],
        "processes": PROCESSES + 64 if limits_processes(sandbox.owner(_slot())) else 0,
    }
    python = str(Path(sys.executable).resolve())
    command = [python, "-I", "-S", "-c", _program(), json.dumps(told)]
    finished = await _run(sandbox, command, worktree, read_only=toolchain.interpreter())
    try:
        got_through: list[str] = json.loads(finished.output)
    except ValueError:
        said = (finished.output.strip().splitlines() or [f"exit code {finished.exit_code}"])[-1]
        raise SandboxError(f"self-test: the probes did not run in the sandbox ({said})") from None
    try:
        outside.datagrams.recv(1)
    except BlockingIOError:
        return got_through
    return [*got_through, "send a UDP datagram"]


async def _left_behind(sandbox: Sandbox, worktree: Path) -> list[str]:
    """Let a command leave a process in a session of its own, holding a lock, and see whether the lock comes free."""
    await _run(sandbox, ["sh", "-c", _DAEMON], worktree)
    if not (worktree / "up").exists():
        raise SandboxError("self-test: a command in the sandbox cannot write to its worktree")
    deadline = time.monotonic() + _GONE_SECONDS
    with (worktree / "lock").open() as lock:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            else:
                return []
    return ["leave a process behind"]


async def _run(
    sandbox: Sandbox, command: list[str], worktree: Path, *, writable: bool = True, read_only: Sequence[Path] = ()
) -> process.Finished:
    return await sandbox.run(
        command, worktree=worktree, writable=writable, slot=_slot(), seconds=_SECONDS, read_only=read_only
    )


def _worktree(folder: Path, owner: int | None) -> Path:
    folder.mkdir()
    (folder / ".git").write_text("gitdir: /nowhere\n", encoding="utf-8")
    if owner is not None:
        for place in (folder, folder / ".git"):
            os.chown(place, owner, owner)
    return folder


@contextmanager
def _outside(folder: Path) -> Iterator[_Outside]:
    folder.chmod(0o755)  # only the sandbox stands between the canary and its reader
    canary = folder / "canary"
    canary.write_text("canary", encoding="utf-8")
    canary.chmod(0o666)
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        datagrams.setblocking(False)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0mbo-self-test-{os.getpid()}")
        abstract.listen()
        yield _Outside(canary, tcp.getsockname()[1], f"mbo-self-test-{os.getpid()}", datagrams)


# What follows runs inside, as source text, with the standard library alone. A probe that is held back raises OSError.


def attempt_all(told: JsonObject) -> list[str]:
    """Return what could be done that must not be."""
    probes: dict[str, Callable[[], object]] = {
        "read files outside": lambda: Path(told["canary"]).read_text(),
        "write files outside": lambda: Path(told["canary"]).write_text("x"),
        "write to the root folder": lambda: Path("/probe").write_text("x"),
        "write .git": lambda: Path(".git").write_text("x"),
        "remove .git": lambda: Path(".git").unlink(),
        "see our environment": lambda: see_variables(set(told["variables"])),
        "see other processes": lambda: refuse(len(list(Path("/proc").glob("[0-9]*"))) <= 3),
        "keep privileges": keep_power,
        "set the core pattern": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
        "make a user namespace": lambda: refuse(ctypes.CDLL(None).unshare(0x10000000) != 0),
        "remount the root": lambda: refuse(ctypes.CDLL(None).mount(None, b"/", None, 0x1020, None) != 0),
        "connect by TCP": lambda: connect(socket.AF_INET, ("127.0.0.1", told["tcp"])),
        "connect to an abstract socket": lambda: connect(socket.AF_UNIX, "\0" + told["abstract"]),
        "talk to the virtual machine's host": lambda: socket.socket(40).close(),
        "send a UDP datagram": lambda: send(told["udp"]),
        "start processes without end": lambda: start_many(told["processes"]),
    }
    got_through: list[str] = []
    for name, attempt in probes.items():
        try:
            attempt()
        except OSError:
            continue
        got_through.append(name)
    return got_through


def refuse(is_held_back: bool) -> None:
    """Say that a probe was held back."""
    if is_held_back:
        raise OSError


def connect(family: int, address: tuple[str, int] | str) -> None:
    """Reach a listener."""
    with socket.socket(family) as client:
        client.settimeout(0.5)
        client.connect(address)


def send(port: int) -> None:
    """Send a datagram; whether it arrived is seen outside."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("127.0.0.1", port))
    raise OSError


def see_variables(expected: set[str]) -> None:
    """Find a variable that was not given in the environment of any process."""
    seen: set[str] = set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            seen |= {entry.partition("=")[0] for entry in environ.read_text().split("\0")}
        except OSError:
            continue
    refuse(seen <= {"", *expected})


def keep_power() -> None:
    """Be root, hold a capability, or be able to gain one."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    powers = [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")]
    refuse(not any(powers) and status["NoNewPrivs"] == "1" and os.getuid() != 0)


def start_many(count: int) -> None:
    """Have `count` threads at once, which count as processes; none where no limit is promised."""
    refuse(count == 0)
    wait = _thread.allocate_lock()
    wait.acquire()
    try:
        for _ in range(count):
            _thread.start_new_thread(wait.acquire, ())
    except RuntimeError as error:
        raise OSError from error


def _program() -> str:
    inside = (attempt_all, refuse, connect, send, see_variables, keep_power, start_many)
    return "\n".join(
        [
            "from __future__ import annotations",
            "import _thread, ctypes, json, os, socket, sys",
            "from pathlib import Path",
            *map(inspect.getsource, inside),
            "print(json.dumps(attempt_all(json.loads(sys.argv[1]))))",
        ]
    )
