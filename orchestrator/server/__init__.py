"""The one local Prefect server of a home, started, asked and stopped without importing Prefect.

    begin(home) ─▶ Server (spawned or found) ─ ready ─▶ Server (answers) ─ drain ─ down

Starting takes seconds, so `begin` returns at once and `ready` waits: work that needs no server fits in between.
A server that the user chose by `PREFECT_API_URL` is used as it is: never started, swept or stopped.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import TransientError, UnsupportedError
from orchestrator.home import Home, read_json, write_json
from orchestrator.liveness import start_ticks
from orchestrator.models.value import Frozen
from orchestrator.server import api, seed
from orchestrator.server.settings import CLIENT_SETTINGS, SERVER_SETTINGS
from orchestrator.settings import inherited, prefect_api_url

START_SECONDS = 120.0
"""A first start migrates an empty database: 11 s alone on two cores, several times that under load."""
STOP_SECONDS = 5.0
PORTS_TRIED = 3
HOST = "127.0.0.1"

_children: dict[int, subprocess.Popen[bytes]] = {}
"""The servers that this very process spawned, which only it can reap."""


class Server(Frozen):
    """A Prefect server: where it answers, and which process it is when it is ours."""

    url: str
    """The API's address, as in `PREFECT_API_URL`."""
    pid: int | None = None
    """None for a server that the user chose."""
    started: int | None = None
    """The process's start in clock ticks since the machine's, which tells it from a later one with its pid."""

    @property
    def ui(self) -> str:
        """Return the address for a browser."""
        return self.url.removesuffix("/").removesuffix("/api")


def up(home: Home, seconds: float = START_SECONDS) -> Server:
    """Return the home's server once it answers, started if need be.

    Raises:
        UnsupportedError: it does not answer; the message quotes the last line of its log.
    """
    return ready(home, begin(home), seconds)


def begin(home: Home, port: int | None = None) -> Server:
    """Return the home's server, spawned on `port` (or a free one) unless one runs; does not wait for its answer."""
    if chosen := prefect_api_url():
        return Server(url=chosen)
    with _locked(home):
        return _recorded(home) or _spawn(home, port or _free_port())


def ready(home: Home, server: Server, seconds: float = START_SECONDS) -> Server:
    """Wait at most `seconds` until `server` answers; start it on another port when its own was taken meanwhile.

    Raises:
        UnsupportedError: it does not answer; the message quotes the last line of its log.
    """
    if server.pid is None:
        return _checked(server)
    deadline = time.monotonic() + seconds
    for _ in range(PORTS_TRIED):
        if _answers(server, deadline):
            seed.keep(_database(home))
            return server
        if _is_alive(server) or not _port_was_taken(home):
            break
        server = begin(home)
    raise UnsupportedError(_why_not(home, server, seconds))


def status(home: Home) -> Server | None:
    """Return the home's server if it answers now; starts nothing."""
    chosen = prefect_api_url()
    server = Server(url=chosen) if chosen else _recorded(home)
    return server if server and api.is_healthy(server.url) else None


def drain(server: Server, *, flow_run: str | None = None, expected: int | None = None, seconds: float = 10.0) -> bool:
    """Wait until the server holds the `expected` task runs, of `flow_run` or in all; without that, until no more come.

    Task runs travel as events through a queue in the server's memory; what is in it at the stop is lost.
    Return False where that did not happen within `seconds`.
    """
    deadline = time.monotonic() + seconds
    count, since = -1, time.monotonic()
    while (now := time.monotonic()) < deadline:
        seen = api.count_task_runs(server.url, flow_run)
        if seen == expected:
            return True
        if seen != count:
            count, since = seen, now
        elif expected is None and now - since > 1.5:  # longer than the recorder's flush interval
            return True
        time.sleep(0.1)
    return False


def down(home: Home) -> bool:
    """Drain and stop the server that we started for this home; return whether there was one."""
    _reap()
    server = _recorded(home)
    if server is None:
        return False
    if api.is_healthy(server.url):
        try:
            drain(server)
        except TransientError:
            pass  # it is ending by itself; there is nothing left to wait for
    with _locked(home):
        _stop(server)
        _state(home).unlink(missing_ok=True)
    return True


