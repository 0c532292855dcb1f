"""Promises of the store: the database is the journal's shadow, and no state of the file hides an answer."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics import database, facts, store
from orchestrator.errors import InputError, JournalError
from orchestrator.home import Home
from orchestrator.journal import Journal, encode
from orchestrator.models import Event

PLAN = {
    "name": "small",
    "digest": "d",
    "phases": [{"number": 1, "name": "Only", "tasks": 1}],
    "components": [{"number": 1, "name": "alpha", "phase": 1}],
    "tasks": [{"id": "1.1", "phase": 1, "component": 1, "component_name": "alpha", "title": "T", "agent": "coder"}],
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Stand for a home with a quote in its name and a journal of one plan and three turns."""
    home = Home(tmp_path / "the user's home")
    write(home, record("plan/p", "plan", PLAN), *(turn(number) for number in range(3)))
    return home


def record(record_id: str, kind: str, data: dict[str, Any], **about: str) -> dict[str, Any]:
    """Return one event as it is journalled."""
    event = Event(id=record_id, time=datetime(2026, 1, 1, tzinfo=UTC), kind=kind, run="r", data=data, **about)
    return event.model_dump(mode="json", exclude_none=True)


def turn(number: int, dollars: float | None = 0.5) -> dict[str, Any]:
    """Return a turn of an agent."""
    usage = {"input_tokens": 10, "output_tokens": 1, "dollars": dollars}
    data = {"role": "work", "turn": number, "model": "opus", "usage": usage, "seconds": 1.5, "tools": ["bash"]}
    return record(f"abc/work-1.1/turn-{number}", "turn", data, task="1.1", agent="coder")


def write(home: Home, *records: dict[str, Any]) -> None:
    """Append records to the project journal."""
    with closing(Journal(home.metrics)) as journal:
        for each in records:
            journal.append(each)


