"""The shared knowledge base: `shared/knowledge.db`, what syncs merged of all agents' knowledge, every record once.

Agents that learned the same thing have one record here, with the references of all of them. A superseded one is kept
and marked, and is not in the full-text index. The file is a projection: it is made anew whenever it should hold
something else, and put in place whole.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from orchestrator import names
from orchestrator.errors import StorageError
from orchestrator.home import Home
from orchestrator.models import Knowledge

_SCHEMA = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Merged(NamedTuple):
    """One record of the base, the id and task of each that it is made of, and what took its place, if anything did."""

    record: Knowledge
    same: tuple[tuple[str, str], ...]
    superseded_by: str | None


def merge(records: Iterable[Knowledge], successor: Mapping[str, str]) -> list[Merged]:
    """Return every record once, the earliest of those that say the same, with the union of their references."""
    groups: dict[tuple[str, str, str], list[Knowledge]] = {}
    for record in sorted(records, key=lambda record: (record.time, record.id)):
        groups.setdefault((record.type, names.fold(record.title), names.fold(record.text)), []).append(record)
    return [_merged(group, successor) for group in groups.values()]


def write(home: Home, base: Iterable[Merged]) -> None:
    """Make the shared base hold exactly this; where it does already, the file is left alone.

    Raises:
        StorageError: the disk refused the write; the old base stands.
    """
    wanted = list(base)
    if wanted == _content(home.knowledge) or not (wanted or home.knowledge.exists()):
        return
    part = home.knowledge.with_name(f".{home.knowledge.name}.part")  # the home is held, so nobody else writes it
    try:
        home.shared.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part)) as database, database:
            _fill(database, wanted)
        part.replace(home.knowledge)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(f"{home.knowledge}: {error}; free the disk, then run the same command") from error


def once(home: Home, records: Iterable[Knowledge]) -> list[Knowledge]:
    """Return the records as the base has them: merged ones once, superseded ones left out, unknown ones as they are.

    An approval that came after the base was made is not lost.
    """
    given = list(records)
    known = _known(home.knowledge, [record.id for record in given])
    found: dict[str, Knowledge] = {}
    for record in given:
        merged, superseded_by = known.get(record.id, (record, None))
        if superseded_by is None:
            approver = merged.approver or record.approver
            found.setdefault(merged.id, merged.model_copy(update={"approver": approver}))
    return list(found.values())


def read(home: Home, name: str) -> Knowledge | None:
    """Return what the base has of the record with this id, superseded or not; None where it has nothing."""
    record, _ = _known(home.knowledge, [name]).get(name, (None, None))
    return record


def interfaces(home: Home, tasks: Iterable[str], among: Collection[str]) -> list[Knowledge]:
    """Return the interfaces from these tasks that stand, of those with an id `among` the given, in the base's order."""
    query = (
        "select same.id, number, record from same join knowledge using (number)"
        " where task = ? and type = 'interface' and superseded_by is null"
    )
    rows = {
        number: record
        for task in (tasks if among else ())
        for name, number, record in _rows(home.knowledge, query, task)
        if name in among
    }
    return [Knowledge.model_validate_json(rows[number]) for number in sorted(rows)]


def _merged(group: list[Knowledge], successor: Mapping[str, str]) -> Merged:
    first = group[0]
    update = {
        "references": tuple(dict.fromkeys(name for record in group for name in record.references)),
        "supersedes": tuple(dict.fromkeys(name for record in group for name in record.supersedes)),
        "solution": next((record.solution for record in group if record.solution), None),
        "approver": next((record.approver for record in group if record.approver), None),
    }
    standing = [record for record in group if record.id not in successor]
    superseded_by = None if standing else successor[group[-1].id]
    same = tuple(sorted((record.id, record.task_id) for record in group))
    return Merged(first.model_copy(update=update), same, superseded_by)


def _fill(database: sqlite3.Connection, base: Iterable[Merged]) -> None:
    database.execute("pragma synchronous = full")
    database.executescript(_SCHEMA)
    for number, (record, same, superseded_by) in enumerate(base, start=1):
        row = (number, record.id, record.type, record.model_dump_json(), superseded_by)
        database.execute("insert into knowledge values (?, ?, ?, ?, ?)", row)
        database.executemany("insert into same values (?, ?, ?)", [(*name_and_task, number) for name_and_task in same])
        if superseded_by is None:
            texts = (number, record.title, record.text)
            database.execute("insert into knowledge_text (rowid, title, text) values (?, ?, ?)", texts)


def _content(path: Path) -> list[Merged] | None:
    """Return what the base holds; None where there is none or it cannot be read."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            same: dict[int, list[tuple[str, str]]] = {}
            for name, task, number in database.execute("select id, task, number from same order by number, id"):
                same.setdefault(number, []).append((name, task))
            rows = database.execute("select number, record, superseded_by from knowledge order by number")
            return [
                Merged(Knowledge.model_validate_json(record), tuple(same[number]), by) for number, record, by in rows
            ]
    except (sqlite3.Error, KeyError, ValidationError):
        return None  # a projection: what is damaged is made anew


def _known(path: Path, ids: Iterable[str]) -> dict[str, tuple[Knowledge, str | None]]:
    """Return the merged record that each id is part of, and what took its place; nothing of ids not in the base."""
    query = "select record, superseded_by from same join knowledge using (number) where same.id = ?"
    found = ((name, row) for name in ids for row in _rows(path, query, name))
    return {name: (Knowledge.model_validate_json(record), superseded_by) for name, (record, superseded_by) in found}


def _rows(path: Path, query: str, value: str) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute(query, (value,)).fetchall()
    except sqlite3.Error:
        return []  # a damaged base costs a brief the merging, never its knowledge; the next sync makes it anew
