"""Promises of the process starter."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator import process
from orchestrator.errors import OrchestratorError, UnsupportedError, WorkError

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(folder: Path, *command: str, seconds: float = 20.0, **options: Any) -> process.Finished:
    """Run a command to its end."""
    return asyncio.run(process.run(command, folder=folder, environment=ENVIRONMENT, seconds=seconds, **options))


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def ends_soon(pid: int) -> bool:
    """Tell whether a process is gone in a moment."""
    deadline = time.monotonic() + 5.0
    while is_running(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not is_running(pid)


def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    """Standard output and standard error come back merged, in order, with the exit code."""
    finished = run(tmp_path, "sh", "-c", "echo one; echo two >&2; pwd; exit 3")

    assert (finished.exit_code, finished.output) == (3, f"one\ntwo\n{tmp_path}\n")
    assert (finished.timed_out, finished.truncated) == (False, False)


def test_environment_is_exactly_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of our own environment reaches a child."""
    monkeypatch.setenv("CANARY", "secret")

    assert run(tmp_path, "env").output == f"PATH={ENVIRONMENT['PATH']}\n"


def test_input_is_read_to_its_end(tmp_path: Path) -> None:
    """A child reads all of its input, however large, and bytes that are no text are replaced."""
    assert run(tmp_path, "wc", "-c", stdin=b"x" * 5_000_000).output.strip() == "5000000"
    assert run(tmp_path, "cat", stdin=b"a\xffb").output == "a\N{REPLACEMENT CHARACTER}b"
    assert run(tmp_path, "cat").output == ""


def test_descriptors_reach_a_child_only_when_passed(tmp_path: Path) -> None:
    """A child has the descriptors that were passed and none of our others."""
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)

    listed = run(tmp_path, "ls", "/proc/self/fd", pass_fds=(writing,)).output.split()
    os.close(reading)
    os.close(writing)

    assert str(writing) in listed
    assert str(reading) not in listed


def test_killed_process_has_the_exit_code_of_a_shell(tmp_path: Path) -> None:
    """A signal's exit code is 128 plus its number."""
    assert run(tmp_path, "sh", "-c", "kill -TERM $$").exit_code == 143


def test_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    """When the time is over, children that ignore signals are gone too, and what was printed is kept."""
    script = "trap '' TERM INT HUP; sleep 60 & echo $! $$; wait"

    finished = run(tmp_path, "sh", "-c", script, seconds=0.5)

    assert (finished.timed_out, finished.exit_code) == (True, 137)
    assert finished.seconds < 3.0
    assert all(ends_soon(int(pid)) for pid in finished.output.split())


def test_background_child_ends_with_its_parent(tmp_path: Path) -> None:
    """A child left in the background neither delays the result nor lives on."""
    finished = run(tmp_path, "sh", "-c", "sleep 60 & echo $!")

    assert finished.seconds < 2.0
    assert ends_soon(int(finished.output))


def test_pipe_held_from_another_session_does_not_hang(tmp_path: Path) -> None:
    """A grandchild in a session of its own that holds the output open costs two seconds at most."""
    script = "setsid sh -c 'echo $$ > pid; touch up; exec sleep 60' & while [ ! -e up ]; do :; done; echo done"

    finished = run(tmp_path, "sh", "-c", script)
    subprocess.run(["kill", "-9", (tmp_path / "pid").read_text().strip()], check=True)

    assert finished.output == "done\n"
    assert finished.seconds < 5.0


def test_flood_is_cut_in_the_middle(tmp_path: Path) -> None:
    """Of a flood of output the head and the tail are kept, and a line says how much is missing."""
    finished = run(tmp_path, "sh", "-c", "echo first; yes | head -c 50000000; echo last", output_limit=1000)

    assert finished.truncated
    assert finished.output.startswith("first\ny\n")
    assert finished.output.endswith("y\nlast\n")
    assert "[... 49999011 bytes cut ...]" in finished.output
    assert len(finished.output) < 1100


def test_flood_stays_out_of_memory(tmp_path: Path) -> None:
    """A flood without end is read and dropped until the time is over; memory does not grow with it."""
    program = (
        "import asyncio, sys; from pathlib import Path; from orchestrator import process\n"
        "asyncio.run(process.run(['yes'], folder=Path('/'), environment={'PATH': sys.argv[1]}, seconds=0.7))\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )

    peak_kilobytes = int(run(Path(__file__).parents[1], sys.executable, "-c", program, ENVIRONMENT["PATH"]).output)

    assert peak_kilobytes < 100_000


def test_output_at_the_limit_is_whole(tmp_path: Path) -> None:
    """Output of exactly the limit is not cut."""
    finished = run(tmp_path, "printf", "0123456789", output_limit=10)

    assert (finished.output, finished.truncated) == ("0123456789", False)


def test_cancellation_leaves_no_process(tmp_path: Path) -> None:
    """A cancelled caller leaves nothing running."""

    async def cancel() -> None:
        command = ["sh", "-c", "sleep 60 & echo $! $$ > part; mv part pids; wait"]
        task = asyncio.create_task(process.run(command, folder=tmp_path, environment=ENVIRONMENT, seconds=60))
        while not (tmp_path / "pids").exists():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())

    assert all(ends_soon(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_cancellation_while_it_starts_leaves_no_process(tmp_path: Path) -> None:
    """Whenever the caller is cancelled, be it before the process is known to run, nothing of it stays."""

    async def cancel(ticks: int) -> None:
        command = ["sh", "-c", "sleep 60 & wait"]
        task = asyncio.create_task(process.run(command, folder=tmp_path, environment=ENVIRONMENT, seconds=60))
        for _ in range(ticks):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for ticks in range(1, 25):
        asyncio.run(cancel(ticks))

    assert all(ends_soon(pid) for pid in standing_in(tmp_path))


def standing_in(folder: Path) -> list[int]:
    """Return the processes whose working folder this is."""
    pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    return [pid for pid in pids if _folder_of(pid) == str(folder)]


def _folder_of(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def test_many_at_once_do_not_mix(tmp_path: Path) -> None:
    """Processes that run side by side each get their own output."""

    async def all_at_once() -> list[process.Finished]:
        commands = [["sh", "-c", f"echo {number}"] for number in range(20)]
        return await asyncio.gather(
            *(process.run(command, folder=tmp_path, environment=ENVIRONMENT, seconds=20) for command in commands)
        )

    assert [finished.output for finished in asyncio.run(all_at_once())] == [f"{number}\n" for number in range(20)]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        pytest.param(["no-such-program"], UnsupportedError, id="missing"),
        pytest.param(["/etc/passwd"], UnsupportedError, id="not-a-program"),
        pytest.param(["echo", "a\0b"], WorkError, id="nul"),
        pytest.param(["echo", "\ud800"], WorkError, id="half-a-character"),
        pytest.param(["echo", "x" * 1_000_000], WorkError, id="too-long"),
    ],
)
def test_what_cannot_start_says_so(tmp_path: Path, command: list[str], kind: type[OrchestratorError]) -> None:
    """A command that cannot be started raises one line that names it."""
    with pytest.raises(kind) as caught:
        run(tmp_path, *command)

    assert command[0] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_descriptor_is_lost(tmp_path: Path) -> None:
    """Runs, time-outs and failures to start leave no descriptor open."""
    run(tmp_path, "true")
    before = len(os.listdir("/proc/self/fd"))

    run(tmp_path, "cat", stdin=b"x")
    run(tmp_path, "sleep", "60", seconds=0.05)
    with pytest.raises(UnsupportedError):
        run(tmp_path, "no-such-program")

    assert len(os.listdir("/proc/self/fd")) == before