def costs(home: Home) -> list[dict[str, Any]]:
    """Ask what the turns cost."""
    with store.connect(home) as connection:
        return store.ask(connection, "costs", phase=None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have another process hold the database open for writing."""
    script = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("")


def test_new_events_are_ingested_once(home: Home) -> None:
    """The first call brings in everything, the second nothing, the next only what came since."""
    first, second = store.ingest(home), store.ingest(home)
    write(home, turn(3))
    third = store.ingest(home)

    assert [first, second, third] == [4, 0, 1]
    assert costs(home)[0]["turns"] == 4


def test_a_reader_sees_what_was_never_ingested(home: Home) -> None:
    """Connecting brings the database up to date first."""
    assert costs(home) == [
        {
            "agent": "coder",
            "model": "opus",
            "turns": 3,
            "input_tokens": 30,
            "output_tokens": 3,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
            "unpriced_turns": 0,
            "known_dollars": 1.5,
        }
    ]


def test_a_deleted_database_answers_as_before(home: Home) -> None:
    """Every question has the same answer from a database that was built anew."""

    def answers() -> dict[str, list[dict[str, Any]]]:
        with store.connect(home) as connection:
            return {
                name: store.ask(connection, name, **({} if name in facts.WHOLE_PROJECT else {"phase": None}))
                for name in store.questions()
            }

    before = answers()
    home.database.unlink()

    assert answers() == before


def test_a_torn_tail_waits_until_it_is_whole(home: Home) -> None:
    """Half a line is left alone, and read once it is a line."""
    line = encode(turn(9))
    with home.metrics.open("ab") as journal:
        journal.write(line[:40])
    torn = store.ingest(home)
    with home.metrics.open("ab") as journal:
        journal.write(line[40:])
    whole = store.ingest(home)

    assert [torn, whole] == [4, 1]


def test_a_cut_tail_leaves_no_trace(home: Home) -> None:
    """What is written in the place of a torn tail is read as if there had been none."""
    with home.metrics.open("ab") as journal:
        journal.write(encode(turn(9))[:40])
    store.ingest(home)
    write(home, turn(5), turn(6))

    assert store.ingest(home) == 2


def test_damage_in_the_middle_is_named(home: Home) -> None:
    """A damaged line with whole lines behind it is an error, and the database keeps what it had."""
    store.ingest(home)
    good = home.metrics.stat().st_size
    write(home, turn(3), turn(4))
    content = bytearray(home.metrics.read_bytes())
    content[good + 10] ^= 1
    home.metrics.write_bytes(content)

    with pytest.raises(JournalError, match="damaged"):
        store.ingest(home)
    home.metrics.write_bytes(content[:good])
    assert costs(home)[0]["turns"] == 3


@pytest.mark.parametrize("added", [0, 6], ids=["shorter", "longer"])
def test_another_journal_in_the_same_place_is_read_from_its_beginning(home: Home, added: int) -> None:
    """A journal that was replaced leaves nothing of the old one in the database."""
    store.ingest(home)
    home.metrics.unlink()
    write(home, *(turn(number, dollars=2) for number in range(1, added + 2)))

    new = store.ingest(home)

    assert new == added + 1
    assert costs(home)[0]["known_dollars"] == 2 * (added + 1)


def test_a_database_that_another_process_holds_keeps_nobody_waiting(home: Home) -> None:
    """While it is locked nothing is ingested, and a reader still knows the newest event; then all catches up."""
    store.ingest(home)
    write(home, turn(3))

    with locked(home.database):
        ingested, answer = store.ingest(home), costs(home)

    assert ingested == 0
    assert answer[0]["turns"] == 4
    assert store.ingest(home) == 1


def test_a_reader_and_the_ingester_get_along_in_one_process(home: Home) -> None:
    """A build that ingests while its own report is read waits for nothing; a second reader still answers."""
    with store.connect(home):
        write(home, turn(3))
        ingested, answer = store.ingest(home), costs(home)

    assert ingested == 0
    assert answer[0]["turns"] == 4
    assert store.ingest(home) == 1


def test_a_kill_in_the_middle_loses_and_doubles_nothing(home: Home) -> None:
    """Killed before its commit, an ingestion is done again whole."""
    script = """
import os, signal, sys
from pathlib import Path
from analytics import store
from orchestrator.home import Home

opened = []

def die_before_the_commit(event, arguments):
    if event == "open" and str(arguments[0]).endswith("metrics.jsonl"):
        opened.append(arguments[0])
        if len(opened) == 4:  # for the old mark, the lines, the records, and then the new mark
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die_before_the_commit)
store.ingest(Home(Path(sys.argv[1])))
"""
    store.ingest(home)
    write(home, turn(3), turn(4))
    command = [sys.executable, "-c", script, str(home.root)]
    killed = subprocess.run(command, cwd=Path(store.__file__).parent.parent, check=False)

    assert killed.returncode == -9
    assert store.ingest(home) == 2
    assert costs(home)[0]["turns"] == 5


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"no database at all" * 500, id="foreign"),
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda content: flipped(content, 20), id="header"),
        pytest.param(lambda content: flipped(content, 12_288 + 300), id="first block"),
    ],
)
def test_a_damaged_file_is_put_aside_and_rebuilt(home: Home, damage: Any) -> None:
    """Whatever happened to the file, the answer is the same and the damaged file is kept."""
    before = costs(home)
    content = damage(home.database.read_bytes())
    home.database.write_bytes(content)

    after = costs(home)

    assert after == before
    assert home.database.with_name("implementation.db.corrupt-1").read_bytes() == content
    assert store.ingest(home) == 0


def test_a_block_that_rotted_is_found_before_a_question_is_asked(home: Home) -> None:
    """Damage in the events themselves, which opening the file does not see, leads to a rebuild too."""
    lines = [encode(record(f"n/{n}", "note", {"text": hashlib.sha512(b"%d" % n).hexdigest()})) for n in range(9000)]
    with home.metrics.open("ab") as journal:
        journal.write(b"".join(lines))
    before = costs(home)
    rot(home.database)

    after = costs(home)

    assert after == before
    assert [path.name for path in home.shared.glob("*.corrupt-*")] == ["implementation.db.corrupt-1"]


def test_a_log_is_put_aside_with_its_file_under_the_next_free_name(home: Home) -> None:
    """Nothing that was put aside is ever overwritten, and no old log is replayed into a new file."""
    home.database.write_bytes(b"second")
    home.database.with_name("implementation.db.wal").write_bytes(b"its log")
    home.database.with_name("implementation.db.corrupt-1").write_bytes(b"first")

    store.ingest(home)

    contents = {path.name: path.read_bytes() for path in home.shared.glob("*.corrupt-*")}
    assert contents == {
        "implementation.db.corrupt-1": b"first",
        "implementation.db.corrupt-2": b"second",
        "implementation.db.corrupt-2.wal": b"its log",
    }


def test_a_full_disk_is_named_and_keeps_nobody_from_reading(home: Home) -> None:
    """Where the disk takes no more, ingestion says so, nothing is put aside, and a reader still answers."""
    script = """
