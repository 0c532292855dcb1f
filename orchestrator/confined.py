"""Files of one worktree, read and written in our own process so that no link and no race leads outside."""

import ctypes
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from posixpath import normpath

from orchestrator.errors import WorkError

SIZE_LIMIT = 2 * 1024 * 1024
"""Bytes of the largest file that is read or written."""
WORKSPACE = PurePosixPath("/workspace")
_ENTRIES_LIMIT = 1000
_OPENAT2 = 437
"""The system call's number, on every machine."""
_BENEATH_WITHOUT_LINKS = 0x08 | 0x04 | 0x02
"""RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


class ConfinedError(WorkError):
    """Say, in words fit for an agent, why a path was refused."""


class _OpenHow(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


class Folder:
    """Reach the files below one folder and no others.

    A path is relative to the folder, or absolute below `/workspace` or below the folder's own place. Symbolic links
    are never followed and `.git` is never touched. Every method raises ConfinedError.
    """

    def __init__(self, root: Path, owner: int | None) -> None:
        """Stand for the folder at `root`; what is written will belong to the uid `owner`, if there is one."""
        self._root = root
        self._owner = owner

    def read(self, path: str) -> str:
        """Return the text of a file."""
        *folders, name = self._parts(path) or [""]
        with _spoken(path), self._enter(folders) as folder:
            descriptor = os.open(name or ".", _FILE, dir_fd=folder)
            try:
                _check_regular(path, os.fstat(descriptor))
                with open(descriptor, "rb", closefd=False) as file:
                    data = file.read(SIZE_LIMIT + 1)
            finally:
                os.close(descriptor)
        if len(data) > SIZE_LIMIT:
            raise _too_large(path)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ConfinedError(f"{path}: not a text file (no UTF-8)") from None

    def write(self, path: str, text: str) -> None:
        """Replace or create a file, whole or not at all, with the folders above it; its mode stays as it was."""
        *folders, name = self._parts(path) or [""]
        if not name:
            raise ConfinedError(f"{path}: is a folder")
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise ConfinedError(f"{path}: the text holds half a character (a lone surrogate)") from None
        if len(data) > SIZE_LIMIT:
            raise _too_large(path)
        with _spoken(path):
            self._make(folders)
            with self._enter(folders) as folder:
                self._replace(folder, name, data, _mode_at(path, folder, name))

    def entries(self, path: str = ".") -> list[str]:
        """Return what is in a folder, two levels deep, without what is hidden; folders end with a slash."""
        parts = self._parts(path)
        found: list[str] = []
        with _spoken(path), self._enter(parts) as folder:
            for name, is_folder in _listed(folder):
                if len(found) > _ENTRIES_LIMIT:
                    break
                found.append(f"{name}/" if is_folder else name)
                if is_folder:
                    with suppress(OSError), _entered(folder, [name]) as below:  # gone, or not ours to read
                        found += [f"{name}/{entry}/" if deep else f"{name}/{entry}" for entry, deep in _listed(below)]
        return found if len(found) <= _ENTRIES_LIMIT else [*found[:_ENTRIES_LIMIT], "..."]

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder at `path`."""
        return stat.S_ISDIR(self._mode(path))

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or folder at `path`; a symbolic link is none."""
        return self._mode(path) != 0

    def _mode(self, path: str) -> int:
        *folders, name = self._parts(path) or [""]
        try:
            with self._enter(folders) as folder:
                mode = os.stat(name or ".", dir_fd=folder, follow_symlinks=False).st_mode
        except OSError:
            return 0
        return 0 if stat.S_ISLNK(mode) else mode

    def _parts(self, path: str) -> list[str]:
        """Return the names that lead from the root to `path`; none for the root itself."""
        try:
            is_path = b"\0" not in os.fsencode(path)
        except UnicodeEncodeError:
            is_path = False
        if not is_path:
            raise ConfinedError(f"{path!a}: a path cannot hold a NUL byte or half a character")
        place = PurePosixPath(normpath(path or "."))
        for root in (PurePosixPath(self._root), WORKSPACE):
            if place.is_relative_to(root):
                place = place.relative_to(root)
                break
        parts = list(place.parts)
        if place.is_absolute() or ".." in parts:
            raise ConfinedError(f"{path}: outside the workspace; use a path relative to it")
        if any(part.lower() == ".git" for part in parts):
            raise ConfinedError(f"{path}: git's own files are out of reach")
        return parts

    @contextmanager
    def _enter(self, folders: list[str]) -> Iterator[int]:
        root = os.open(self._root, _FOLDER)
        try:
            with _entered(root, folders) as folder:
                yield folder
        finally:
            os.close(root)

    def _make(self, folders: list[str]) -> None:
        for depth, name in enumerate(folders):
            with self._enter(folders[:depth]) as parent:
                try:
                    os.mkdir(name, 0o755, dir_fd=parent)
                except FileExistsError:
                    continue
                if self._owner is not None:
                    os.chown(name, self._owner, self._owner, dir_fd=parent, follow_symlinks=False)

    def _replace(self, folder: int, name: str, data: bytes, mode: int) -> None:
        part = f".{secrets.token_hex(8)}.part"
        descriptor = os.open(
            part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder
        )
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                if self._owner is not None:
                    os.fchown(descriptor, self._owner, self._owner)
                os.fchmod(descriptor, mode)
            os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            raise


@contextmanager
def _entered(root: int, folders: list[str]) -> Iterator[int]:
    descriptor = _open_beneath(root, folders)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_beneath(root: int, folders: list[str]) -> int:
    """Open a folder below `root` without following a link: in one call, or name by name on an older kernel."""
    how = _OpenHow(flags=_FOLDER, mode=0, resolve=_BENEATH_WITHOUT_LINKS)
    path = os.fsencode("/".join(folders) or ".")
    result = _libc.syscall(_OPENAT2, root, path, ctypes.byref(how), ctypes.sizeof(how))
    if result >= 0:
        return result
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EPERM):  # EPERM: an older container's filter does not know the call
        return _walk(root, folders)
    raise OSError(number, os.strerror(number))


def _walk(root: int, folders: list[str]) -> int:
    descriptor = os.open(".", _FOLDER, dir_fd=root)
    for name in folders:
        try:
            below = os.open(name, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _listed(folder: int) -> list[tuple[str, bool]]:
    """Return names and whether each is a folder, sorted; a name that is no text is shown with its bytes replaced."""
    with os.scandir(folder) as entries:
        seen = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, 10 * _ENTRIES_LIMIT)]
    return sorted((os.fsencode(name).decode(errors="replace"), deep) for name, deep in seen if not name.startswith("."))


def _mode_at(path: str, folder: int, name: str) -> int:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    _check_regular(path, status, any_size=True)
    return stat.S_IMODE(status.st_mode) & 0o777


def _check_regular(path: str, status: os.stat_result, *, any_size: bool = False) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ConfinedError(f"{path}: is a folder")
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "")
    if not stat.S_ISREG(status.st_mode):
        raise ConfinedError(f"{path}: not a plain file")
    if status.st_size > SIZE_LIMIT and not any_size:
        raise _too_large(path)


def _too_large(path: str) -> ConfinedError:
    return ConfinedError(f"{path}: larger than {SIZE_LIMIT // (1024 * 1024)} MiB; work on it with a command instead")


@contextmanager
def _spoken(path: str) -> Iterator[None]:
    """Turn the kernel's refusals into words."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOENT: "there is no such file or folder",
            errno.ENOTDIR: "a part of this path is a file or a symbolic link, not a folder",
            errno.ELOOP: "leads through a symbolic link, which is not followed",
            errno.EXDEV: "outside the workspace; use a path relative to it",
        }
        raise ConfinedError(f"{path}: {reasons.get(error.errno or 0) or error.strerror}") from error
