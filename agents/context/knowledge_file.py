"""One agent's knowledge file: SQLite with a full-text index, opened for one transaction at a time."""

import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path

from orchestrator.errors import DamagedError, StorageError
from orchestrator.models import Knowledge

SCHEMA = Path(__file__).with_name("knowledge.sql").read_text(encoding="utf-8")

_DAMAGE = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""What SQLite says of a file that is none of its own, or lacks what it must hold; all else is the disk's refusal."""

_BEST = """
select record from (
  select knowledge_text.rowid as place, rank as score from knowledge_text
  where knowledge_text match :terms
    and knowledge_text.rowid not in (select number from knowledge where id in (select value from json_each(:without)))
  order by rank limit :limit
) join knowledge on number = place order by score, id
"""


@contextmanager
def opened(path: Path) -> Generator[sqlite3.Connection]:
    """Open a knowledge file, made if need be, for one transaction.

    Raises:
        DamagedError: the file is damaged.
        StorageError: the disk refused the write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute("pragma synchronous = full")
            if database.execute("select 1 from sqlite_schema where name = 'superseded'").fetchone() is None:
                database.executescript(SCHEMA)  # costs more than a search where all of it is there
            yield database
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            told = "the next run, or `mbo sync --agents ALL`, makes it anew from the journal"
            raise DamagedError(f"{path}: damaged ({error}); {told}") from error
        raise StorageError(f"{path}: {error}; see that it is a file and the disk not full, then try again") from error
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; free the disk, then run the same command") from error


def insert(database: sqlite3.Connection, record: Knowledge) -> None:
    """Add a record; one whose id is already there changes nothing."""
    row = database.execute(
        "insert into knowledge (id, record) values (?, ?) on conflict (id) do nothing returning number",
        (record.id, record.model_dump_json()),
    ).fetchone()
    if row is not None:
        values = (*row, record.title, said(record.text, record.solution))
        database.execute("insert into knowledge_text (rowid, title, text) values (?, ?, ?)", values)
        database.executemany("insert or ignore into superseded (id) values (?)", [(old,) for old in record.supersedes])


def replace(database: sqlite3.Connection, record: Knowledge) -> None:
    """Put a record, whose title and text are as before, in the place of the one with its id."""
    database.execute("update knowledge set record = ? where id = ?", (record.model_dump_json(), record.id))


def said(text: str, solution: str | None) -> str:
    """Return what of a record is searched beside its title."""
    return f"{text}\n{solution}" if solution else text


def best(database: sqlite3.Connection, terms: str, without: str, limit: int) -> list[str]:
    """Return the records that match best, as JSON; `without` is a JSON list of ids left out."""
    rows = database.execute(_BEST, {"terms": terms, "without": without, "limit": limit})
    return [record for (record,) in rows]


def superseded(database: sqlite3.Connection) -> Iterable[str]:
    """Return the ids that records of this file take the place of, whoever's they are."""
    return [identity for (identity,) in database.execute("select id from superseded")]


def every(database: sqlite3.Connection) -> Iterable[str]:
    """Return all records as JSON, in the order they came."""
    return [record for (record,) in database.execute("select record from knowledge order by number")]


def is_whole(path: Path) -> bool:
    """Tell whether there is a file and nothing in it is damaged."""
    if not path.exists():
        return False
    try:
        with opened(path) as database:
            database.execute("insert into knowledge_text (knowledge_text) values ('integrity-check')")
            return database.execute("pragma quick_check").fetchall() == [("ok",)]
    except DamagedError:
        return False