import json, resource, sys
from pathlib import Path
from analytics import store
from orchestrator.errors import StorageError
from orchestrator.home import Home
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
home = Home(Path(sys.argv[1]))
try:
    store.ingest(home)
except StorageError as error:
    print(error)
with store.connect(home) as connection:
    print(store.ask(connection, "costs", phase=None)[0]["turns"])
"""
    command = [sys.executable, "-c", script, str(home.root)]
    full = subprocess.run(
        command, cwd=Path(store.__file__).parent.parent, check=True, capture_output=True, text=True
    ).stdout.splitlines()

    assert "File too large" in full[0]
    assert full[1] == "3"
    assert not list(home.shared.glob("*.corrupt-*"))


def test_kinds_and_fields_of_tomorrow_do_no_harm(home: Home) -> None:
    """An unknown kind, additional data, and data of another shape change no answer and stay readable."""
    before = costs(home)
    write(
        home,
        record("x/1", "invented", {"deep": [{"a": None}], "text": "it's \0 \U0001f600"}, task="9.9", agent="nobody"),
        record("x/2", "check", {"name": ["not", "a", "name"], "seconds": "soon", "problem": {}}, task="1.1"),
        record("x/3", "merged", {"files": 3, "lines_added": "many", "new": float("nan")}),
        {"id": "x/4", "kind": "bare"},
    )

    after = costs(home)

    assert after == before
    with store.connect(home) as connection:
        assert connection.execute("select count(*) from events").fetchall() == [(8,)]
        text = connection.execute("select data ->> '$.text' from events where id = 'x/1'").fetchall()
        assert text == [("it's \0 \U0001f600",)]


def test_many_events_are_ingested_in_their_order(home: Home) -> None:
    """Twenty thousand events arrive whole, once, and in the journal's order."""
    lines = [encode(record(f"n/{n}", "note", {"number": n})) for n in range(20_000)]
    with home.metrics.open("ab") as journal:
        journal.write(b"".join(lines))

    ingested = store.ingest(home)

    assert ingested == 20_004
    with store.connect(home) as connection:
        query = "select list((data ->> '$.number')::int order by position) from events where kind = 'note'"
        assert connection.execute(query).fetchall() == [(list(range(20_000)),)]


def test_no_journal_is_no_database(tmp_path: Path) -> None:
    """In a home without a journal nothing is created, and a reader finds nothing."""
    home = Home(tmp_path / "nowhere")

    assert store.ingest(home) == 0
    assert costs(home) == []
    assert not home.root.exists()


