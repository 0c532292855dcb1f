"""One worktree of the pool: made to hold exactly one tree, and read back as a tree, whatever an agent left in it.

An agent may leave links, pipes, nested repositories, closed folders or files of odd names. Git is always told which
git directory to use, so nothing it planted is ever read as a repository of ours.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from orchestrator import changes, git
from orchestrator.errors import GitError, StorageError, UnfitError
from orchestrator.models.value import Frozen

_NAMED = 3


class Slot(Frozen):
    """A worktree and its git directory, which lies in the repository and belongs to us."""

    path: Path
    repository: Path
    guard: Path | None = None

    @property
    def git_dir(self) -> Path:
        """Return the git directory of this worktree."""
        return self.repository / "worktrees" / self.path.name

    @property
    def place(self) -> git.Place:
        """Return where git acts on this worktree."""
        return git.Place(git_dir=self.git_dir, work_tree=self.path, guard=self.guard)


def open_at(slot: Slot, tree: str, commit: str, owner: int | None) -> None:
    """Make the worktree hold exactly `tree`, with its HEAD at `commit`, all owned by `owner` if we may say so.

    What cannot be put right in place is removed and made anew.
    """
    try:
        _reset(slot, tree, commit, owner)
    except (GitError, OSError, RecursionError):
        _remake(slot, tree, commit, owner)


def write_tree(slot: Slot) -> str:
    """Store everything in the worktree that is not ignored and return it as a tree.

    Raises:
        UnfitError: it holds a nested repository, which the message names, or what git cannot add.
    """
    _drop_stale_lock(slot)
    _refuse_nested(slot)
    if not _add(slot):
        _open_closed(slot.path)
        _refuse_nested(slot)  # what was closed could hide one
        try:
            git.run(slot.place, "add", "--all")
        except GitError as error:  # whatever was left there can be taken away again by who left it
            raise UnfitError(str(error)) from error
    return git.text(slot.place, "write-tree")


def refuse_unfit(place: git.Place, before: str, after: str) -> None:
    """Refuse a tree that adds what others could not work with.

    Raises:
        UnfitError: it adds commits of nested repositories, or names that are not UTF-8.
    """
    added = git.listing(
        place, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none", before, after
    )
    entries = list(zip(added[::2], added[1::2], strict=True))
    links = [path for entry, path in entries if entry[8:14] == changes.GITLINK.encode()]
    if links:
        raise UnfitError(f"nested repositories cannot be kept: {_some(links)}; remove them or their .git")
    odd = [path for entry, path in entries if entry[-1:] != b"D" and not _is_text(path)]
    if odd:
        raise UnfitError(f"file names must be UTF-8: {_some(odd)}; rename them")


def _reset(slot: Slot, tree: str, commit: str, owner: int | None) -> None:
    _register(slot, commit)
    _drop_stale_lock(slot)
    slot.path.chmod(0o755)
    git.run(slot.place, "read-tree", "-u", "--reset", "--no-recurse-submodules", tree)
    git.run(slot.place, "update-ref", "--no-deref", "HEAD", commit)
    tracked = git.listing(slot.place, "ls-files", "-z")
    may_give = owner is not None and os.geteuid() == 0
    if _tidy(slot.path, tracked, owner if may_give else None):
        git.run(slot.place, "update-index", "-q", "--refresh", accept=(0, 1))


def _remake(slot: Slot, tree: str, commit: str, owner: int | None) -> None:
    try:
        _discard(slot)
        _reset(slot, tree, commit, owner)
    except OSError as error:
        raise StorageError(f"{slot.path}: {error.strerror}; mend that, then run the same command") from error


def _register(slot: Slot, commit: str) -> None:
    """Make sure that git knows the worktree and that its `.git` is the file git wrote."""
    known = all((slot.git_dir / name).is_file() for name in ("HEAD", "commondir", "gitdir"))
    if not known or (slot.git_dir / "locked").exists() or not slot.path.is_dir() or slot.path.is_symlink():
        _discard(slot)
        slot.path.parent.mkdir(parents=True, exist_ok=True)
        repository = git.Place(git_dir=slot.repository, guard=slot.guard)
        git.run(repository, "worktree", "add", "--force", "--detach", "--no-checkout", slot.path, commit)
    link = slot.path / ".git"
    content = f"gitdir: {slot.git_dir}\n"
    if link.is_symlink() or not link.is_file() or link.read_text(errors="replace") != content:
        remove(link)
        link.write_text(content)


def _tidy(top: Path, tracked: Iterable[bytes], owner: int | None) -> bool:
    """Remove whatever is not tracked, open what was closed, hand all to `owner`; tell whether files changed hands.

    `git clean` will not do: it leaves pipes, sockets and every `.git`.
    """
    files = frozenset(tracked)
    folders = {parent for path in files for parent in _parents(path)}
    root = os.fsencode(top)
    changed = _give(os.curdir.encode(), os.open(root, os.O_RDONLY | os.O_DIRECTORY), owner, close=True)
    for folder, below, beside, descriptor in os.fwalk(root, onerror=_raise):
        stem = folder[len(root) + 1 :] + b"/" if folder != root else b""
        for name in (*below, *beside):
            path = stem + name
            if path in files or path in folders:
                changed |= _give(name, descriptor, owner)
            elif path != b".git":
                _remove_at(name, descriptor)
        below[:] = [name for name in below if stem + name in folders or stem + name in files]
    return changed


def _give(name: bytes, folder: int, owner: int | None, *, close: bool = False) -> bool:
    """Make an entry accessible to its owner and hand it to `owner`; tell whether it changed hands."""
    try:
        entry = os.stat(name, dir_fd=folder, follow_symlinks=False)
        least = 0o700 if stat.S_ISDIR(entry.st_mode) else 0o600
        if not stat.S_ISLNK(entry.st_mode) and entry.st_mode & least != least:
            os.chmod(name, stat.S_IMODE(entry.st_mode) | least, dir_fd=folder)
        if owner is None or (entry.st_uid, entry.st_gid) == (owner, owner):
            return False
        os.chown(name, owner, owner, dir_fd=folder, follow_symlinks=False)
        return True
    finally:
        if close:
            os.close(folder)


def _remove_at(name: bytes, folder: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _refuse_nested(slot: Slot) -> None:
    """Refuse a `.git` in any folder whose files would be kept; git would follow or skip it."""
    entries = git.listing(slot.place, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    nested = {entry.rstrip(b"/") for entry in entries if entry.endswith(b"/")}
    folders = {parent for entry in entries for parent in _parents(entry)}
    top = os.fsencode(slot.path)
    nested |= {folder for folder in folders if os.path.lexists(os.path.join(top, folder, b".git"))}
    if nested:
        raise UnfitError(f"nested repositories cannot be kept: {_some(sorted(nested))}; remove them or their .git")


def _add(slot: Slot) -> bool:
    """Add everything to the index; tell whether nothing was left out, as git passes closed folders with a warning."""
    done = git.run(slot.place, "add", "--all", accept=(0, 1, 128))
    return done.returncode == 0 and b"Permission denied" not in done.stderr


def _open_closed(folder: Path) -> None:
    """Give ourselves access to everything below `folder`; only where we are not root can it be missing."""
    subprocess.run(["chmod", "-R", "u+rwX", "--", folder], capture_output=True, check=False)


def _discard(slot: Slot) -> None:
    """Remove the worktree and git's record of it; what it held is kept under its snapshots' refs."""
    remove(slot.path)
    shutil.rmtree(slot.git_dir, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file or a folder of any depth, closed folders included; Python's own way ends at its recursion limit."""
    if path.is_dir() and not path.is_symlink():
        _open_closed(path)
        subprocess.run(["rm", "-rf", "--", path], capture_output=True, check=False)
    else:
        path.unlink(missing_ok=True)
    if os.path.lexists(path):
        raise GitError(f"{path}: could not be removed; remove it by hand, then run the same command")


def _drop_stale_lock(slot: Slot) -> None:
    """Remove what a killed git left; one thread at a time uses a slot, and agents cannot write here."""
    (slot.git_dir / "index.lock").unlink(missing_ok=True)


def _parents(path: bytes) -> Iterable[bytes]:
    at = path.find(b"/")
    while at != -1:
        yield path[:at]
        at = path.find(b"/", at + 1)


def _is_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def _some(paths: list[bytes]) -> str:
    shown = ", ".join(changes.name(path.rstrip(b"/")) for path in paths[:_NAMED])
    return shown if len(paths) <= _NAMED else f"{shown} and {len(paths) - _NAMED} more"


def _raise(error: OSError) -> None:
    raise error
