"""Artifacts: texts that agents leave behind for a task, such as a design, a summary or a review."""

from pathlib import Path, PurePosixPath

from orchestrator.errors import InputError
from orchestrator.home import Home, write_atomically


def save(home: Home, agent: str, task: str, name: str, text: str) -> Path:
    """Keep `text` as the agent's artifact `name` for a task, in place of an earlier one, and return its file.

    Raises:
        InputError: the name would lead out of the task's folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or any(part.startswith((".", "/")) or "\0" in part for part in parts):
        raise InputError(f"artifact `{name}` of task {task}: give a relative name without hidden parts or `..`")
    path = home.agent(agent).joinpath("artifacts", task, *parts)
    write_atomically(path, text)
    return path


def read(home: Home, task: str) -> dict[str, str]:
    """Return the artifacts of a task by name; where two agents left one of a name, the later one."""
    found: list[tuple[int, str, Path]] = []
    for folder in home.agents.glob(f"*/artifacts/{task}"):
        for file in folder.rglob("*"):
            if file.is_file() and not file.name.startswith("."):
                found.append((file.stat().st_mtime_ns, file.relative_to(folder).as_posix(), file))
    return {name: file.read_bytes().decode() for _, name, file in sorted(found)}