def test_the_file_suits_the_command_line_of_today(home: Home) -> None:
    """The database has the older storage format, and its views work wherever it is opened by its own name."""
    store.ingest(home)

    with closing(duckdb.connect(str(home.database), read_only=True)) as connection:
        tags = connection.execute(
            "select tags from duckdb_databases() where database_name = 'implementation'"
        ).fetchall()
        standings = connection.execute("select id, state from standings").fetchall()
    assert tags == [({"storage_version": "v1.5.0+"},)]
    assert standings == [("1.1", "in work")]


def test_each_schema_file_is_applied_once(home: Home) -> None:
    """The database remembers which files made it, and an old database gets only those it lacks."""
    store.ingest(home)
    with database.file(home.database) as connection:
        connection.execute("drop view standings")
        connection.execute("delete from schema_files where name = '005_endings'")
        for view in ("conflicts", "merges", "outcomes"):
            connection.execute(f"drop view {view}")

    store.ingest(home)

    with store.connect(home) as connection:
        names = [name for (name,) in connection.execute("select name from schema_files order by name").fetchall()]
        assert names == sorted(path.stem for path in database.SCHEMA.glob("*.sql"))
        assert store.ask(connection, "components", phase=1)[0]["in_work"] == 1


@pytest.mark.parametrize(
    "statement",
    ["select * from read_text('/etc/hostname')", "attach 'other.db'", "set enable_external_access = true"],
    ids=["file", "database", "way back"],
)
def test_questions_reach_nothing_but_the_journal(home: Home, statement: str) -> None:
    """A reader cannot touch files, other databases or its own confinement, be it on the file or on the journal."""
    with store.connect(home) as on_file, store.connect(home) as on_journal:
        for connection in (on_file, on_journal):
            with pytest.raises(duckdb.Error, match=r"disabled|locked|running"):
                connection.execute(statement)


@pytest.mark.parametrize(
    ("question", "parameters", "message"),
    [
        pytest.param("../schema/001_events", {}, "no such question; ask one of agents, ", id="a path"),
        pytest.param("nonsense", {}, "no such question", id="unknown"),
        pytest.param("costs", {}, "takes phase, was given no parameters", id="too few"),
        pytest.param("runs", {"phase": 1}, "takes no parameters, was given phase", id="too many"),
    ],
)
def test_a_question_that_cannot_be_asked_is_named(
    home: Home, question: str, parameters: dict[str, Any], message: str
) -> None:
    """An unknown question or another set of parameters is one clear line."""
    with store.connect(home) as connection, pytest.raises(InputError, match=message):
        store.ask(connection, question, **parameters)


def test_a_value_is_never_part_of_the_question(home: Home) -> None:
    """What is given as a parameter is compared, not run."""
    with store.connect(home) as connection, pytest.raises(duckdb.Error):
        store.ask(connection, "components", phase="1; drop table events")


def test_every_question_file_begins_with_its_question() -> None:
    """Each file holds one question, in words on its first line, and one statement."""
    files = sorted(store.QUESTIONS.glob("*.sql"))

    assert list(store.questions()) == [path.stem for path in files]
    for words in store.questions().values():
        assert words[0].isupper() and words.endswith("?")
    for path in files:
        assert path.read_text().startswith("-- ")
        assert len(duckdb.extract_statements(path.read_text())) == 1


def rot(path: Path) -> None:
    """Flip a byte where counting the events does not notice it, and reading them does."""
    content = path.read_bytes()
    for offset in range(12_288 + 5000, len(content), 50_000):
        path.write_bytes(flipped(content, offset))
        try:
            with closing(duckdb.connect(str(path), read_only=True)) as connection:
                connection.execute("select count(*) from events").fetchall()
        except duckdb.Error:
            continue
        try:
            with closing(duckdb.connect(str(path), read_only=True)) as connection:
                connection.execute("select max(data::varchar) from events").fetchall()
        except duckdb.Error:
            return
    raise AssertionError("no byte of the file holds an event")


def flipped(content: bytes, offset: int) -> bytes:
    """Return the content with one byte changed."""
    return content[:offset] + bytes([content[offset] ^ 0xFF]) + content[offset + 1 :]
