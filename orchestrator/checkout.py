"""The user's checkout: moved forward while that loses nothing, left alone otherwise.

While files are being replaced we hold git's own `index.lock`, with a line in it that says from where to where. A run
that was killed in between finds it, puts back what is certainly its own, and starts over; whatever the user changed in
the meantime stays.
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator import changes, git
from orchestrator.errors import GitError, StorageError
from orchestrator.project import ProjectState, dirty_files, inspect, place, prepare

__all__ = ["ProjectState", "fast_forward", "inspect", "prepare"]

_MARK = "mbo moves this checkout from"
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_NAMED = 3


class _LeftAlone(Exception):
    """Carry why the checkout is left alone."""


def fast_forward(project: Path, repository: Path, branch: str) -> str:
    """Bring the checkout at `project` up to the integration branch and say `updated to <short>`.

    Where that could lose anything nothing is touched, and the answer is `left alone: <why>`.
    """
    try:
        return f"updated to {_forward(project, repository, branch)[:10]}"
    except _LeftAlone as reason:
        return f"left alone: {reason}"
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}; mend that, then run the same command") from error


def _forward(project: Path, repository: Path, branch: str) -> str:
    if not (project / ".git").exists():
        raise _LeftAlone(f"{project} is no git repository")
    here = place(project)
    _recover(here)
    new = git.text(git.Place(git_dir=repository), "rev-parse", "--verify", f"refs/heads/{branch}^{{commit}}")
    state = inspect(project)
    old = _movable(here, state, branch)
    if old == new:
        return new
    git.fetch(here, repository, f"refs/heads/{branch}")
    if git.run(here, "merge-base", "--is-ancestor", old, new, accept=(0, 1)).returncode:
        raise _LeftAlone(f"diverged: {branch} holds commits that the build does not")
    with _index_lock(here, old, new) as held:
        _move(here, branch, old, new, held)
    return new


def _movable(here: git.Place, state: ProjectState, branch: str) -> str:
    """Return the commit to move from, or say why the checkout must stay."""
    if state.branch != branch:
        raise _LeftAlone(f"{state.branch or 'a detached commit'} is checked out, not {branch}")
    if state.head is None:
        raise _LeftAlone(f"diverged: {branch} has no commit there")
    for name, doing in _UNFINISHED.items():
        if (here.git_dir / name).exists():
            raise _LeftAlone(f"a {doing} is not finished there")
    return state.head


def _move(here: git.Place, branch: str, old: str, new: str, held: int) -> None:
    """Replace files, branch and index, in this order; the index lock is held."""
    dirty = dirty_files(here)
    if dirty:
        raise _LeftAlone(f"uncommitted changes in {_some(dirty)}")
    in_the_way = tuple(_in_the_way(here, old, new))
    if in_the_way:
        raise _LeftAlone(f"untracked {_some(in_the_way)} in the way")
    with _second_index(here) as variables:
        try:
            git.run(here, "read-tree", "-m", "-u", old, new, variables=variables, keep_open=(held,))
        except GitError as error:
            raise _LeftAlone(str(error)) from error
        try:
            git.run(here, "update-ref", "-m", "mbo: fast-forward", f"refs/heads/{branch}", new, old)
        except GitError as error:
            git.run(here, "read-tree", "-m", "-u", new, old, variables=variables, keep_open=(held,))
            raise _LeftAlone(f"{branch} moved meanwhile") from error


def _in_the_way(here: git.Place, old: str, new: str) -> Iterator[str]:
    """Yield what git does not track where the new commit wants files; git itself would overwrite ignored ones."""
    changed = changes.between(here, old, new).files
    removed = {change.path for change in changed if change.status == "deleted"}
    for change in changed:
        if change.status == "added":
            parts = Path(change.path).parts
            for end in range(1, len(parts) + 1):
                at = Path(*parts[:end])
                yield from _strangers(_top(here), at, removed, is_leaf=end == len(parts))


def _strangers(top: Path, at: Path, removed: set[str], *, is_leaf: bool) -> Iterator[str]:
    path = top / at
    if path.is_dir() and not path.is_symlink():
        below = (p for p in path.rglob("*") if p.is_symlink() or not p.is_dir()) if is_leaf else ()
        yield from (name for p in below if (name := str(p.relative_to(top))) not in removed)
    elif os.path.lexists(path) and str(at) not in removed:
        yield str(at)


@contextmanager
def _second_index(here: git.Place) -> Generator[dict[str, str]]:
    """Work on a copy of the index, and put it in place of the index where all went well."""
    copy = here.git_dir / "index.mbo"
    (here.git_dir / "index.mbo.lock").unlink(missing_ok=True)
    shutil.copy2(here.git_dir / "index", copy)
    try:
        yield {"GIT_INDEX_FILE": str(copy)}
        copy.replace(here.git_dir / "index")
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def _index_lock(here: git.Place, old: str, new: str) -> Generator[int]:
    """Hold git's index lock, and the file itself, so that a later run sees whether we or our git still live."""
    path = here.git_dir / "index.lock"
    part = here.git_dir / "index.mbo.part"
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{_MARK} {old} to {new}\n".encode())
        file.flush()
        os.fsync(file.fileno())
        try:
            path.hardlink_to(part)  # with its words, or not at all
        except FileExistsError:
            raise _LeftAlone(f"{path} exists: another git is at work there, or was killed") from None
        finally:
            part.unlink()
        try:
            yield file.fileno()
        finally:
            path.unlink(missing_ok=True)


def _recover(here: git.Place) -> None:
    """Undo a move that was cut off, unless the user changed something since; then only let go of the index."""
    path = here.git_dir / "index.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        words = os.read(descriptor, 4096).decode(errors="replace").split()
        if words[:-3] != _MARK.split():
            return  # not ours: the user's own git
        _settle(here, words[-3], words[-1], descriptor)
        path.unlink()
    except BlockingIOError:
        raise _LeftAlone("another update of it is under way") from None
    finally:
        os.close(descriptor)


def _settle(here: git.Place, old: str, new: str, held: int) -> None:
    moved = {change.path for change in changes.between(here, old, new).files}
    ours = set(dirty_files(here)) <= moved and all(_is_ours(here, path, old, new) for path in moved)
    if not ours:
        return
    with _second_index(here) as variables:
        git.run(here, "read-tree", "--reset", "-u", "HEAD", variables=variables, keep_open=(held,))
        leftover = {c.path for c in changes.between(here, "HEAD", new).files if c.status == "added"}
        for path in leftover:
            if os.path.lexists(_top(here) / path):
                (_top(here) / path).unlink()


def _is_ours(here: git.Place, name: str, old: str, new: str) -> bool:
    """Tell whether a path is as git leaves it at any instant of the move: old, new, absent, or new in part."""
    path = _top(here) / name
    if not os.path.lexists(path):
        return True
    if path.is_dir() and not path.is_symlink():
        return False
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    before, after = _blob(here, old, name), _blob(here, new, name)
    return content == before or (after is not None and after.startswith(content))


def _blob(here: git.Place, commit: str, name: str) -> bytes | None:
    done = git.run(here, "cat-file", "blob", f"{commit}:{name}", accept=(0, 1, 128))
    return done.stdout if done.returncode == 0 else None


def _top(here: git.Place) -> Path:
    assert here.work_tree is not None  # a checkout has one
    return here.work_tree


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
