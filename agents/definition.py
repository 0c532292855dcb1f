"""One agent's definition: Markdown with YAML front matter, read as Claude Code reads it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import yaml
from pydantic import ValidationError

from orchestrator.errors import InputError
from orchestrator.models import Agent, Limits
from orchestrator.models.work import Authority

_FENCE = re.compile(r"---[ \t]*\n(?P<head>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_PLAIN = re.compile(r"^(?P<key>[A-Za-z][\w-]*):[ \t]+(?P<value>[^\s\"'\[{|>].*)$", re.MULTILINE)
_NAME = re.compile(r"[^\W_][\w .:-]{0,99}")
_COMMA = re.compile(r",(?![^()]*\))")


def read(path: Path) -> Agent:
    """Return the agent that one Markdown file defines.

    Raises:
        InputError: the file is no subagent definition; one line names the file, the place and the fault.
    """
    head, persona = _halves(path)
    fields = _front_matter(path, head)
    try:
        return Agent(
            name=_name(fields.get("name")),
            description=_text(fields, "description"),
            persona=_filled(persona, "no persona under the front matter"),
            tools=_words(fields, "tools"),
            model=_model(fields),
            category=_text(fields, "category", "project"),
            authority=_powers(fields),
            backups=_words(fields, "backups"),
            limits=_limits(fields),
            source=path,
        )
    except _Fault as fault:
        raise _error(path, _line_of(head, fault.key), fault.text) from None


def _halves(path: Path) -> tuple[str, str]:
    """Return the front matter and what follows it, with the line ends of Unix."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; mend or remove it, then try again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8, then try again") from error
    match = _FENCE.match(text)
    if match is None:
        opened = text.startswith("---")
        raise _error(
            path, 1, "the front matter is not closed by ---" if opened else "no front matter between --- lines"
        )
    return match["head"], text[match.end() :].strip()


def _front_matter(path: Path, head: str) -> dict[str, Any]:
    try:
        fields = _yaml(head)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise _error(path, line, f"not YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError) as error:  # a control character; a date that no calendar has
        raise _error(path, 1, f"not YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(fields, dict):
        raise _error(path, 1, "the front matter is not a list of `key: value` lines")
    return cast("dict[str, Any]", fields)


def _yaml(head: str) -> object:
    """Parse front matter; where it is not YAML, take plain one-line values literally, as Claude Code does."""
    try:
        return yaml.load(head, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        try:
            return yaml.load(_PLAIN.sub(_quoted, head), yaml.CSafeLoader)
        except yaml.YAMLError:
            raise error from None


def _quoted(line: re.Match[str]) -> str:
    value = line["value"].rstrip().replace("'", "''")
    return f"{line['key']}: '{value}'"


class _Fault(Exception):
    """Carry which key is wrong, and how, to where the file is known."""

    def __init__(self, key: str | None, text: str) -> None:
        self.key = key
        self.text = text
        super().__init__(text)


def _name(value: object) -> str:
    if value is None:
        raise _Fault(None, "no `name`")
    if not isinstance(value, str) or not _NAME.fullmatch(value) or value == "ALL":
        raise _Fault("name", f"`name` is {value!r}, not a name such as code-reviewer")
    return value.strip()


def _text(fields: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = default if fields.get(key) is None else fields[key]
    if value is None:
        raise _Fault(None, f"no `{key}`")
    if not isinstance(value, str):
        raise _Fault(key, f"`{key}` is {value!r}, not text")
    return _filled(value.strip(), f"`{key}` is empty", key)


def _filled(text: str, fault: str, key: str | None = None) -> str:
    if not text:
        raise _Fault(key, fault)
    return text


def _words(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a comma string or a list as words; a comma inside parentheses does not split. `*` is no restriction."""
    value = fields.get(key) or ()
    words = _COMMA.split(value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in cast("list[object]", words)):
        raise _Fault(key, f"`{key}` is {value!r}, neither a comma list nor a YAML list of text")
    stripped = (word.strip() for word in cast("list[str]", words))
    return tuple(word for word in stripped if word and word != "*")


def _model(fields: Mapping[str, Any]) -> str | None:
    model = _text(fields, "model", "inherit")
    return None if model == "inherit" else model


def _powers(fields: Mapping[str, Any]) -> tuple[Authority, ...]:
    words = _words(fields, "authority")
    known = get_args(Authority)
    for word in words:
        if word not in known:
            raise _Fault("authority", f"`authority` names {word!r}, not one of {', '.join(known)}")
    return cast("tuple[Authority, ...]", words)


def _limits(fields: Mapping[str, Any]) -> Limits:
    try:
        return Limits.model_validate(fields.get("limits") or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(("limits", *(str(part) for part in first["loc"])))
        raise _Fault("limits", f"`{place}`: {first['msg']}") from None


def _line_of(head: str, key: str | None) -> int:
    """Return the line of a key in the file; the first line where the key is missing."""
    match = re.search(rf"^{key}[ \t]*:", head, re.MULTILINE) if key else None
    return head.count("\n", 0, match.start()) + 2 if match else 1


def _error(path: Path, line: int, fault: str) -> InputError:
    return InputError(f"{path}:{line}: {fault}; mend the definition, then try again")
