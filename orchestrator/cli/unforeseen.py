"""The last resort: an error that no rule foresaw, told in one line and written down whole."""

import shlex
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from orchestrator.models.value import now

LOG = "errors.log"


def tell(error: Exception, command: Sequence[str], home: object) -> str:
    """Write the error's traceback to the log in the home, or to a new file where there is none; return one line."""
    head = f"{now().isoformat(timespec='seconds')} {shlex.join(command)}"
    text = f"{head}\n{''.join(traceback.format_exception(error))}\n"
    said = (str(error).strip().splitlines() or ["no more is known"])[0]
    return f"unforeseen {type(error).__name__}: {said}; the traceback is in {_write(text, home)}"


def _write(text: str, home: object) -> Path:
    if isinstance(home, Path) and home.is_dir():
        try:
            with (home / LOG).open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(text)
            return home / LOG
        except OSError:
            pass  # a home that cannot be written may be why we are here; the temporary folder is left
    descriptor, name = tempfile.mkstemp(prefix="mbo-", suffix=".log")
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write(text)
    return Path(name)
