"""Files that untrusted code left for us: read as plain files of bounded size, never what a link or a pipe leads to."""

import os
import stat
from pathlib import Path

from orchestrator.errors import WorkError

LIMIT = 64 * 1024 * 1024
"""Bytes of the largest file that is read."""


class LeavingsError(WorkError):
    """Say why what was left is not read."""


def read(path: Path, what: str) -> bytes:
    """Return the content of a file, which errors call `what`.

    Raises:
        LeavingsError: there is none, or it is no plain file of at most the limit.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise LeavingsError(f"no {what} was written") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LIMIT:
            raise LeavingsError(f"the {what} is no plain file of at most {LIMIT >> 20} MiB")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)
