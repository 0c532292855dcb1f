"""Which process a pid stands for: the pid and when it started, for the kernel gives pids out again."""

from pathlib import Path


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks since the machine's start; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command's name, in parentheses, may hold anything
    return None if fields[0] in "ZX" else int(fields[19])
