"""The probes at start: real attempts to get out of the sandbox, made through the very path that agents use."""

import asyncio
import fcntl
import inspect
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import process, toolchain
from orchestrator.errors import SandboxError
from orchestrator.models.value import JsonObject
from orchestrator.sandbox import PROCESSES, Room, Sandbox, limits_processes

_SLOT = 999
"""A slot that no agent has: the limit of processes is tried out on nobody else."""
_SECONDS = 10.0
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
        worktree = _worktree(Path(name) / "worktree", sandbox.owner(_SLOT))
        got_through = await _attempts(sandbox, worktree, outside)
        got_through += await _left_behind(sandbox, worktree)
        frozen = await _run(sandbox, ["touch", "late"], worktree, writable=False)
        got_through += ["write to a read-only worktree"] if frozen.exit_code == 0 else []
    if got_through:
        raise SandboxError(
            f"self-test: a command in the sandbox can {', '.join(got_through)}; "
            "no agent is started; update bubblewrap and the kernel, or run as another user"
        )


async def _attempts(sandbox: Sandbox, worktree: Path, outside: _Outside) -> list[str]:
    told = {
        "canary": str(outside.canary),
        "tcp": outside.tcp,
        "udp": outside.datagrams.getsockname()[1],
        "abstract": outside.abstract,
        "variables": ["HOME", "PWD", *Room(worktree, writable=True).variables],
        "processes": PROCESSES + 64 if limits_processes(sandbox.owner(_SLOT)) else 0,
    }
    program = (
        f"{inspect.getsource(attempt_all)}\nimport json, sys\nprint(json.dumps(attempt_all(json.loads(sys.argv[1]))))"
    )
    python = str(Path(sys.executable).resolve())
    command = [python, "-I", "-S", "-c", program, json.dumps(told)]
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
    deadline = time.monotonic() + 1.0
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
        command, worktree=worktree, writable=writable, slot=_SLOT, seconds=_SECONDS, read_only=read_only
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


def attempt_all(told: "JsonObject") -> list[str]:
    """Return what could be done that must not be; runs inside, as source text, so it brings all that it needs."""
    import _thread
    import ctypes
    import os
    import socket
    from pathlib import Path

    libc = ctypes.CDLL(None, use_errno=True)

    def connect(family: int, address: object) -> None:
        with socket.socket(family) as client:
            client.settimeout(0.5)
            client.connect(address)

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("127.0.0.1", told["udp"]))
        raise OSError  # whether it arrived is seen outside

    def call(result: int) -> None:
        if result != 0:
            raise OSError

    def see_variables() -> None:
        seen: set[str] = set()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                seen |= {entry.partition("=")[0] for entry in environ.read_text().split("\0")}
            except OSError:
                continue
        call(len(seen - {"", *told["variables"]}) == 0)

    def keep_power() -> None:
        status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
        is_powerless = int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
        call(is_powerless and os.getuid() != 0)

    def start_many() -> None:
        if told["processes"] == 0:
            raise OSError  # not promised on this kernel
        started, wait = 0, _thread.allocate_lock()
        wait.acquire()
        try:
            for started in range(told["processes"]):
                _thread.start_new_thread(wait.acquire, ())
        except RuntimeError as error:
            raise OSError(started) from error

    attempts = {
        "read files outside": lambda: Path(told["canary"]).read_text(),
        "write files outside": lambda: Path(told["canary"]).write_text("x"),
        "write to the root folder": lambda: Path("/probe").write_text("x"),
        "write .git": lambda: Path(".git").write_text("x"),
        "remove .git": lambda: Path(".git").unlink(),
        "see our environment": see_variables,
        "see other processes": lambda: call(len(list(Path("/proc").glob("[0-9]*"))) <= 3),
        "keep privileges": keep_power,
        "set the core pattern": lambda: os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY),
        "make a user namespace": lambda: call(libc.unshare(0x10000000)),
        "remount the root": lambda: call(libc.mount(None, b"/", None, 0x1020, None)),
        "connect by TCP": lambda: connect(socket.AF_INET, ("127.0.0.1", told["tcp"])),
        "connect to an abstract socket": lambda: connect(socket.AF_UNIX, "\0" + told["abstract"]),
        "talk to the virtual machine's host": lambda: socket.socket(40).close(),
        "send a datagram": send,
        "start processes without end": start_many,
    }
    got_through: list[str] = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            continue
        got_through.append(name)
    return got_through