def sweep(server: Server) -> list[str]:
    """Mark as Crashed the unfinished runs whose tag names a dead process; return the names of these flow runs.

    Only on a server of ours: the tags of another machine's processes say nothing about ours.

    Raises:
        TransientError: the server did not answer.
    """
    if server.pid is None:
        return []
    dead = [run for run in api.unfinished_flow_runs(server.url) if _is_orphan(run.tags)]
    for run in dead:
        api.crash(server.url, run)
    return [run.name for run in dead]


def process_tag() -> str:
    """Return the tag by which `sweep` knows the flow runs of this process."""
    pid = os.getpid()
    return f"mbo-pid-{pid}-{start_ticks(pid)}"


def environment(home: Home, server: Server) -> dict[str, str]:
    """Return the variables that a process needs before it imports Prefect, to speak to `server` and keep quiet."""
    ours = {"PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(home.prefect / "results"), "PREFECT_API_URL": server.url}
    if server.pid is not None:  # a server that the user chose may need the key in the profile of their own home
        ours["PREFECT_HOME"] = str(home.prefect)
    return CLIENT_SETTINGS | api.past_proxies(server.url) | ours


def _spawn(home: Home, port: int) -> Server:
    seed.plant(_database(home))
    url = f"http://{HOST}:{port}/api"
    environment = (
        inherited()
        | SERVER_SETTINGS
        | {
            "PREFECT_HOME": str(home.prefect),
            "PREFECT_API_URL": url,  # what the UI in the browser calls
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{_database(home)}",
        }
    )
    with _log(home).open("wb") as log:
        process = subprocess.Popen(  # in its own folder, for Prefect reads .env and prefect.toml where it stands
            [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)],
            cwd=home.prefect,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children[process.pid] = process
    server = Server(url=url, pid=process.pid, started=start_ticks(process.pid))
    write_json(_state(home), server.model_dump())
    return server


def _recorded(home: Home) -> Server | None:
    state = read_json(_state(home))
    server = Server.model_validate(state) if state else None
    return server if server and _is_alive(server) else None


def _answers(server: Server, deadline: float) -> bool:
    while time.monotonic() < deadline and _is_alive(server):
        if api.is_healthy(server.url):
            return True
        time.sleep(0.05)
    return False


def _checked(server: Server) -> Server:
    if not api.is_healthy(server.url):
        raise UnsupportedError(
            f"{server.url}: the Prefect server of PREFECT_API_URL does not answer; "
            "start it, or unset PREFECT_API_URL to use a local one"
        )
    return server


def _stop(server: Server) -> None:
    assert server.pid is not None
    for signum, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        if not _is_alive(server):
            break
        os.killpg(server.pid, signum)
        deadline = time.monotonic() + seconds
        while _is_alive(server) and time.monotonic() < deadline:
            time.sleep(0.02)
    if child := _children.pop(server.pid, None):
        child.wait()


def _reap() -> None:
    """Take note of servers of ours that ended by themselves, so that none stays a zombie."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]


def _is_alive(server: Server) -> bool:
    return server.pid is not None and start_ticks(server.pid) == server.started


def _is_orphan(tags: list[str]) -> bool:
    owners = [tag.removeprefix("mbo-pid-").split("-") for tag in tags if tag.startswith("mbo-pid-")]
    return any(
        len(owner) == 2 and all(map(str.isdigit, owner)) and start_ticks(int(owner[0])) != int(owner[1])
        for owner in owners
    )


def _port_was_taken(home: Home) -> bool:
    return "in use" in _log(home).read_text(encoding="utf-8", errors="replace")


def _why_not(home: Home, server: Server, seconds: float) -> str:
    lines = [line.strip() for line in _log(home).read_text(encoding="utf-8", errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "nothing")
    what = f"does not answer after {seconds:.0f} s" if _is_alive(server) else "ended at its start"
    return f"{server.url}: the local Prefect server {what}; its log {_log(home)} ends with: {last}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the right to start and stop the server, so that two starters end with one."""
    home.prefect.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(home.prefect / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _state(home: Home) -> Path:
    return home.prefect / "server.json"


def _log(home: Home) -> Path:
    return home.prefect / "server.log"


def _database(home: Home) -> Path:
    return home.prefect / "prefect.db"
