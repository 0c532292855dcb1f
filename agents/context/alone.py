"""One at a time: the lock under which a file in a folder is read, changed and written back."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import StorageError


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Hold `folder`, made if need be, against all other threads and processes; the kernel lets go after a kill.

    Raises:
        StorageError: the folder cannot be made or opened.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; free the disk, then run the same command") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
