"""The front matter of a subagent's file: YAML, or plain words where the words of others are no YAML."""

import re
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from orchestrator.errors import InputError

OURS = ("name", "description", "tools", "model", "category", "authority", "backups", "limits")
"""The keys that something here reads."""
_THEIRS = (
    *("background", "color", "disallowedTools", "effort", "hooks", "initialPrompt", "isolation", "maxTurns"),
    *("mcpServers", "memory", "permissionMode", "skills"),
)
_FENCE = re.compile(r"---[ \t]*\n(?P<head>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"(?P<key>[A-Za-z][\w-]*):(?:[ \t]+(?P<value>.*))?$")
_LONGEST = 50_000
"""In characters; the parser of YAML, which is C, does not bear brackets within brackets without end."""
_NOT_PLAIN = tuple("\"'[{|>")


class _Field(NamedTuple):
    key: str
    value: str
    """What stands on its first line."""
    number: int
    """Of that line in the file, from 1."""
    lines: list[str]


def halves(path: Path) -> tuple[str, str]:
    """Return the front matter and what follows it, with the line ends of Unix.

    Raises:
        InputError: the file cannot be read, or has no front matter.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; mend or remove it, then try again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8, then try again") from error
    match = _FENCE.match(text)
    if match is None:
        opened = text.startswith("---")
        raise fault(path, 1, "the front matter is not closed by ---" if opened else "no front matter between --- lines")
    if len(match["head"]) > _LONGEST:
        raise fault(path, 1, f"the front matter is longer than {_LONGEST} characters")
    return match["head"], text[match.end() :].strip()


def fields(path: Path, head: str) -> dict[str, Any]:
    """Return the front matter by its keys; where it is not YAML, what is plain text in it is taken literally.

    Raises:
        InputError: it is not YAML all the same, or no mapping.
    """
    try:
        found = _yaml(path, head)
    except (yaml.YAMLError, ValueError) as error:  # a control character; a date that no calendar has
        raise fault(path, 1, f"not YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(found, dict):
        raise fault(path, 1, "the front matter is not a list of `key: value` lines")
    return cast("dict[str, Any]", found)


def line_of(head: str, key: str | None) -> int:
    """Return the line of a key in the file; the first line where the key is missing."""
    match = re.search(rf"^{key}[ \t]*:", head, re.MULTILINE) if key else None
    return head.count("\n", 0, match.start()) + 2 if match else 1


def fault(path: Path, line: int, text: str) -> InputError:
    """Return the error that says what is wrong in which line of a definition."""
    return InputError(f"{path}:{line}: {text}; mend the definition, then try again")


def _yaml(path: Path, head: str) -> object:
    try:
        return yaml.load(head, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        found = _fields(head)
        if not found:
            raise fault(path, _line(error, 2, head.rstrip("\n")), _not_yaml(error)) from error
    return {field.key: _value(path, field) for field in found}


def _fields(head: str) -> list[_Field]:
    """Split front matter at its keys; what looks like one in a description is one only if it is known."""
    found: list[_Field] = []
    for number, line in enumerate(head.rstrip("\n").split("\n"), start=2):
        key = _KEY.match(line)
        if key and _begins(key["key"], [field.key for field in found]):
            found.append(_Field(key["key"], (key["value"] or "").strip(), number, [line]))
        elif found:
            found[-1].lines.append(line)
        elif line.strip():
            return []
    return found


def _begins(key: str, seen: list[str]) -> bool:
    if not seen or seen[-1] != "description":
        return True
    return key in (*OURS, *_THEIRS) and key not in seen


def _value(path: Path, field: _Field) -> object:
    text = "\n".join(field.lines)
    try:
        found = cast("dict[object, object]", yaml.load(text, yaml.CSafeLoader))
        if len(found) == 1:
            return next(iter(found.values()))
    except yaml.MarkedYAMLError as error:
        if field.value.startswith(_NOT_PLAIN):
            raise fault(path, _line(error, field.number, text.rstrip("\n")), _not_yaml(error)) from error
    return " ".join(" ".join((field.value, *field.lines[1:])).split())


def _line(error: yaml.MarkedYAMLError, first: int, text: str) -> int:
    """Return the line of a fault in a text that begins with line `first`: of what is left open, where it began."""
    opened = error.context is not None and ("scanning" in error.context or "flow" in error.context)
    mark = error.context_mark if opened else error.problem_mark
    return first + min(mark.line, text.count("\n")) if mark else 1


def _not_yaml(error: yaml.MarkedYAMLError) -> str:
    return f"not YAML ({' '.join(part for part in (error.problem, error.context) if part)})"
