"""Promises of the shared knowledge base: every record once, what was superseded marked, and no write without need."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.context import shares
from agents.context.shared_knowledge import interfaces, merge, once, read, write
from agents.context.shares import Shares
from orchestrator.home import Home
from orchestrator.models import Knowledge

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def known(number: int, title: str, text: str = "T", **more: Any) -> Knowledge:
    """Return a record of knowledge learned at a moment of its own."""
    about = {"id": f"k{number}", "time": BEGAN + timedelta(minutes=number), "task_id": "1.1", "agent": f"a{number}"}
    return Knowledge.model_validate({**about, "type": "pattern", "title": title, "text": text, **more})


RECORDS = [
    known(2, "paths", "resolve  them", references=("src/b.py", "src/a.py"), solution="realpath"),
    known(1, "Paths", "Resolve them", references=("src/a.py",)),
    known(3, "paths", "resolve them", type="best_practice"),
    known(4, "names", "short"),
    known(5, "names", "plain", supersedes=("k4",)),
]


@pytest.fixture
def base(home: Home) -> Home:
    """Return a home whose shared base holds the records."""
    write(home, merge(RECORDS, {"k4": "k5"}))
    return home


def test_what_says_the_same_is_one_record_with_all_references(base: Home) -> None:
    """Records of one type, title and text, in any case and spacing, are the earliest one with what the others add."""
    (first,) = once(base, RECORDS[:2])

    assert (first.id, first.agent, first.text) == ("k1", "a1", "Resolve them")
    assert (first.references, first.solution) == (("src/a.py", "src/b.py"), "realpath")
    assert [known and known.id for known in (read(base, "k2"), read(base, "k4"), read(base, "k9"))] == [
        "k1",
        "k4",
        None,
    ]


def test_a_superseded_record_is_kept_and_no_longer_found(base: Home) -> None:
    """It is in the base with what took its place, outside its index, and left out of what is shown."""
    with closing(sqlite3.connect(base.knowledge)) as database:
        marked = database.execute("select id, superseded_by from knowledge where superseded_by is not null").fetchall()
        found = database.execute("select title from knowledge_text where knowledge_text match 'short'").fetchall()

    assert (marked, found) == ([("k4", "k5")], [])
    assert [record.id for record in once(base, RECORDS[2:])] == ["k3", "k5"]


def test_an_approval_after_the_base_was_made_is_not_lost(base: Home) -> None:
    """A record approved since the last sync bears its approver at once; a group bears that of any of its records."""
    approved = [record.model_copy(update={"approver": "security"}) for record in RECORDS]

    assert [record.approver for record in once(base, approved)] == ["security"] * 3
    assert [each.record.approver for each in merge([RECORDS[0], approved[1]], {})] == ["security"]


def test_the_base_is_written_only_when_it_would_change(base: Home) -> None:
    """The same records leave the very file in place; one more replaces it."""
    before = base.knowledge.stat()
    write(base, merge(reversed(RECORDS), {"k4": "k5"}))
    same = base.knowledge.stat()
    write(base, merge([*RECORDS, known(6, "more")], {"k4": "k5"}))

    assert (same.st_ino, same.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert read(base, "k6") == known(6, "more")
    assert [file.name for file in base.shared.iterdir()] == ["knowledge.db"]


@pytest.mark.parametrize("damage", [b"", b"no database", None], ids=["empty", "garbage", "gone"])
def test_a_damaged_base_costs_no_knowledge(base: Home, damage: bytes | None) -> None:
    """Without a whole base records are shown as they were learned, and the next write makes it anew."""
    base.knowledge.unlink() if damage is None else base.knowledge.write_bytes(damage)

    assert once(base, RECORDS) == RECORDS
    write(base, merge(RECORDS, {"k4": "k5"}))
    assert len(once(base, RECORDS)) == 3


def test_no_records_make_no_base(home: Home) -> None:
    """A home in which nobody learned anything has no file."""
    write(home, [])

    assert not home.knowledge.exists()
    assert read(home, "k1") is None


def test_interfaces_are_found_by_the_task_of_any_who_stated_them(home: Home) -> None:
    """Of what was shared with an agent, the interfaces of given tasks that stand, each once."""
    stated = [
        known(1, "f", "f(x)", type="interface"),
        known(2, "f", "f(x)", type="interface", task_id="1.2"),
        known(3, "g", "g(x)", type="interface", task_id="1.2"),
        known(4, "h", "h(x)", type="interface", task_id="1.2"),
        known(5, "p", "p", task_id="1.2"),
    ]
    write(home, merge(stated, {"k4": "d1"}))

    assert [record.id for record in interfaces(home, ["1.2"], {"k2", "k3", "k4", "k5"})] == ["k1", "k3"]
    assert interfaces(home, ["1.2"], ()) == interfaces(home, ["1.3"], {"k3"}) == []


def test_shares_are_kept_once_each(home: Home) -> None:
    """What a sync brought an agent comes back in order; a file changed by hand counts as none until it is written."""
    shares.write(home, "a1", Shares(decisions=("d1",)).with_more(["d2", "d1"], ["k1"]))
    brought = shares.read(home, "a1")
    (home.agent("a1") / "shared.json").write_text("{")

    assert brought == Shares(decisions=("d1", "d2"), knowledge=("k1",))
    assert shares.read(home, "a1") == Shares()
