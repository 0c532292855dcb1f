"""The one place that starts git: a bare environment, no configuration but our own, one translation of failures.

No hook, filter, pager, credential or network transport runs on our behalf, whatever the files at hand ask for: system
and user configuration are not read, and what a repository's own configuration could start is overridden. The first
line of defence stands elsewhere: git directories that agents can write are never used.
"""

import fcntl
import os
import re
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from orchestrator import settings
from orchestrator.errors import GitError, StorageError, UnsupportedError
from orchestrator.models.value import Frozen

IDENTITY = ("mbo", "mbo@agents.invalid")
"""Name and address that commits of our own carry."""

OLDEST = (2, 38)
"""The first git with `merge-tree --write-tree`."""

_ENVIRONMENT = {
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}
_CONFIG = (
    "safe.directory=*",
    "safe.bareRepository=explicit",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.sshCommand=/bin/false",
    "core.pager=cat",
    "core.editor=true",
    "core.quotePath=false",
    "core.safecrlf=false",
    "core.fsync=all,-index",  # a commit that a journal names must outlive a power cut; an index can be made again
    "credential.helper=",
    "commit.gpgSign=false",
    "diff.external=",
    "submodule.recurse=false",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
)
_SERVING = (
    "-c 'safe.directory=*' -c core.hooksPath=/dev/null -c core.fsmonitor=false -c uploadpack.allowAnySHA1InWant=true"
)
_DISK_REFUSALS = re.compile(rb"No space left on device|Disk quota exceeded|Read-only file system|Input/output error")


class Place(Frozen):
    """Where a git command acts: the git directory, the work tree if it has one, and the guard its children hold."""

    git_dir: Path
    work_tree: Path | None = None
    guard: Path | None = None
    """A file kept locked (shared) by every running command, so that a restarted run can wait for orphans."""


def run(
    place: Place,
    *arguments: str | Path,
    stdin: bytes = b"",
    accept: Sequence[int] = (0,),
    config: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    keep_open: Sequence[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """Run one git command at `place` and return its exit code, output and errors.

    Raises:
        GitError: the exit code is not among `accept`; the message holds git's last words.
        StorageError: the disk refused a write.
        UnsupportedError: there is no git on the PATH.
    """
    command = command_line(place, *arguments, config=config)
    with _guarded(place.guard) as guards:
        try:
            done = subprocess.run(
                command,
                input=stdin,
                cwd=place.work_tree or "/",
                env=_environment(variables or {}),
                capture_output=True,
                start_new_session=True,  # a Ctrl-C on the terminal must not kill it half way
                pass_fds=(*guards, *keep_open),
                check=False,
            )
        except FileNotFoundError as error:
            raise _not_started(error, place) from error
    if done.returncode not in accept:
        raise _failure(place, arguments, done.returncode, done.stderr)
    return done


def text(place: Place, *arguments: str | Path, variables: Mapping[str, str] | None = None) -> str:
    """Return what one git command prints, without the white space around it."""
    return run(place, *arguments, variables=variables).stdout.decode(errors="replace").strip()


def listing(place: Place, *arguments: str | Path) -> list[bytes]:
    """Return the NUL-ended entries that one git command prints when asked with `-z`."""
    return run(place, *arguments).stdout.split(b"\0")[:-1]


def head_of_output(place: Place, *arguments: str | Path, limit: int) -> bytes:
    """Return at most `limit` bytes of what one git command prints; it is stopped where it has more to say."""
    with subprocess.Popen(
        command_line(place, *arguments),
        cwd=place.work_tree or "/",
        env=_environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its exit code tells enough; a full pipe would hang it
        start_new_session=True,
    ) as child:
        assert child.stdout is not None  # asked for above
        output = child.stdout.read(limit)
        if child.stdout.read(1):
            child.kill()
        elif child.wait() != 0:
            raise _failure(place, arguments, child.returncode, b"")
    return output


def fetch(place: Place, source: Path, what: str, ref: str | None = None) -> None:
    """Copy `what` (a ref or a commit) with all it is made of from the repository at `source`, to `ref` if given.

    The one transport ever allowed: a local path.
    """
    run(
        place,
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        "--update-shallow",
        f"--upload-pack=git {_SERVING} upload-pack",  # the other side does not inherit our settings
        source.absolute(),
        f"+{what}:{ref}" if ref else what,
        config=("protocol.file.allow=always",),
    )


def command_line(place: Place, *arguments: str | Path, config: Sequence[str] = ()) -> list[str]:
    """Return the whole argument vector of one git command at `place`."""
    settings_given = [word for entry in (*_CONFIG, *config) for word in ("-c", entry)]
    work_tree = [f"--work-tree={place.work_tree}"] if place.work_tree else []
    return ["git", f"--git-dir={place.git_dir}", *work_tree, *settings_given, *map(str, arguments)]


def signature(name: str, email: str, date: str | None = None) -> dict[str, str]:
    """Return the variables that make `name` the author, and mbo the committer, of the next commit."""
    who = {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": IDENTITY[0],
        "GIT_COMMITTER_EMAIL": IDENTITY[1],
    }
    return who if date is None else who | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}


def user_identity(place: Place) -> tuple[str, str] | None:
    """Return the name and address the user gave git for this repository; None unless both are set."""
    home = settings.inherited().get("HOME", "/nonexistent")
    variables = {"HOME": home, "GIT_CONFIG_GLOBAL": ""}  # an empty one is left out: git looks where it always does
    found = [
        run(place, "config", "--get", key, variables=variables, accept=(0, 1)).stdout.decode(errors="replace").strip()
        for key in ("user.name", "user.email")
    ]
    return (found[0], found[1]) if all(found) else None


@cache
def require() -> None:
    """Make sure that git is there and new enough.

    Raises:
        UnsupportedError: it is missing or too old.
    """
    said = text(Place(git_dir=Path("/nonexistent")), "version")
    number = re.search(r"(\d+)\.(\d+)", said)
    if number is None or (int(number[1]), int(number[2])) < OLDEST:
        raise UnsupportedError(f"{said or 'git'} is too old; install git {OLDEST[0]}.{OLDEST[1]} or later")


def wait_for_orphans(guard: Path) -> None:
    """Wait until no git command of a run that was killed still holds `guard`."""
    with _opened(guard) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


@contextmanager
def _guarded(guard: Path | None) -> Generator[tuple[int, ...]]:
    if guard is None:
        yield ()
        return
    with _opened(guard) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield (descriptor,)


@contextmanager
def _opened(path: Path) -> Generator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; free the disk, then run the same command") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    whole = {"PATH": settings.inherited().get("PATH", os.defpath)} | _ENVIRONMENT | dict(variables)
    return {name: value for name, value in whole.items() if value}


def _not_started(error: FileNotFoundError, place: Place) -> Exception:
    if error.filename != "git":
        return GitError(f"{place.work_tree}: there is no such folder to run git in; was it removed?")
    return UnsupportedError("git is not on the PATH; install git 2.38 or later, then try again")


def _failure(place: Place, arguments: Sequence[str | Path], code: int, said: bytes) -> Exception:
    if _DISK_REFUSALS.search(said):
        refusal = _DISK_REFUSALS.findall(said)[0].decode()
        return StorageError(f"{place.git_dir}: {refusal}; free the disk, then run the same command")
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines or ["it printed nothing"]
    return GitError(f"git {arguments[0]} failed at {place.work_tree or place.git_dir} (exit {code}): {telling[0]}")
