"""Promises of the local Prefect server: one a home, ours alone to stop, and no run of a dead process left running."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator import server
from orchestrator.errors import UnsupportedError
from orchestrator.home import Home, write_json
from orchestrator.server import Server
from orchestrator.server.api import post
from orchestrator.server.settings import SERVER_SETTINGS


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the session's server, so that the home starts its own."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@contextmanager
def taken_port() -> Iterator[int]:
    """Yield a port of the loopback address on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def state_of(url: str, path: str) -> str:
    """Return the type of the state of one flow run or task run."""
    with urllib.request.urlopen(f"{url}/{path}", timeout=30) as answer:
        return json.load(answer)["state"]["type"]


def running_flow(url: str, name: str, tags: list[str]) -> tuple[str, str]:
    """Create a running flow run with one running task run; return their ids."""
    flow = post(url, "flows/", {"name": "swept"})["id"]
    running = {"type": "RUNNING", "name": "Running"}
    run = post(url, "flow_runs/", {"flow_id": flow, "name": name, "tags": tags, "state": running})["id"]
    task = post(url, "task_runs/", {"flow_run_id": run, "task_key": "t", "dynamic_key": "0", "state": running})["id"]
    return run, task


def test_many_starters_end_with_one_server(home: Home, nothing_chosen: None) -> None:
    """Whoever begins at the same time gets the same process, and stopping it before it is ready leaves none."""
    with ThreadPoolExecutor(4) as starters:
        servers = set(starters.map(lambda _: server.begin(home), range(4)))
    stopped = server.down(home)

    assert len(servers) == 1
    assert stopped
    assert not Path(f"/proc/{servers.pop().pid}").exists()


def test_server_runs_until_it_is_stopped(home: Home, nothing_chosen: None) -> None:
    """A server whose port was taken meanwhile starts on another; its UI calls it; stopped, it leaves no process."""
    with taken_port() as port:
        running = server.ready(home, server.begin(home, port))
    with urllib.request.urlopen(f"{running.ui}/ui-settings", timeout=30) as answer:
        called_by_ui = json.load(answer)["api_url"]
    found, again = server.status(home), server.up(home)
    stopped = server.down(home)

    assert str(port) not in running.url
    assert called_by_ui == running.url
    assert found == again == running
    assert stopped
    assert server.status(home) is None
    assert not Path(f"/proc/{running.pid}").exists()
    assert not server.down(home)


def test_server_that_cannot_start_is_one_clear_line(home: Home, nothing_chosen: None) -> None:
    """A server that ends at its start is reported with its log's place and last line."""
    home.prefect.mkdir(parents=True)
    (home.prefect / "prefect.toml").write_text("this is not TOML")

    with pytest.raises(UnsupportedError, match=r"ended at its start; its log .*server\.log ends with: .*\S") as raised:
        server.up(home)

    assert "\n" not in str(raised.value)


def test_chosen_server_that_does_not_answer(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable PREFECT_API_URL is one clear line, and no server of ours takes its place."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")

    with pytest.raises(UnsupportedError, match="does not answer; start it, or unset PREFECT_API_URL"):
        server.up(home)

    assert not home.prefect.exists()


def test_chosen_server_is_never_stopped(home: Home, prefect_server: Server) -> None:
    """The server of PREFECT_API_URL is used as it is; stopping and sweeping leave it alone."""
    chosen = server.up(home)
    stopped = server.down(home)

    assert chosen == Server(url=prefect_server.url)
    assert not stopped
    assert server.sweep(chosen) == []
    assert server.status(home) == chosen


@pytest.mark.parametrize(
    ("pid", "started"),
    [pytest.param(2**22 + 1, 1, id="gone"), pytest.param(os.getpid(), 1, id="its pid is another's now")],
)
def test_record_of_a_dead_server_is_not_believed(home: Home, nothing_chosen: None, pid: int, started: int) -> None:
    """After a crash or a reboot the record names a process that is not the server: nothing is found, nothing killed."""
    write_json(home.prefect / "server.json", {"url": "http://127.0.0.1:9/api", "pid": pid, "started": started})

    assert server.status(home) is None
    assert not server.down(home)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        pytest.param(f"mbo-pid-{2**22 + 1}-77", "CRASHED", id="process is gone"),
        pytest.param(f"mbo-pid-{os.getpid()}-1", "CRASHED", id="pid is another's now"),
        pytest.param(server.process_tag(), "RUNNING", id="process is alive"),
        pytest.param("nightly", "RUNNING", id="run of somebody else"),
        pytest.param("mbo-pid-", "RUNNING", id="tag of no process"),
    ],
)
def test_sweep_crashes_the_runs_of_dead_processes_only(prefect_server: Server, tag: str, expected: str) -> None:
    """A flow run and its task runs are marked Crashed exactly when the process in its tag is dead."""
    flow_run, task_run = running_flow(prefect_server.url, f"run of {tag}", ["other", tag])

    swept = server.sweep(prefect_server)

    assert (f"run of {tag}" in swept) == (expected == "CRASHED")
    assert state_of(prefect_server.url, f"flow_runs/{flow_run}") == expected
    assert state_of(prefect_server.url, f"task_runs/{task_run}") == expected


def test_proxy_exceptions_of_the_user_stand(
    home: Home, prefect_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local server is added to the hosts that need no proxy; a server elsewhere changes nothing."""
    monkeypatch.setenv("no_proxy", "intern.example")

    assert server.environment(home, prefect_server)["no_proxy"] == "intern.example,127.0.0.1"
    assert "no_proxy" not in server.environment(home, Server(url="https://prefect.example/api"))


def test_drain_waits_for_the_expected_task_runs(prefect_server: Server) -> None:
    """Draining succeeds once the server holds what was made, and says so when it never does."""
    flow_run, _ = running_flow(prefect_server.url, "drained", [])

    assert server.drain(prefect_server, flow_run=flow_run, expected=1)
    assert server.drain(prefect_server, flow_run=flow_run)
    assert not server.drain(prefect_server, flow_run=flow_run, expected=2, seconds=0.2)


def test_every_setting_exists(home: Home, prefect_server: Server) -> None:
    """Each variable that we set is one that the installed Prefect reads; a renamed one would be ignored in silence."""
    from prefect.settings import Settings
    from prefect.settings.models.root import _get_settings_accessors  # pyright: ignore[reportPrivateUsage]  # no public list

    known = set(_get_settings_accessors(Settings))
    ours = {*SERVER_SETTINGS, *server.environment(home, prefect_server)}
    logging_overrides = {name for name in ours if name.startswith("PREFECT_LOGGING_HANDLERS_")}

    assert ours - logging_overrides - known == {"DO_NOT_TRACK", "NO_PROXY", "no_proxy"}


def test_client_is_quiet_and_keeps_its_results_as_json(home: Home, prefect_server: Server) -> None:
    """A flow that warns and fails in a task reaches us past a proxy, prints nothing, and its result is plain JSON."""
    program = """
from prefect import flow, get_run_logger, task
@task(persist_result=True)
def speak():
    get_run_logger().warning("a word")
    return {"spoken": True}
@task
def fail():
    raise ValueError("no")
@flow
def talk():
    speak()
    fail(return_state=True)
talk()
"""
    home.prefect.mkdir(parents=True)
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    variables = os.environ | proxy | server.environment(home, prefect_server)

    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=variables, cwd=home.root.parent, capture_output=True, check=False)
    results = [json.loads(file.read_bytes()) for file in (home.prefect / "results").rglob("*") if file.is_file()]

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [json.loads(result["result"]) for result in results] == [{"spoken": True}]
