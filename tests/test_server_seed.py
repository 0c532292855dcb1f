"""Promises of the seed database: it makes a first start faster and never carries a run from one home to another."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.server import seed as server_seed


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a cache without a seed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def database(path: Path, runs: int) -> Path:
    """Make a database with so many flow runs, as the server would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE flow_run (id TEXT)")
        connection.executemany("INSERT INTO flow_run VALUES (?)", [(str(number),) for number in range(runs)])
    return path


def test_unused_database_seeds_the_next_home(tmp_path: Path) -> None:
    """What one home migrated, the next one finds in place."""
    server_seed.keep(database(tmp_path / "one.db", runs=0))

    server_seed.plant(tmp_path / "two.db")

    with closing(sqlite3.connect(tmp_path / "two.db")) as connection:
        assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)


@pytest.mark.parametrize(
    "content", [pytest.param(None, id="none"), pytest.param("runs", id="used"), pytest.param("noise", id="damaged")]
)
def test_nothing_but_an_unused_database_is_kept(tmp_path: Path, content: str | None) -> None:
    """A database that holds runs, or is none, never becomes the seed and never stops a start."""
    source = tmp_path / "one.db"
    if content == "runs":
        database(source, runs=1)
    elif content == "noise":
        source.write_bytes(b"noise" * 1000)

    server_seed.keep(source)
    server_seed.plant(tmp_path / "two.db")

    assert not (tmp_path / "two.db").exists()
    assert list((tmp_path / "cache").rglob("*.part")) == []


def test_database_in_place_is_never_replaced(tmp_path: Path) -> None:
    """Planting leaves the database of a home that has one as it is."""
    server_seed.keep(database(tmp_path / "one.db", runs=0))
    database(tmp_path / "two.db", runs=3)

    server_seed.plant(tmp_path / "two.db")

    with closing(sqlite3.connect(tmp_path / "two.db")) as connection:
        assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (3,)
