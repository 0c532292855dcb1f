"""Messages between agents: one JSON file for each receiver, in the order sent, and ledgers of what became of them.

Of each message that an agent was sent, `.shown.jsonl` says which session of its saw it first, and `.answered.jsonl`
with which response it was answered, be it the agent's own or one in its place.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

from pydantic import ValidationError

from agents.context import ledger
from orchestrator.errors import InputError
from orchestrator.home import Home, write_json
from orchestrator.journal import read
from orchestrator.models import JsonObject, Message
from orchestrator.models.plan import Priority
from orchestrator.models.value import now

AT_MOST = 20
EVERYONE = "ALL"

_SHOWN = ".shown.jsonl"
_ANSWERED = ".answered.jsonl"
_URGENCY = get_args(Priority)[::-1]


def parse(data: object) -> Message:
    """Return the message that decoded JSON holds.

    Raises:
        InputError: it is no message; one line names each field at fault and its fault.
    """
    try:
        message = Message.model_validate(data)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'all of it'}: {fault['msg']}" for fault in error.errors())
        raise InputError(f"not a message: {'; '.join(faults)}") from error
    if message.message_type == "response" and message.correlation_id is None:
        raise InputError("not a message: correlation_id: a response names the request that it answers")
    return message


def deliver(home: Home, message: Message, roster: Iterable[str]) -> tuple[str, ...]:
    """Put the message into the folder of each receiver, and return them; delivered again, nothing changes.

    `ALL` is everyone in the roster but the sender. A response marks the request that it answers.

    Raises:
        InputError: the receiver is not in the roster, or is the sender itself.
    """
    receivers = tuple(roster)
    if message.to_agent == EVERYONE:
        receivers = tuple(agent for agent in receivers if agent != message.from_agent)
    elif message.to_agent == message.from_agent:
        raise InputError(f"message {message.message_id}: to_agent: {message.to_agent} cannot write to itself")
    elif message.to_agent in receivers:
        receivers = (message.to_agent,)
    else:
        raise InputError(f"message {message.message_id}: to_agent: there is no agent `{message.to_agent}`")
    for receiver in receivers:
        folder = _folder(home, receiver)
        if not any(folder.glob(f"*-{message.message_id}.json")):
            write_json(folder / _file_name(message), message.model_dump(mode="json"))
    if message.message_type == "response" and message.correlation_id:
        _mark_answered(home, message)
    return receivers


def inbox(
    home: Home, agent: str, *, unread_only: bool = True, limit: int = AT_MOST, session: str | None = None
) -> list[Message]:
    """Return the most urgent messages to an agent, `limit` at most, in the order sent.

    Read are those shown to another session than `session`; so a session that is begun again after a kill gets what it
    had. A file that holds no message is left out: see `malformed`.
    """
    seen = shown(home, agent) if unread_only else {}
    read_elsewhere = {message for message, note in seen.items() if note["session"] != session}
    files = (file for file in _files(home, agent) if file.stem[-36:] not in read_elsewhere)
    known = {item.message_id: item for file in files if isinstance(item := _load(file), Message)}
    waiting = [message for message in known.values() if str(message.message_id) not in read_elsewhere]
    urgent = sorted(waiting, key=lambda message: (_URGENCY.index(message.priority), message.timestamp))[:limit]
    return sorted(urgent, key=_order)


def malformed(home: Home, agent: str) -> list[str]:
    """Return a line for each file among an agent's messages that holds none: which, and what is wrong."""
    return [str(item) for file in _files(home, agent) if isinstance(item := _load(file), InputError)]


def delivered(home: Home, agent: str) -> frozenset[str]:
    """Return the ids of the messages in an agent's folder, shown or not."""
    return frozenset(file.stem[-36:] for file in _files(home, agent))


def mark_shown(home: Home, agent: str, message_ids: Iterable[UUID | str], session: str) -> None:
    """Note that messages were shown to a session of the agent; the first such note about a message stands."""
    time = now().isoformat()
    notes: Iterable[JsonObject] = ({"id": str(each), "session": session, "time": time} for each in message_ids)
    ledger.add(_folder(home, agent) / _SHOWN, notes)


