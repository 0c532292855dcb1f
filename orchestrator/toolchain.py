"""The built project's Python and its pinned packages: made once for a machine, read-only for whoever uses it."""

import asyncio
import fcntl
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import process, settings
from orchestrator.errors import InputError, UnsupportedError
from orchestrator.home import write_atomically
from orchestrator.models.value import digest

_BUILD_SECONDS = 900.0
_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class Toolchain:
    """An interpreter with packages, what a sandbox must show for it to run, and the digest of what it is made of."""

    python: Path
    read_only: tuple[Path, ...]
    digest: str


async def prepare(requirements: Path, cache: Path, say: Callable[[str], None]) -> Toolchain:
    """Return the toolchain of a hash-pinned requirement file, built under `cache` unless it is there already.

    A virtual environment cannot be moved, so it is built where it stays, under a lock; a marker, written last, tells
    a whole one from what a kill left behind.

    Raises:
        InputError: the requirement file cannot be read.
        UnsupportedError: the packages could not be installed; the message ends with pip's reason.
    """
    try:
        text = requirements.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{requirements}: cannot be read ({error}); name a requirement file with hashes") from error
    identity = digest({"requirements": text, "python": sys.version, "prefix": sys.base_prefix})
    folder = cache / "toolchains" / identity[:16]
    marker = folder / "complete"
    if not marker.exists():
        async with _exclusive(folder.with_suffix(".lock")):
            if not marker.exists():
                await _build(folder, requirements, say)
                write_atomically(marker, f"{identity}\n")
    return Toolchain(folder / "bin" / "python", (folder, *interpreter()), identity)


def interpreter() -> tuple[Path, ...]:
    """Return the folders that the running interpreter needs and that are not below `/usr`, by every name they have."""
    named = Path(sys.base_prefix)
    places = dict.fromkeys((named, named.resolve(), Path(sys.base_exec_prefix)))
    return tuple(place for place in places if not place.is_relative_to("/usr"))


async def _build(folder: Path, requirements: Path, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    say(f"toolchain: installing {requirements.name} (once for this machine)")
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install", "--no-cache-dir"]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements.absolute())],
    ):
        finished = await _run(command, folder.parent)
        if finished.exit_code != 0:
            raise UnsupportedError(f"{requirements}: not installed ({_reason(finished)}); mend the cause and try again")
    await _run(
        [python, "-m", "compileall", "-q", str(folder / "lib")], folder.parent
    )  # some packages ship broken tests
    say(f"toolchain: ready in {time.monotonic() - began:.0f} s")


async def _run(command: list[str], folder: Path) -> process.Finished:
    return await process.run(command, folder=folder, environment=settings.inherited(), seconds=_BUILD_SECONDS)


def _reason(finished: process.Finished) -> str:
    if finished.timed_out:
        return f"no end after {_BUILD_SECONDS:.0f} s"
    lines = [line.strip() for line in finished.output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return ([*lines, *errors] or ["pip said nothing"])[-1].removeprefix("ERROR: ")


@asynccontextmanager
async def _exclusive(lock: Path) -> AsyncIterator[None]:
    """Hold `lock`, here and between processes; the kernel lets go of it however we end."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _locked(descriptor):
            await asyncio.sleep(_WAIT_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
