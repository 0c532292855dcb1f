"""Promises of `mbo knowledge`: everything that was learned is listed, and found by plain words."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.context.knowledge import approve, learn, records
from orchestrator import settings
from orchestrator.events import Events
from orchestrator.home import Home, exclusive, write_json
from orchestrator.models import Knowledge, now
from tests.scenario import SECURITY, TESTING, Done, mbo


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """Return a home of the bundled plan in which two agents know something, one of it out of date."""
    home = Home(tmp_path)
    write_json(home.project_file, {"project": str(tmp_path), "plan": str(settings.BUNDLED_PLAN), "created": ""})
    events = Events(home, "run")
    for number, (agent, more) in enumerate(
        [
            (TESTING, {"type": "pattern", "title": "Fixtures", "text": "Use tmp_path."}),
            (SECURITY, {"type": "issue", "title": "Locks", "text": "The file is locked.", "solution": "Wait for it."}),
            (TESTING, {"type": "pattern", "title": "Fixtures", "text": "Use ours.", "supersedes": ("k0",)}),
            (SECURITY, {"type": "issue", "title": "Races", "text": "Two write the file at once."}),
        ]
    ):
        fields: dict[str, Any] = {"id": f"k{number}", "time": now(), "task_id": "1.1", "agent": agent, **more}
        record = Knowledge.model_validate(fields)
        events.record("knowledge", record.id, record.model_dump(mode="json"))
        learn(home, agent, record)
    events.record("knowledge_approved", "k3/approved", {"record": "k3", "by": TESTING})
    approve(home, records(home, [SECURITY])[-1], TESTING)
    events.close()
    return home


def run(home: Home, *words: str) -> Done:
    """Return what `mbo knowledge` says."""
    return mbo("knowledge", *words, "--home", str(home.root))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ["k0", "k1", "k2", "k3"]),
        (("fixtures",), ["k2"]),
        (("who waits for a file",), ["k1", "k3"]),
        (("--agent", "Security Agent"), ["k1", "k3"]),
        (("file", "--type", "issue", "--agent", TESTING), []),
        (("--type", "pattern"), ["k0", "k2"]),
    ],
    ids=["all", "one word", "some words of many", "agent", "none of this type", "type"],
)
def test_what_was_asked_for_is_told(place: Home, words: tuple[str, ...], found: list[str]) -> None:
    """A list has everything in the order it came, a search what matches and still holds, best first."""
    told = json.loads(run(place, *words, "--format", "json").out)

    assert [record["id"] for record in told] == found


def test_the_table_says_what_is_solved_open_and_superseded(place: Home) -> None:
    """A person reads the solution, that there is none, who approved, and what has taken a record's place."""
    told = run(place).out

    assert "The file is locked. Solved: Wait for it." in told
    assert "Two write the file at once. Open. Approved by testing-quality." in told
    assert "[superseded by k2] Use tmp_path." in told
    assert told.rstrip().endswith("4 records")


def test_nothing_known_is_said_so(place: Home) -> None:
    """A search that finds nothing is no error."""
    done = run(place, "submarine")

    assert (done.code, done.out) == (0, "0 records\n")


@pytest.mark.parametrize("words", [(), ("file",)], ids=["list", "search"])
def test_a_damaged_file_is_made_anew_from_the_journal(place: Home, words: tuple[str, ...]) -> None:
    """The command mends it and tells what it would have told; while a run holds the home, it says what will mend it."""
    before = run(place, *words)
    damaged = place.agent(SECURITY) / "knowledge.db"
    damaged.write_bytes(b"\x07" * 8192)

    with exclusive(place, "mbo build"):
        beside = run(place, *words)
    mended, again = run(place, *words), run(place, *words)

    told = f"{damaged}: damaged (file is not a database); "
    assert (beside.code, beside.out) == (1, "")
    assert beside.err == f"mbo: {told}the next run, or `mbo sync --agents ALL`, makes it anew from the journal\n"
    assert (mended.code, mended.out, mended.err) == (0, before.out, f"{told}made anew from the journal\n")
    assert again == before
