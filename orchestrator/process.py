"""The one starter of processes: bounded in time and memory, and nothing is left running behind it."""

import asyncio
import errno
import os
import signal
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from orchestrator.errors import TransientError, UnsupportedError, WorkError

_CHUNK = 65_536
_GRACE = 2.0
"""Seconds that a killed process's last output is waited for."""
_PASSING = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


@dataclass(frozen=True)
class Finished:
    """How a process ended and what it printed; a signal's exit code is 128 plus its number, as in a shell."""

    exit_code: int
    output: str
    seconds: float
    timed_out: bool
    truncated: bool


async def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    output_limit: int = 200_000,
    stdin: bytes | None = None,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run `command` in `folder` with exactly `environment` and return its merged output, cut to `output_limit` bytes.

    It runs in a session of its own, and whatever of that session still runs is killed when it ends, when `seconds`
    are over, and when the caller is cancelled.

    Raises:
        UnsupportedError: there is no such program, or it may not be run.
        TransientError: the machine is out of processes, memory or descriptors.
        WorkError: the command cannot be started as it stands.
    """
    began = time.monotonic()
    with _Output(output_limit) as output, _input(stdin) as source:
        try:
            process = await _started(
                asyncio.create_subprocess_exec(
                    *command,
                    cwd=folder,
                    env=environment,
                    stdin=source,
                    stdout=output.inlet,
                    stderr=output.inlet,
                    pass_fds=pass_fds,
                    start_new_session=True,
                    umask=0o022,  # what a child makes does not depend on the user's own mask
                )
            )
        except (OSError, ValueError) as error:
            raise _not_started(command, folder, error) from error
        output.close_inlet()
        exit_code, timed_out = await _within(seconds, process)
        await output.ended()
        text, truncated = output.text()
    exit_code = exit_code if exit_code >= 0 else 128 - exit_code
    return Finished(exit_code, text, time.monotonic() - began, timed_out, truncated)


async def _started(starting: Coroutine[Any, Any, Process]) -> Process:
    """Return the process once it runs; a caller who is cancelled meanwhile leaves nothing of it running either."""
    process = asyncio.ensure_future(starting)
    try:
        return await asyncio.shield(process)
    except asyncio.CancelledError:
        with suppress(OSError, ValueError):  # it never ran
            await _ended(await process)
        raise


async def _within(seconds: float, process: Process) -> tuple[int, bool]:
    """Return the exit code of a process and whether its time was over first; nothing of its session runs then."""
    timed_out = False
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        timed_out = True
    finally:
        exit_code = await _ended(process)
    return exit_code, timed_out


async def _ended(process: Process) -> int:
    """Kill whatever of the process's session still runs, and return its exit code."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return await process.wait()


class _Output:
    """Read a pipe while the event loop runs and keep its head and its tail.

    The pipe is ours and not asyncio's: a process is over when it exits, whoever else still holds its output open.
    """

    def __init__(self, limit: int) -> None:
        self.inlet = -1
        self._outlet = -1
        self._head_limit = limit // 2
        self._tail_limit = limit - limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._received = 0
        self._end = asyncio.Event()

    def __enter__(self) -> Self:
        self._outlet, self.inlet = os.pipe()
        os.set_blocking(self._outlet, False)
        asyncio.get_running_loop().add_reader(self._outlet, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._outlet)
        os.close(self._outlet)
        self.close_inlet()

    def close_inlet(self) -> None:
        """Leave the child's end to the child alone."""
        if self.inlet >= 0:
            os.close(self.inlet)
        self.inlet = -1

    async def ended(self) -> None:
        """Wait for the end of the output, but not for a process that got away with it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await self._end.wait()

    def text(self) -> tuple[str, bool]:
        """Return what was kept, undecodable bytes replaced, and whether anything was cut."""
        head, tail = bytes(self._head), bytes(self._tail[-self._tail_limit :])
        cut = self._received - len(head) - len(tail)
        if cut == 0:
            return (head + tail).decode(errors="replace"), False
        middle = f"\n[... {cut} bytes cut ...]\n"
        return head.decode(errors="replace") + middle + tail.decode(errors="replace"), True

    def _read(self) -> None:
        try:
            data = os.read(self._outlet, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._outlet)
            self._end.set()
            return
        self._received += len(data)
        room = self._head_limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > self._tail_limit + 16 * _CHUNK:  # trimmed now and then, not at every read
            del self._tail[: -self._tail_limit]


@contextmanager
def _input(data: bytes | None) -> Iterator[int]:
    """Yield a descriptor to read `data` from: a file, which needs nobody to feed it."""
    if data is None:
        yield asyncio.subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()


def _not_started(command: Sequence[str], folder: Path, error: OSError | ValueError) -> Exception:
    if isinstance(error, ValueError):
        return WorkError(f"{command[0]!r}: its arguments hold a NUL byte or are not text; mend the command")
    what = f"{command[0]}: could not be started in {folder} ({error.strerror})"
    if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
        return UnsupportedError(f"{what}; install the program or mend the path")
    if error.errno in _PASSING:
        return TransientError(f"{what}; the machine is short of resources, try again")
    return WorkError(f"{what}; mend the command")
