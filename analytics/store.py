"""The project journal as a database: brought up to date, opened for reading, and asked.

The file is a projection. It may be deleted at any time, and nothing ever waits for it: while somebody else has it
open, a reader gets the same answers from the journal itself.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from analytics import database
from orchestrator.errors import InputError, StorageError
from orchestrator.home import Home
from orchestrator.journal import read
from orchestrator.models import JsonObject

QUESTIONS = Path(__file__).parent / "questions"

_BATCH = 10_000  # rows handed to DuckDB at once
_CHECKSUM, _TAIL = 8, 11  # a journal line ends with its checksum in 8 digits and 3 more bytes


def ingest(home: Home) -> int:
    """Bring the database up to the journal and return how many events were new; 0 while somebody else has it open.

    Raises:
        JournalError: the journal is damaged in a place that is not its torn tail.
        StorageError: the disk refused a write; the database still ends where it ended.
    """
    return _ingest(home) or 0


@contextmanager
def connect(home: Home) -> Iterator[DuckDBPyConnection]:
    """Open everything the journal holds for questions; from the file if it is free, else straight from the journal.

    Raises:
        JournalError: the journal is damaged in a place that is not its torn tail.
    """
    with ExitStack() as stack:
        connection = _from_file(home, stack) or _from_journal(home, stack)
        database.confine(connection)
        yield connection


def questions() -> dict[str, str]:
    """Return each question's name with its words."""
    paths = sorted(QUESTIONS.glob("*.sql"))
    return {path.stem: path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("-- ") for path in paths}


def ask(connection: DuckDBPyConnection, question: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the rows that answer `question`, which is the name of a file in `questions/`, as dictionaries.

    Raises:
        InputError: there is no such question, or it takes other parameters.
    """
    path = QUESTIONS / f"{question}.sql"
    if path not in QUESTIONS.iterdir():
        raise InputError(f"{question}: no such question; ask one of {', '.join(questions())}")
    sql = path.read_text(encoding="utf-8")
    wanted = duckdb.extract_statements(sql)[0].named_parameters
    if wanted != parameters.keys():
        raise InputError(f"{question}: takes {_names(wanted)}, was given {_names(parameters.keys())}; ask again so")
    result = connection.execute(sql, parameters)
    columns = [column[0] for column in result.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _ingest(home: Home) -> int | None:
    """Return how many events were new, or None where the file could not be brought up to date."""
    if not home.metrics.exists():
        return None
    for _ in range(2):
        is_new = not home.database.exists()
        try:
            with database.file(home.database) as connection:
                database.migrate(connection)
                return _read_in(connection, home.metrics)
        except duckdb.Error as error:
            trouble = database.diagnose(error)
            if trouble == "locked":
                return None
            if trouble == "refused":
                raise _refused(home.database, error, is_new=is_new) from error
            database.set_aside(home.database)
    raise StorageError(f"{home.database}: damaged again as soon as it was rebuilt; check the disk, then try again")


def _refused(path: Path, error: duckdb.Error, *, is_new: bool) -> StorageError:
    if is_new:
        database.delete(path)  # what was begun there is no database yet
    reason = str(error).partition("\n")[0]
    return StorageError(f"{path}: {reason}; free the disk or the file, then try again")


def _from_file(home: Home, stack: ExitStack) -> DuckDBPyConnection | None:
    for _ in range(2):
        try:
            if _ingest(home) is None:
                return None
            connection = stack.enter_context(database.file(home.database, read_only=True))
            database.verify(connection)
            return connection
        except StorageError:
            return None  # a full or read-only disk keeps nobody from reading
        except duckdb.Error as error:
            stack.close()
            if database.diagnose(error) != "damaged":
                return None
            database.set_aside(home.database)
    return None


def _from_journal(home: Home, stack: ExitStack) -> DuckDBPyConnection:
    connection = stack.enter_context(database.memory())
    database.migrate(connection)
    _read_in(connection, home.metrics)
    return connection


def _read_in(connection: DuckDBPyConnection, journal: Path) -> int:
    """Add the journal's new lines and where they end in one transaction; start again where it is another journal."""
    offset, mark = connection.execute("select bytes, mark from reading").fetchone() or (0, "")
    if mark != _mark(journal, offset):
        connection.begin()
        connection.execute("delete from events")
        connection.execute("delete from reading")
        connection.commit()
        offset = 0
    connection.begin()
    appender = connection.appender("events", action="upsert")
    rows = _rows(journal, offset)
    count, end = 0, offset
    while batch := list(islice(rows, _BATCH)):
        appender.append_rows([row for row, _ in batch])
        appender.flush()
        count, end = count + len(batch), batch[-1][1]
    if count:
        connection.execute("delete from reading")
        connection.execute("insert into reading values ($bytes, $mark)", {"bytes": end, "mark": _mark(journal, end)})
    connection.commit()
    return count


def _rows(journal: Path, offset: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Yield each new event as a row of the table, with the byte at which its line ends."""
    if not journal.exists():
        return
    with journal.open("rb") as lines:
        lines.seek(offset)
        for record, line in zip(read(journal, offset), lines, strict=False):  # the torn tail is a line, not a record
            yield _row(record, offset), offset + len(line)
            offset += len(line)


def _row(record: JsonObject, position: int) -> tuple[Any, ...]:
    about = (record.get(name) for name in ("time", "kind", "run", "task", "key", "agent"))
    return (record["id"], position, *about, json.dumps(record.get("data", {}), ensure_ascii=False))


def _mark(journal: Path, offset: int) -> str:
    """Return the checksum of the line that ends at `offset`; none at the journal's beginning or behind its end."""
    if offset < _TAIL or not journal.exists():
        return ""
    with journal.open("rb") as lines:
        lines.seek(offset - _TAIL)
        return lines.read(_TAIL)[:_CHECKSUM].decode(errors="replace")


def _names(parameters: Iterable[str]) -> str:
    return ", ".join(sorted(parameters)) or "no parameters"
