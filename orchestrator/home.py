"""The home: where everything about one project's build is kept, and who may write it now.

<home>/agents/<agent>/          state.json, artifacts/, knowledge.db, messages/
<home>/shared/                  implementation.db, decisions.log, dependencies.json, knowledge.db, metrics.jsonl,
                                journal/<key>.jsonl, kept/<2>/<digest>, repository.git
<home>/worktrees/slot-N/        the pool of worktrees
<home>/prefect/                 the local Prefect server: its database, log, pid and results
<home>/run.lock                 held by the one orchestrator that runs here
"""

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrator.errors import HomeBusyError, InputError, StorageError
from orchestrator.models.value import JsonObject, now


class Home:
    """Name every place in the home; makes folders only where asked to."""

    def __init__(self, root: Path) -> None:
        """Stand for the home at `root`, which need not exist."""
        self.root = root.absolute()
        self.agents = self.root / "agents"
        self.shared = self.root / "shared"
        self.worktrees = self.root / "worktrees"
        self.prefect = self.root / "prefect"
        self.lock = self.root / "run.lock"
        self.project_file = self.root / "project.json"
        self.database = self.shared / "implementation.db"
        self.decisions = self.shared / "decisions.log"
        self.dependencies = self.shared / "dependencies.json"
        self.knowledge = self.shared / "knowledge.db"
        self.metrics = self.shared / "metrics.jsonl"
        self.transcripts = self.shared / "journal"
        self.kept = self.shared / "kept"
        self.repository = self.shared / "repository.git"

    def agent(self, name: str) -> Path:
        """Return the folder of one agent."""
        return self.agents / name

    def transcript(self, key: str) -> Path:
        """Return the write-ahead transcript of one task key."""
        return self.transcripts / f"{key}.jsonl"


def write_atomically(path: Path, text: str) -> None:
    """Replace the file at `path` by `text`, whole or not at all, surviving a power cut.

    Raises:
        StorageError: the disk refused the write; the old content stands.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text, None)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; free the disk, then run the same command") from error


def write_output(path: Path, text: str) -> None:
    """Write `text` where the user says, and leave there what is there.

    A file is replaced whole or not at all, and keeps its mode and owner. A link stays, and what it points to is
    written. What is no file, such as a pipe or a device, is written to and never replaced.

    Raises:
        InputError: it cannot be written; the message names `path` and the cause.
    """
    try:
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}; make it, or name another file")
        there = _there(path)
        if there is None or stat.S_ISREG(there.st_mode):
            _replace(Path(os.path.realpath(path)), text, there)
        else:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name another file") from error


def _there(path: Path) -> os.stat_result | None:
    """Return what is at `path`, links followed, or None where nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str, old: os.stat_result | None) -> None:
    """Put a new file in the place of the one at `path`, with the mode and owner of the `old` one if there is one."""
    if old:
        os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))  # what may not be written is not replaced either
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # a name that nobody can put a link at beforehand
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if old else 0o666)
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            if old:
                _hand_over(descriptor, old)
            os.fsync(descriptor)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _hand_over(descriptor: int, old: os.stat_result) -> None:
    with suppress(PermissionError):  # another user's file in a folder of ours becomes ours
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def write_json(path: Path, value: JsonObject) -> None:
    """Replace the file at `path` by `value` as indented JSON."""
    write_atomically(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> JsonObject | None:
    """Return the JSON object at `path`, or None where there is no file.

    Raises:
        InputError: the file is no JSON object.
    """
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); mend or delete it, then try again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object; mend or delete it, then try again")
    return value


def holder(home: Home) -> JsonObject | None:
    """Return what the run that holds the home says of itself (pid, command, started), or None if nobody holds it."""
    try:
        descriptor = os.open(home.lock, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: a look is never taken for a run
    except BlockingIOError:
        return _claim(descriptor)
    finally:
        os.close(descriptor)
    return None


def project_record(home: Home) -> JsonObject:
    """Return what the home says of its project: `project`, `plan` and `created`.

    Raises:
        InputError: no project has been set up here.
    """
    record = read_json(home.project_file)
    if record is None:
        raise InputError(
            f"{home.root}: no project here yet; run `mbo init --project-path DIR --home {home.root}` first"
        )
    return record


@contextmanager
def exclusive(home: Home, command: str) -> Generator[None]:
    """Hold the home for one run; the kernel lets go of it however the process ends.

    Raises:
        HomeBusyError: another run holds it; the message names its pid, command and start.
        InputError: there can be no home in this place.
    """
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(f"{home.root}: {error.strerror}; use another --home") from error
    try:
        if not _take(descriptor):
            raise HomeBusyError(busy_message(home, _claim(descriptor)))
        claim = {"pid": os.getpid(), "command": command, "started": now().isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(claim).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Take the lock, past anyone who only looks; return False where a run holds it."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            pass
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        except BlockingIOError:
            return False


def _claim(descriptor: int) -> JsonObject:
    """Return what the holder wrote of itself; nothing in the moment before it has."""
    try:
        return json.loads(os.read(descriptor, 65536))
    except ValueError:
        return {}


def busy_message(home: Home, claim: JsonObject) -> str:
    """Return what to tell who finds the home held by the run that made `claim`."""
    pid, command, started = (claim.get(name, "?") for name in ("pid", "command", "started"))
    return (
        f"{home.root}: held by `{command}` (process {pid}, since {started}); "
        "wait for it, stop it, or use another --home"
    )
