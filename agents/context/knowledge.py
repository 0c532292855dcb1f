"""Knowledge: what agents learned, each in its own SQLite file with a full-text index, searched across all of them."""

import json
import re
import sqlite3
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from agents.context import knowledge_file as file
from orchestrator.home import Home
from orchestrator.models import JsonObject, Knowledge

AT_MOST = 5
CANDIDATES = 5
"""So many of each agent's records at least, its best, take part in the ranking across agents."""
WORDS = 100
"""So many different words of a query count."""
SAY_NOTHING = re.compile(
    "a|an|and|are|as|at|be|by|for|from|has|have|how|if|in|into|is|it|its|of|on|or|that|the|this|to|was|when|where|"
    "which|will|with"
)
"""Words in nearly every record: they rank nothing, and ranking all that they find costs the most."""


def recorded(events: Iterable[JsonObject]) -> list[Knowledge]:
    """Return what these events of the project journal say was learned, in order, each with who approved it."""
    learned: list[Knowledge] = []
    approvers: dict[str, str] = {}
    for event in events:
        match event["kind"]:
            case "knowledge":
                learned.append(Knowledge.model_validate(event["data"]))
            case "knowledge_approved":
                approvers[event["data"]["record"]] = event["data"]["by"]
            case _:
                pass
    return [record.model_copy(update={"approver": approvers.get(record.id)}) for record in learned]


def learn(home: Home, agent: str, record: Knowledge) -> None:
    """Keep what an agent learned, synced; a record whose id is already there changes nothing.

    Raises:
        DamagedError: the file is damaged.
        StorageError: the disk refused the write.
    """
    with file.opened(_path(home, agent)) as database:
        file.insert(database, record)


def approve(home: Home, record: Knowledge, approver: str) -> None:
    """Note in the file of whoever learned it that an agent approved a record; noted again, nothing changes.

    Raises:
        DamagedError: the file is damaged.
        StorageError: the disk refused the write.
    """
    with file.opened(_path(home, record.agent)) as database:
        file.replace(database, record.model_copy(update={"approver": approver}))


def search(home: Home, agents: Iterable[str], query: str, limit: int = AT_MOST) -> list[Knowledge]:
    """Return what the agents know about any of the query's words, best first by bm25; any text is a query.

    What each agent's index finds is ranked anew together, for a score says nothing outside its own index. What another
    record has taken the place of, whoever's it is, is not found.

    Raises:
        DamagedError: a knowledge file is damaged.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", query.lower())))
    words = ([word for word in words if not SAY_NOTHING.fullmatch(word)] or words)[:WORDS]
    if not words:
        return []
    terms = " OR ".join(f'"{word}"' for word in words)
    wanted = {_path(home, agent) for agent in agents}
    with ExitStack() as stack:
        databases = {path: stack.enter_context(file.opened(path)) for path in _files(home)}
        without = json.dumps([old for database in databases.values() for old in file.superseded(database)])
        asked = [database for path, database in databases.items() if path in wanted]
        found = [text for each in asked for text in file.best(each, terms, without, max(limit, CANDIDATES))]
    return _ranked(found, terms, limit)


def records(home: Home, agents: Iterable[str]) -> list[Knowledge]:
    """Return everything that the agents ever learned, what was superseded too, in the order of time.

    Raises:
        DamagedError: a knowledge file is damaged.
    """
    found: dict[str, Knowledge] = {}
    for path in (path for agent in agents if (path := _path(home, agent)).exists()):
        with file.opened(path) as database:
            for text in file.every(database):
                record = Knowledge.model_validate_json(text)
                found[record.id] = record
    return sorted(found.values(), key=lambda record: (record.time, record.id))


def find(home: Home, record_id: str) -> Knowledge | None:
    """Return the record of that id, whichever agent's file holds it."""
    for path in _files(home):
        with file.opened(path) as database:
            row = database.execute("select record from knowledge where id = ?", (record_id,)).fetchone()
            if row:
                return Knowledge.model_validate_json(row[0])
    return None


def fitting(found: Iterable[Knowledge], budget: int) -> list[Knowledge]:
    """Return the first of the records that together have at most `budget` characters, and the first in any case."""
    kept: list[Knowledge] = []
    for record in found:
        budget -= sum(map(len, (record.title, record.text, record.solution or "")))
        if budget < 0 and kept:
            break
        kept.append(record)
    return kept


def rebuild(home: Home, records: Iterable[Knowledge]) -> None:
    """Make every agent's file whole again from all records; a damaged one is begun anew.

    Raises:
        StorageError: the disk refused the write.
    """
    by_agent: dict[str, list[Knowledge]] = {path.parent.name: [] for path in _files(home)}
    for record in records:
        by_agent.setdefault(record.agent, []).append(record)
    for agent, own in by_agent.items():
        path = _path(home, agent)
        if not file.is_whole(path):
            path.unlink(missing_ok=True)
        with file.opened(path) as database:
            for record in own:
                file.insert(database, record)


def _ranked(found: Iterable[str], terms: str, limit: int) -> list[Knowledge]:
    """Return the best of the records given as JSON, by an index made of them alone."""
    by_id = {fields["id"]: (fields, text) for text in found for fields in (json.loads(text),)}
    order = sorted(by_id)  # of two that match equally well, the one with the lesser id comes first
    with closing(sqlite3.connect(":memory:")) as ranking:
        ranking.execute("create virtual table ranked using fts5 (title, text, tokenize = 'porter unicode61')")
        for number, (fields, _) in enumerate(by_id[name] for name in order):
            values = (number, fields["title"], file.said(fields["text"], fields.get("solution")))
            ranking.execute("insert into ranked (rowid, title, text) values (?, ?, ?)", values)
        best = ranking.execute(
            "select rowid from ranked where ranked match ? order by rank, rowid limit ?", (terms, limit)
        )
        return [Knowledge.model_validate_json(by_id[order[number]][1]) for (number,) in best]


def _files(home: Home) -> list[Path]:
    return sorted(home.agents.glob("*/knowledge.db"))


def _path(home: Home, agent: str) -> Path:
    return home.agent(agent) / "knowledge.db"
