"""The shared knowledge base: `shared/knowledge.db`, what syncs merged of all agents' knowledge, every record once.

Agents that learned the same thing have one record here, with the references of all of them. A superseded one is kept
and marked, and is not in the full-text index. The file is a projection: it is made anew whenever it should hold
something else, and put in place whole.
"""

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from orchestrator import names
from orchestrator.errors import StorageError
from orchestrator.home import Home
from orchestrator.models import Knowledge

_SCHEMA = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Merged(NamedTuple):
    """One record of the base, the ids of all records that it is made of, and what took its place, if anything did."""

    record: Knowledge
    ids: tuple[str, ...]
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
    wanted = [
        (item.record.id, item.record.model_dump_json(), item.superseded_by, tuple(sorted(item.ids))) for item in base
    ]
    if wanted == _content(home.knowledge) or not (wanted or home.knowledge.exists()):
        return
    part = home.knowledge.with_name(f".{home.knowledge.name}.{os.getpid()}.part")
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
    """Return the records as the base has them: merged ones once, superseded ones left out, unknown ones as they are."""
    given = list(records)
    known = _known(home.knowledge, [record.id for record in given])
    found: dict[str, Knowledge] = {}
    for record in given:
        merged, superseded_by = known.get(record.id, (record, None))
        if superseded_by is None:
            found.setdefault(merged.id, merged)
    return list(found.values())


def read(home: Home, ids: Iterable[str]) -> list[Knowledge]:
    """Return what stands in the base of the records with these ids, in that order, each once."""
    asked = list(ids)
    known = _known(home.knowledge, asked)
    stand = (known[name][0] for name in asked if name in known and known[name][1] is None)
    return list({record.id: record for record in stand}.values())


def _merged(group: list[Knowledge], successor: Mapping[str, str]) -> Merged:
    first = group[0]
    update = {
        "references": tuple(dict.fromkeys(name for record in group for name in record.references)),
        "supersedes": tuple(dict.fromkeys(name for record in group for name in record.supersedes)),
        "solution": next((record.solution for record in group if record.solution), None),
        "approver": next((record.approver for record in group if record.approver), None),
    }
    ids = tuple(record.id for record in group)
    standing = [name for name in ids if name not in successor]
    superseded_by = None if standing else successor[ids[-1]]
    return Merged(first.model_copy(update=update), ids, superseded_by)


_Row = tuple[str, str, str | None, tuple[str, ...]]


def _fill(database: sqlite3.Connection, rows: Iterable[_Row]) -> None:
    database.execute("pragma synchronous = full")
    database.executescript(_SCHEMA)
    for number, (name, record, superseded_by, ids) in enumerate(rows, start=1):
        database.execute("insert into knowledge values (?, ?, ?, ?)", (number, name, record, superseded_by))
        database.executemany("insert into same values (?, ?)", [(same, number) for same in ids])
        if superseded_by is None:
            learned = Knowledge.model_validate_json(record)
            texts = (number, learned.title, learned.text)
            database.execute("insert into knowledge_text (rowid, title, text) values (?, ?, ?)", texts)


def _content(path: Path) -> list[_Row] | None:
    """Return what the base holds; None where there is none or it cannot be read."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            same: dict[int, list[str]] = {}
            for name, number in database.execute("select id, number from same order by number, id"):
                same.setdefault(number, []).append(name)
            rows = database.execute("select number, id, record, superseded_by from knowledge order by number")
            return [(name, record, by, tuple(same[number])) for number, name, record, by in rows]
    except (sqlite3.Error, KeyError):
        return None  # a projection: what is damaged is made anew


def _known(path: Path, ids: Iterable[str]) -> dict[str, tuple[Knowledge, str | None]]:
    """Return the merged record that each id is part of, and what took its place; nothing of ids not in the base."""
    if not path.exists():
        return {}
    query = "select record, superseded_by from same join knowledge using (number) where same.id = ?"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = {name: database.execute(query, (name,)).fetchone() for name in ids}
    except sqlite3.Error:
        return {}  # a damaged base costs a brief the merging, never its knowledge; the next sync makes it anew
    return {name: (Knowledge.model_validate_json(row[0]), row[1]) for name, row in rows.items() if row}
