"""One agent's definition: Markdown with YAML front matter, read as Claude Code reads it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import ValidationError

from agents import front_matter
from orchestrator import names
from orchestrator.models import Agent, Limits
from orchestrator.models.work import Authority

_NAME = re.compile(r"[^\W_][\w .:-]{0,99}")
_COMMA = re.compile(r",(?![^()]*\))")


def read(path: Path) -> Agent:
    """Return the agent that one Markdown file defines.

    Raises:
        InputError: the file is no subagent definition; one line names the file, the place and the fault.
    """
    head, persona = front_matter.halves(path)
    fields = front_matter.fields(path, head)
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
        raise front_matter.fault(path, front_matter.line_of(head, fault.key), fault.text) from None


class _Fault(Exception):
    """Carry which key is wrong, and how, to where the file is known."""

    def __init__(self, key: str | None, text: str) -> None:
        self.key = key
        self.text = text
        super().__init__(text)


def _name(value: object) -> str:
    if value is None:
        raise _Fault(None, "no `name`")
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _Fault("name", f"`name` is {value!r}, not a name such as code-reviewer")
    if names.is_reserved(value):
        raise _Fault("name", f"`name` is {value!r}, reserved as {', '.join(names.RESERVED)} are")
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
