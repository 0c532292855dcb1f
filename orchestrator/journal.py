"""Append-only journals: one JSON object a line, each with a stable id and a checksum.

A line is written whole and `fdatasync`ed before anything acts on it. Its last field, `crc`, is the CRC-32 of the line
as it would stand without that field, in 8 hexadecimal digits; so a line stays plain JSON for every other reader.
A torn tail, the trace of a kill in the middle of a write, is cut when the journal is opened for writing.
"""

import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from orchestrator.errors import JournalError, StorageError
from orchestrator.models.value import JsonObject

_CRC_FIELD = b',"crc":"'
_CRC_BYTES = len(_CRC_FIELD) + 8 + len(b'"}')


class Journal:
    """Append records to one file and remember which ids it holds; the only writer of that file."""

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`, creating it if need be, and cut a torn tail."""
        self.path = path
        self._ids: set[str] = set()
        self._listeners: list[Callable[[JsonObject], object]] = []
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _open_for_append(path)
            try:
                self._size = self._recover()
            except (OSError, JournalError):
                self._file.close()
                raise
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}; free the disk, then run the same command") from error

    def __contains__(self, record_id: str) -> bool:
        """Tell whether a record of this id is on disk."""
        return record_id in self._ids

    def append(self, record: JsonObject) -> bool:
        """Write `record`, which has a string `id`, and sync it; return False where its id is already there.

        Raises:
            StorageError: the disk refused the write; the file still ends with the last whole record.
        """
        with self._lock:  # callers may stand in several threads
            if record["id"] in self._ids:
                return False
            self._write(encode(record))
            self._ids.add(record["id"])
        for listener in self._listeners:
            listener(record)
        return True

    def records(self) -> Iterator[JsonObject]:
        """Yield every record in the order written."""
        return read(self.path)

    def listen(self, listener: Callable[[JsonObject], object]) -> None:
        """Call `listener` with every record after it is on disk; it must not block or raise."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: bytes) -> None:
        try:
            _write_all(self._file, line)
            os.fdatasync(self._file.fileno())
        except OSError as error:
            self._cut_back()
            raise StorageError(f"{self.path}: {error.strerror}; free the disk, then run the same command") from error
        self._size += len(line)

    def _recover(self) -> int:
        size = 0
        for record, end in _scan(self.path):
            self._ids.add(record["id"])
            size = end
        if size < self.path.stat().st_size:
            self._file.truncate(size)
            os.fsync(self._file.fileno())
        return size

    def _cut_back(self) -> None:
        try:
            self._file.truncate(self._size)
        except OSError:
            pass  # what cannot be cut now is a torn tail, cut at the next start


def encode(record: JsonObject) -> bytes:
    """Return the line of `record`, newline included, with its checksum as the last field."""
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    body = text.encode(errors="backslashreplace")  # half a surrogate pair becomes its JSON escape
    return body[:-1] + _CRC_FIELD + b"%08x" % zlib.crc32(body) + b'"}\n'


def read(path: Path, offset: int = 0) -> Iterator[JsonObject]:
    """Yield the records from byte `offset` on, without their checksum; stop before a torn tail; nothing if no file.

    Raises:
        JournalError: a damaged line with whole lines behind it.
    """
    return (record for record, _ in _scan(path, offset))


def _scan(path: Path, offset: int = 0) -> Iterator[tuple[JsonObject, int]]:
    """Yield each record with the offset of its end."""
    if not path.is_file():
        return
    end = offset
    torn = False
    with path.open("rb") as lines:
        lines.seek(offset)
        for line in lines:
            record = _decode(line)
            if record is None:
                torn = True
                continue
            if torn:
                number = path.read_bytes()[:end].count(b"\n") + 1
                raise JournalError(
                    f"{path}: line {number} is damaged, with whole lines behind it; restore it from a copy"
                )
            end += len(line)
            yield record, end


def _decode(line: bytes) -> JsonObject | None:
    if not line.endswith(b'"}\n') or line[-_CRC_BYTES - 1 :][: len(_CRC_FIELD)] != _CRC_FIELD:
        return None
    body = line[: -_CRC_BYTES - 1] + b"}"
    if line[-11:-3] != b"%08x" % zlib.crc32(body):
        return None
    return json.loads(body)


def _open_for_append(path: Path) -> BinaryIO:
    is_new = not path.exists()
    file = path.open("ab", buffering=0)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return file


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
