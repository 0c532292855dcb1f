"""Plans that were read and found right before, remembered so that commands which only look answer at once.

What is remembered is told from what changed by the bytes of the plan's file and by this program's own files; a run
never reads it.
"""

import hashlib
from pathlib import Path

from pydantic import ValidationError

from orchestrator import plan as plans
from orchestrator.errors import StorageError
from orchestrator.home import write_atomically
from orchestrator.models import Plan

_RULES = Path(__file__).parent


def load(path: Path, folder: Path) -> Plan:
    """Return the plan in the file at `path`, as `plan.load` does, from what is remembered in `folder` where it is.

    Raises:
        InputError: there is no such file, or it holds no mapping.
        PlanError: the plan is wrong; the error lists everything that is.
    """
    identity = _identity(path)
    place = folder / "plans" / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}.json"
    known = _recall(place, identity) if identity else None
    if known is not None and not plans.missing_files(known, path.parent):
        return known.model_copy(update={"source": path.absolute()})
    plan = plans.load(path)
    if identity:
        _remember(place, identity, plan)
    return plan


def _identity(path: Path) -> str:
    """Return what tells this plan under these rules from all others; nothing where the file cannot be read."""
    try:
        told = hashlib.sha256(path.read_bytes())
        for file in sorted(_RULES.rglob("*.py")):
            stat = file.stat()
            told.update(f"{file}:{stat.st_size}:{stat.st_mtime_ns};".encode())
    except OSError:
        return ""
    return told.hexdigest()


def _recall(place: Path, identity: str) -> Plan | None:
    try:
        head, _, body = place.read_text(encoding="utf-8").partition("\n")
        return Plan.model_validate_json(body) if head == identity else None
    except (OSError, ValueError, ValidationError):
        return None  # it is made anew


def _remember(place: Path, identity: str, plan: Plan) -> None:
    try:
        write_atomically(place, f"{identity}\n{plan.model_dump_json()}\n")
    except StorageError:
        pass  # then it is read from its file the next time as well
