"""Messages between agents: one JSON file for each receiver, in the order sent, and a ledger of those already shown."""

import json
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import get_args
from uuid import UUID

from pydantic import ValidationError

from agents.context import ledger
from orchestrator.errors import InputError
from orchestrator.home import Home, write_json
from orchestrator.journal import read
from orchestrator.models import Message
from orchestrator.models.plan import Priority

AT_MOST = 20
EVERYONE = "ALL"

_URGENCY = get_args(Priority)[::-1]


def parse(data: object) -> Message:
    """Return the message that decoded JSON holds.

    Raises:
        InputError: it is no message; one line names each field at fault and its fault.
    """
    try:
        return Message.model_validate(data)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}" for fault in error.errors())
        raise InputError(f"not a message: {'; '.join(faults)}") from error


def deliver(home: Home, message: Message, roster: Iterable[str]) -> tuple[str, ...]:
    """Put the message into the folder of each receiver, and return them; delivered again, nothing changes.

    `ALL` is everyone in the roster but the sender.

    Raises:
        InputError: the receiver is not in the roster.
    """
    receivers = tuple(roster)
    if message.to_agent == EVERYONE:
        receivers = tuple(agent for agent in receivers if agent != message.from_agent)
    elif message.to_agent in receivers:
        receivers = (message.to_agent,)
    else:
        raise InputError(f"message {message.message_id}: to_agent: there is no agent `{message.to_agent}`")
    for receiver in receivers:
        folder = _folder(home, receiver)
        if not any(folder.glob(f"*-{message.message_id}.json")):
            write_json(folder / _file_name(message), message.model_dump(mode="json"))
    return receivers


def inbox(
    home: Home, agent: str, *, unread_only: bool = True, limit: int = AT_MOST, session: str | None = None
) -> list[Message]:
    """Return the most urgent messages to an agent, `limit` at most, in the order sent.

    Read are those shown to another session than `session`; so a session that is begun again after a kill gets what it
    had. A file that holds no message is left out: see `malformed`.
    """
    shown = _shown(home, agent) if unread_only else {}
    read_elsewhere = {message for message, reader in shown.items() if reader != session}
    files = (file for file in _files(home, agent) if file.stem[-36:] not in read_elsewhere)
    known = {item.message_id: item for file in files if isinstance(item := _load(file), Message)}
    waiting = [message for message in known.values() if str(message.message_id) not in read_elsewhere]
    urgent = sorted(waiting, key=lambda message: (_URGENCY.index(message.priority), message.timestamp))[:limit]
    return sorted(urgent, key=lambda message: (message.timestamp, message.message_id))


def malformed(home: Home, agent: str) -> list[str]:
    """Return a line for each file among an agent's messages that holds none: which, and what is wrong."""
    return [str(item) for file in _files(home, agent) if isinstance(item := _load(file), InputError)]


def delivered(home: Home, agent: str) -> frozenset[str]:
    """Return the ids of the messages in an agent's folder, shown or not."""
    return frozenset(file.stem[-36:] for file in _files(home, agent))


def mark_shown(home: Home, agent: str, message_ids: Iterable[UUID | str], session: str) -> None:
    """Note that messages were shown to a session of the agent; the first such note about a message stands."""
    ledger.add(_ledger(home, agent), ({"id": str(message), "session": session} for message in message_ids))


def _load(file: Path) -> Message | InputError:
    try:
        return parse(json.loads(file.read_bytes()))
    except InputError as error:
        return InputError(f"{file}: {error}; mend or delete it")
    except (ValueError, RecursionError) as error:
        return InputError(f"{file}: not JSON ({error}); mend or delete it")


def _shown(home: Home, agent: str) -> dict[str, str]:
    return {record["id"]: record["session"] for record in read(_ledger(home, agent))}


def _files(home: Home, agent: str) -> list[Path]:
    return sorted(file for file in _folder(home, agent).glob("*.json") if not file.name.startswith("."))


def _file_name(message: Message) -> str:
    return f"{message.timestamp.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{message.message_id}.json"


def _folder(home: Home, agent: str) -> Path:
    return home.agent(agent) / "messages"


def _ledger(home: Home, agent: str) -> Path:
    return _folder(home, agent) / ".shown.jsonl"