def received(home: Home, agent: str) -> list[Message]:
    """Return every message to an agent, in the order sent; files that hold none are left out."""
    known = {item.message_id: item for file in _files(home, agent) if isinstance(item := _load(file), Message)}
    return sorted(known.values(), key=_order)


def shown(home: Home, agent: str) -> dict[str, JsonObject]:
    """Return the notes about an agent's messages by message id: `session` and `time` at which it was first shown."""
    return {note["id"]: note for note in read(_folder(home, agent) / _SHOWN)}


def answered(home: Home, agent: str) -> dict[str, list[JsonObject]]:
    """Return which requests to an agent are answered, by id: the `id` and `time` of each response, in order."""
    found: dict[str, list[JsonObject]] = {}
    for note in read(_folder(home, agent) / _ANSWERED):
        found.setdefault(note["request"], []).append(note)
    return found


def open_requests(home: Home, agents: Iterable[str]) -> list[Message]:
    """Return the requests to any of the agents that wait for an answer, in the order sent.

    One to `ALL` waits only until somebody has answered it: everyone is asked, and not everyone knows.
    """
    asked = tuple(agents)
    requests = {m.message_id: m for agent in asked for m in received(home, agent) if m.message_type == "request"}
    to_all = any(request.to_agent == EVERYONE for request in requests.values())
    everyone = [folder.parent.name for folder in home.agents.glob("*/messages")] if to_all else asked
    closed = {identity for agent in everyone for identity in answered(home, agent)}
    return sorted((m for m in requests.values() if str(m.message_id) not in closed), key=_order)


def asked(home: Home, response: Message) -> Message | None:
    """Return the request that a response answers; None where there is none."""
    files = _answered_files(home, response)
    return next((item for file in files if isinstance(item := _load(file), Message)), None)


def find(home: Home, agent: str, message_id: UUID) -> Message | None:
    """Return the message of that id to or from an agent, or None where it has neither got nor sent it."""
    files = home.agents.glob(f"*/messages/*-{message_id}.json")
    others = next((item for file in files if isinstance(item := _load(file), Message)), None)
    known = others or next((item for item in received(home, agent) if item.message_id == message_id), None)
    return known if known and {known.from_agent, known.to_agent} & {agent, EVERYONE} else None


def _mark_answered(home: Home, response: Message) -> None:
    """Note the response beside the request, which lies elsewhere where another decided in the place of its receiver."""
    note = {
        "id": str(response.message_id),
        "request": str(response.correlation_id),
        "time": response.timestamp.isoformat(),
    }
    beside = [file.parent for file in _answered_files(home, response)] or [_folder(home, response.from_agent)]
    for folder in beside:
        ledger.add(folder / _ANSWERED, [note])


def _answered_files(home: Home, response: Message) -> list[Path]:
    """Return the files of the request that a response answers: of who answered, or else of whoever was asked."""
    name = f"*-{response.correlation_id}.json"
    return list(_folder(home, response.from_agent).glob(name)) or list(home.agents.glob(f"*/messages/{name}"))


def _order(message: Message) -> tuple[datetime, UUID]:
    return message.timestamp, message.message_id


def _load(file: Path) -> Message | InputError:
    try:
        return parse(json.loads(file.read_bytes()))
    except InputError as error:
        return InputError(f"{file}: {error}; mend or delete it")
    except (ValueError, RecursionError) as error:
        return InputError(f"{file}: not JSON ({error}); mend or delete it")
    except OSError as error:
        return InputError(f"{file}: not a file to read ({error.strerror}); mend or delete it")


def _files(home: Home, agent: str) -> list[Path]:
    return sorted(file for file in _folder(home, agent).glob("*.json") if not file.name.startswith("."))


def _file_name(message: Message) -> str:
    return f"{message.timestamp.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{message.message_id}.json"


def _folder(home: Home, agent: str) -> Path:
    return home.agent(agent) / "messages"
