"""What the user decided beside a run: approve, reject or waive, a small file each until a run takes it in.

A file bears the name of what it is about, so the same word given again replaces itself, and one about something newer
never takes its place. The journal is written by the run alone: it records the word, then forgets the file.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from orchestrator.authority import Waivable
from orchestrator.errors import InputError, StorageError
from orchestrator.home import Home, read_json, write_json
from orchestrator.models import Digest, Frozen, JsonObject, now
from orchestrator.models.plan import Text


class Word(Frozen):
    """One decision of the user, about one thing that stands in the journal."""

    says: Literal["approve", "reject", "waive"]
    about: str
    """Where the answer stands in the journal, such as `<key>/1.2`; of a hold, the id of its verdict's event."""
    reason: Text
    time: AwareDatetime = Field(default_factory=now)
    task: str | None = None
    """The task that the word is about; None for a component."""
    key: Digest | None = None
    attempt: int | None = None
    round: int | None = None
    component: int | None = None
    power: Waivable | None = None
    """What is waived."""


def give(home: Home, word: Word) -> None:
    """Leave a word for the run that goes on here, or for the next one."""
    write_json(_path(home, word), word.model_dump(mode="json"))


def read(home: Home) -> list[Word]:
    """Return the words that no run has taken in yet, the oldest first.

    Raises:
        InputError: one of the files is no word.
    """
    words = [_read(path) for path in sorted(_folder(home).glob("*.json"))]
    return sorted((word for word in words if word), key=lambda word: word.time)


def forget(home: Home, word: Word) -> None:
    """Remove the file of a word that stands in the journal."""
    path = _path(home, word)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}; mend that, then run the same command") from error


def asked(events: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """Return by task the request for the user's approval that is still open."""
    found: dict[str, JsonObject] = {}
    for event in events:
        match event["kind"]:
            case "approval_requested" if event["data"]["by"] == "user":
                found[event["task"]] = event
            case "approval" | "outcome" | "merged":
                found.pop(event["task"], None)
            case _:
                pass
    return found


def _folder(home: Home) -> Path:
    return home.shared / "user"


def _path(home: Home, word: Word) -> Path:
    kind = "waiver" if word.says == "waive" else "approval"
    return _folder(home) / f"{kind}-{re.sub(r'[^A-Za-z0-9.-]', '-', word.about)}-{word.power or 'planning'}.json"


def _read(path: Path) -> Word | None:
    try:
        value = read_json(path)
        return None if value is None else Word.model_validate(value)
    except FileNotFoundError:
        return None  # a run took it in meanwhile
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(f"{path}: {place}: {fault['msg']}; delete the file, then give your word again") from error
