"""Knowledge: what agents learned, each in its own SQLite file with a full-text index, searched across all of them."""

import re
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path

from orchestrator.errors import StorageError
from orchestrator.home import Home
from orchestrator.models import Knowledge

AT_MOST = 5
CANDIDATES = 50
"""So many of each agent's records at least, its best, take part in the ranking across agents."""
WORDS = 100
"""So many different words of a query count."""

_SCHEMA = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def learn(home: Home, agent: str, record: Knowledge) -> None:
    """Keep what an agent learned, synced; a record whose id is already there changes nothing.

    Raises:
        StorageError: the file is damaged or the disk refused the write.
    """
    with _opened(_path(home, agent)) as database:
        _insert(database, record)


def search(home: Home, agents: Iterable[str], query: str, limit: int = AT_MOST) -> list[Knowledge]:
    """Return what the agents know about any of the query's words, best first by bm25; any text is a query.

    What each agent's index finds is ranked anew together, for a score says nothing outside its own index.

    Raises:
        StorageError: a knowledge file is damaged.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", query.lower())))[:WORDS]
    if not words:
        return []
    terms = " OR ".join(f'"{word}"' for word in words)
    paths = [path for agent in agents if (path := _path(home, agent)).exists()]
    with closing(sqlite3.connect(":memory:")) as ranking:
        ranking.executescript(_SCHEMA)
        for record in (record for path in paths for record in _candidates(path, terms, max(limit, CANDIDATES))):
            _insert(ranking, record)
        return _best(ranking, terms, limit)


def rebuild(home: Home, records: Iterable[Knowledge]) -> None:
    """Make every agent's file whole again from all records; a damaged one is begun anew.

    Raises:
        StorageError: the disk refused the write.
    """
    by_agent: dict[str, list[Knowledge]] = {file.parent.name: [] for file in home.agents.glob("*/knowledge.db")}
    for record in records:
        by_agent.setdefault(record.agent, []).append(record)
    for agent, own in by_agent.items():
        path = _path(home, agent)
        if not _is_whole(path):
            path.unlink(missing_ok=True)
        with _opened(path) as database:
            for record in own:
                _insert(database, record)


def _candidates(path: Path, terms: str, limit: int) -> list[Knowledge]:
    with _opened(path) as database:
        return _best(database, terms, limit)


def _best(database: sqlite3.Connection, terms: str, limit: int) -> list[Knowledge]:
    rows = database.execute(
        "select record from knowledge_text join knowledge on number = knowledge_text.rowid"
        " where knowledge_text match ? order by bm25(knowledge_text), id limit ?",
        (terms, limit),
    )
    return [Knowledge.model_validate_json(record) for (record,) in rows]


def _insert(database: sqlite3.Connection, record: Knowledge) -> None:
    row = database.execute(
        "insert into knowledge (id, record) values (?, ?) on conflict (id) do nothing returning number",
        (record.id, record.model_dump_json()),
    ).fetchone()
    if row is not None:
        values = (*row, record.title, record.text)
        database.execute("insert into knowledge_text (rowid, title, text) values (?, ?, ?)", values)


@contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection]:
    """Open a knowledge file, made if need be, for one transaction."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            database.execute("pragma synchronous = full")
            database.executescript(_SCHEMA)
            yield database
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}; free the disk if it is full, then run the same command") from error
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; free the disk, then run the same command") from error


def _is_whole(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with _opened(path) as database:
            database.execute("insert into knowledge_text (knowledge_text) values ('integrity-check')")
            return database.execute("pragma quick_check").fetchall() == [("ok",)]
    except StorageError:
        return False


def _path(home: Home, agent: str) -> Path:
    return home.agent(agent) / "knowledge.db"
