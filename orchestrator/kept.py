"""Large outputs, kept once each under the digest of their own bytes; so keeping one again changes nothing."""

import hashlib
import os
from pathlib import Path

from orchestrator.errors import JournalError, StorageError
from orchestrator.home import Home, write_atomically
from orchestrator.models.value import Digest


def keep(home: Home, text: str) -> Digest:
    """Keep `text` and return its digest; once it returns, the text survives a power cut.

    Raises:
        StorageError: the disk refused the write; nothing half-written is left.
    """
    data = text.encode(errors="backslashreplace")
    name = hashlib.sha256(data).hexdigest()
    path = place(home, name)
    if _content(path) != data:
        write_atomically(path, text)
        for folder in (path.parent, home.kept, home.shared):
            _sync(folder)
    return name


def load(home: Home, digest: Digest) -> str:
    """Return the text kept under `digest`.

    Raises:
        JournalError: it is not there, or is no longer what was kept.
    """
    path = place(home, digest)
    data = _content(path)
    if data is None:
        raise JournalError(f"{path}: this kept output is missing; restore it from a copy")
    if hashlib.sha256(data).hexdigest() != digest:
        raise JournalError(f"{path}: this kept output was altered; restore it from a copy")
    return data.decode()


def place(home: Home, digest: Digest) -> Path:
    """Return where the text kept under `digest` lies, for people to read."""
    return home.kept / digest[:2] / digest


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; mend the disk, then run the same command") from error
    finally:
        os.close(descriptor)
