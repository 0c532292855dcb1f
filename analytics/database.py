"""The DuckDB file: opened for a moment, given its schema, and put aside when it cannot be read."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb
from duckdb import DuckDBPyConnection

SCHEMA = Path(__file__).parent / "schema"

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "1GB", "threads": 1}
_NAME = "implementation"  # what DuckDB's own command line calls the file, so that its views work there too
_REFUSALS = tuple(
    os.strerror(code)
    for code in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE)
)

Trouble = Literal["locked", "refused", "damaged"]
"""Somebody else has the file open; the disk or the memory said no; the file is not what we wrote."""


@contextmanager
def memory() -> Iterator[DuckDBPyConnection]:
    """Open a database that lives only as long as the connection."""
    connection = duckdb.connect(":memory:", config=_CONFIGURATION)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def file(path: Path, *, read_only: bool = False) -> Iterator[DuckDBPyConnection]:
    """Open the database at `path`, in the format that DuckDB's current command line reads.

    Raises:
        duckdb.Error: `diagnose` tells why.
    """
    options = "read_only" if read_only else "storage_version 'v1.5.0'"
    quoted = str(path).replace("'", "''")
    with memory() as connection:
        connection.execute(f"attach '{quoted}' as {_NAME} ({options})")
        connection.execute(f"use {_NAME}")
        yield connection


def migrate(connection: DuckDBPyConnection) -> None:
    """Apply every schema file that the database has not seen yet, in the order of their numbers."""
    connection.execute("create table if not exists schema_files (name varchar primary key)")
    seen = {name for (name,) in connection.execute("select name from schema_files").fetchall()}
    missing = [path for path in sorted(SCHEMA.glob("*.sql")) if path.stem not in seen]
    for path in missing:
        connection.begin()
        connection.execute(path.read_text(encoding="utf-8"))
        connection.execute("insert into schema_files values ($name)", {"name": path.stem})
        connection.commit()
    if missing:
        connection.execute("checkpoint")  # a definition left in the write-ahead log is what a crash recovers worst


def verify(connection: DuckDBPyConnection) -> None:
    """Read every block of the events, so that a flipped bit is found before a question is asked.

    Raises:
        duckdb.Error: a block does not match its checksum.
    """
    connection.execute("select bit_xor(hash(events)) from events").fetchall()


def confine(connection: DuckDBPyConnection) -> None:
    """Take files and the network away from the connection, for good."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def diagnose(error: duckdb.Error) -> Trouble:
    """Tell what an error on the file means."""
    text = str(error)
    if isinstance(error, duckdb.ResourceInUseException) or "Could not set lock on file" in text:
        return "locked"
    if isinstance(error, duckdb.OutOfMemoryException) or any(refusal in text for refusal in _REFUSALS):
        return "refused"
    return "damaged"


def set_aside(path: Path) -> Path:
    """Rename the file and its write-ahead log to the next free `.corrupt-<n>`, and return that name."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for source, target in zip(_files(path), _files(aside), strict=True):
        if source.exists():
            source.rename(target)
    return aside


def delete(path: Path) -> None:
    """Remove the file and its write-ahead log."""
    for part in _files(path):
        part.unlink(missing_ok=True)


def _files(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}.wal")
