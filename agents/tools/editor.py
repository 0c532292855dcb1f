"""The `str_replace_based_edit_tool`: view, create, str_replace and insert, confined to the worktree."""

import asyncio
import errno
import re

from pydantic import BaseModel

from agents.bench import Bench
from agents.tools import Result, Tool, accept
from orchestrator.confined import ConfinedError, Folder
from orchestrator.errors import StorageError
from orchestrator.models import JsonObject

NAME = "str_replace_based_edit_tool"
VIEW_LIMIT = 60_000
"""Characters of the longest view; the rest of a file is seen by `view_range`."""

_DISK_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Input(BaseModel):
    """The tool's input, as the Messages API defines it."""

    command: str
    path: str
    file_text: str | None = None
    old_str: str | None = None
    new_str: str | None = None
    insert_line: int | None = None
    insert_text: str | None = None
    view_range: tuple[int, int] | None = None


def tool(bench: Bench) -> Tool:
    """Return the tool for one bench; a reviewer's only views."""
    folder = Folder(bench.worktree, owner=bench.sandbox.owner(bench.slot))

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(Input, given)
        if isinstance(checked, Result):
            return checked
        if checked.command != "view" and not bench.writable:
            return Result("A reviewer can only view files.", is_error=True)
        try:
            return await asyncio.to_thread(_apply, folder, checked)
        except ConfinedError as error:
            _stop_on_full_disk(error)
            return Result(str(error), is_error=True)

    definition = {"type": "text_editor_20250728", "name": NAME, "max_characters": VIEW_LIMIT}
    return Tool(NAME, definition, run, reads=lambda given: given.get("command") == "view")


def _stop_on_full_disk(error: ConfinedError) -> None:
    """Raise what no agent can mend."""
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK_REFUSALS:
        raise StorageError(f"{error}; free the disk, then run the same command") from error


def _apply(folder: Folder, given: Input) -> Result:
    match given.command:
        case "view":
            return _view(folder, given)
        case "create" if given.file_text is not None:
            folder.write(given.path, given.file_text)
            return Result(f"Wrote {given.path}.")
        case "str_replace" if given.old_str:
            return _replace(folder, given.path, given.old_str, given.new_str or "")
        case "insert" if given.insert_line is not None and given.insert_text is not None:
            return _insert(folder, given.path, given.insert_line, given.insert_text)
        case "create" | "str_replace" | "insert":
            return Result(f"`{given.command}` misses an input it needs.", is_error=True)
        case _:
            return Result(f"There is no command `{given.command}`.", is_error=True)


def _view(folder: Folder, given: Input) -> Result:
    if folder.is_folder(given.path):
        return Result("\n".join(folder.entries(given.path)) or "[an empty folder]")
    lines = _lines(folder.read(given.path))
    first, last = given.view_range or (1, -1)
    last = len(lines) if last == -1 else last
    if not (1 <= first <= last + 1 and last <= len(lines)):
        return Result(f"{given.path} has {len(lines)} lines; the range {first} to {last} is outside.", is_error=True)
    numbered = (f"{number:6}\t{line}" for number, line in enumerate(lines[first - 1 : last], start=first))
    text = "\n".join(line.removesuffix("\n") for line in numbered)
    if len(text) > VIEW_LIMIT:
        text = f"{text[:VIEW_LIMIT]}\n[cut here: use `view_range` for the rest; the file has {len(lines)} lines]"
    return Result(text or "[an empty file]")


def _replace(folder: Folder, path: str, old: str, new: str) -> Result:
    text = folder.read(path)
    count = text.count(old)
    if count != 1:
        return Result(f"The text to replace occurs {count} times in {path}; it must occur once.", is_error=True)
    folder.write(path, text.replace(old, new))
    return Result(f"Changed {path}.")


def _insert(folder: Folder, path: str, line: int, text: str) -> Result:
    lines = _lines(folder.read(path))
    if not 0 <= line <= len(lines):
        return Result(f"{path} has {len(lines)} lines; cannot insert after line {line}.", is_error=True)
    if line and not lines[line - 1].endswith("\n"):
        lines[line - 1] += "\n"
    lines.insert(line, text if text.endswith("\n") else text + "\n")
    folder.write(path, "".join(lines))
    return Result(f"Inserted after line {line} of {path}.")


def _lines(text: str) -> list[str]:
    """Return the lines with their ends, split where compilers and `grep -n` split them, and nowhere else."""
    return [line for line in re.split(r"(?<=\n)", text) if line]
