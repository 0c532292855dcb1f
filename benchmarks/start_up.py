"""How long the commands that only read take to start, beside a bare Python and Prefect's own command.

    .venv/bin/python benchmarks/start_up.py [rounds]

The commands take turns within each round, so that a busy machine slows all of them alike.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "mbo --help": [str(BIN / "mbo"), "--help"],
    "mbo plan": [str(BIN / "mbo"), "plan"],
    "mbo status": [str(BIN / "mbo"), "status"],
    "prefect --version": [str(BIN / "prefect"), "--version"],
    "prefect --help": [str(BIN / "prefect"), "--help"],
}


def measure(rounds: int, home: str) -> dict[str, list[float]]:
    """Return the seconds of each command in each round; a command that fails is left out, with a word about it."""
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": home, "MBO_HOME": f"{home}/mbo", "DO_NOT_TRACK": "1"}
    subprocess.run([BIN / "mbo", "init", "--project-path", "project"], env=environment, cwd=home, check=True)
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):  # the first round fills the file caches
        for name in list(seconds):
            started = time.perf_counter()
            try:
                subprocess.run(COMMANDS[name], env=environment, cwd=home, capture_output=True, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"left out {name}: {error}", file=sys.stderr)
                del seconds[name]
                continue
            seconds[name].append(time.perf_counter() - started)
    return {name: times[1:] for name, times in seconds.items()}


def table(seconds: dict[str, list[float]]) -> Table:
    """Return medians, spans and ratios to a bare Python as one table."""
    bare = statistics.median(seconds["python -c pass"])
    rows = Table(title="Start of a command", title_justify="left")
    rows.add_column("command")
    for name in ("median ms", "min-max ms", "times python"):
        rows.add_column(name, justify="right")
    for name, times in seconds.items():
        median = statistics.median(times)
        span = f"{min(times) * 1000:.0f}-{max(times) * 1000:.0f}"
        rows.add_row(name, f"{median * 1000:.0f}", span, f"{median / bare:.1f}")
    return rows


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Console().print(table(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7, folder)))
