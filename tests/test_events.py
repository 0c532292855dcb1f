"""Promises of the project journal's events: each stands once, as first recorded, in this run and every later one."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import StorageError
from orchestrator.events import Events, read_events
from orchestrator.home import Home
from orchestrator.models import Usage
from tests.workbench import session

ROOT = Path(__file__).parent.parent

Open = Callable[[str], Events]


@pytest.fixture
def opened(home: Home) -> Iterator[Open]:
    """Return how to open the journal for a run of a name; an earlier run's is closed by it."""
    runs: list[Events] = []

    def open_(run: str) -> Events:
        if runs:
            runs.pop().close()
        runs.append(Events(home, run))
        return runs[-1]

    yield open_
    while runs:
        runs.pop().close()


def test_event_recorded_again_changes_nothing(home: Home, opened: Open) -> None:
    """What was recorded first stands, and is what a second call gets back."""
    events = opened("run-1")

    first = events.record("decision", "d", {"text": "one"})
    second = events.record("decision", "d", {"text": "two"})

    assert (first, second) == ({"text": "one"}, {"text": "one"})
    assert [record["data"] for record in read_events(home)] == [{"text": "one"}]


def test_later_run_recalls_what_an_earlier_one_recorded(home: Home, opened: Open) -> None:
    """A step that is done is found done, and what did not happen is told from what happened without data."""
    events = opened("run-1")
    events.record("started", "s", {})
    later = opened("run-2")

    assert later.recall("s") == {}
    assert later.recall("other") is None
    assert later.record("started", "s", {"new": True}) == {}
    assert [record["run"] for record in later.all("started")] == ["run-1"]


def test_unknown_price_is_recalled_as_unknown(home: Home, opened: Open) -> None:
    """A price that nobody knows does not come back as nothing to pay."""
    usage = Usage(dollars=None)
    events = opened("run-1")

    recorded = events.record("turn", "t", {"usage": usage.model_dump(mode="json")})
    recalled = opened("run-2").recall("t")

    assert recalled == recorded
    assert Usage.model_validate(recorded["usage"]).dollars is None


def test_event_says_whose_it_is(home: Home, opened: Open) -> None:
    """An event of a session bears its task, key and agent; any other those it is told."""
    who = session()
    events = opened("run-1")

    events.record("turn", "t", {}, session=who)
    events.record("outcome", "o", {}, about={"task": "2.1"})
    events.record("run_started", "r", {})

    owners = [(r.get("task"), r.get("key"), r.get("agent")) for r in read_events(home)]
    assert owners == [("1.1", who.key, who.agent), ("2.1", None, None), (None, None, None)]


def test_events_of_one_kind_come_in_order(home: Home, opened: Open) -> None:
    """The order of writing is the order of reading, across runs."""
    events = opened("run-1")
    for number in range(3):
        events.record("turn", f"t{number}", {"n": number})
        events.record("other", f"o{number}", {})
    later = opened("run-2")
    later.record("turn", "t3", {"n": 3})

    assert [record["data"]["n"] for record in later.all("turn")] == [0, 1, 2, 3]


def test_listener_hears_each_event_once_and_only_when_it_is_on_disk(home: Home, opened: Open) -> None:
    """What is shown has happened, and may be followed by an event of the listener's own."""
    events = opened("run-1")
    heard: list[tuple[str, bool]] = []

    def listen(record: dict[str, object]) -> None:
        heard.append((str(record["id"]), any(line["id"] == record["id"] for line in read_events(home))))
        if record["id"] == "a":
            events.record("k", "b", {})

    events.listen(listen)
    events.record("k", "a", {})
    events.record("k", "a", {})

    assert heard == [("a", True), ("b", True)]


def test_threads_that_record_the_same_agree(home: Home, opened: Open) -> None:
    """Of many that record one id at once, one is first, and all get what it wrote."""
    events = opened("run-1")

    with ThreadPoolExecutor(8) as pool:
        stands = list(pool.map(lambda n: events.record("k", f"id-{n % 5}", {"by": n}), range(40)))
    on_disk = {record["id"]: record["data"] for record in read_events(home)}

    assert stands == [on_disk[f"id-{n % 5}"] for n in range(40)]
    assert len(on_disk) == 5


def test_events_outlive_a_kill(home: Home, opened: Open) -> None:
    """Every event that `record` returned from is there after `kill -9`, and the journal opens without repair."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from orchestrator.events import Events\n"
        "from orchestrator.home import Home\n"
        "events = Events(Home(Path(sys.argv[1])), 'run-1')\n"
        "for n in range(20):\n    events.record('k', f'id-{n}', {'n': n})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    died = subprocess.run([sys.executable, "-c", script, str(home.root)], cwd=ROOT, check=False)

    assert died.returncode == -signal.SIGKILL
    assert [record["data"]["n"] for record in opened("run-2").all("k")] == list(range(20))


def test_refused_write_leaves_no_event(home: Home, opened: Open) -> None:
    """What is not on disk has not happened: it is neither recalled nor heard."""
    home.shared.mkdir(parents=True)
    home.metrics.symlink_to("/dev/full")
    events = opened("run-1")
    heard: list[object] = []
    events.listen(heard.append)

    with pytest.raises(StorageError, match="No space left"):
        events.record("k", "a", {})

    assert (events.recall("a"), list(events.all("k")), heard) == (None, [], [])
