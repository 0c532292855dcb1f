"""The model that needs no key: assistant turns written down beforehand, one YAML document a turn.

A task's folder holds one file per round, named after what began it:

    work.yaml                       the first answer
    work.gate.yaml                  the answer to a red gate, then work.gate.2.yaml …
    work.review.yaml                the answer to requested changes, a veto or a block
    work.conflict.yaml              the answer to a merge conflict
    work.deadlock.yaml              the answer in a round that was granted to resolve a deadlock
    attempt-2.work.yaml …           any of these in the second attempt, where it differs from the first
    review.<agent>.yaml             a reviewer's first review, then review.<agent>.2.yaml …
    resolve.<agent>.yaml            how the agent resolves a deadlock

A folder `component-<number>` holds such reviews of a component, a round for each review of it.

The turns run through the same loop, tools, sandbox, gates, reviews and merges as any model's. A reviewer's last file
serves its later rounds too; work has no such mercy, since repeating an answer that failed would hide the failure.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from agents.models import Request, Turn
from orchestrator.errors import ModelError, PlaybookExhausted
from orchestrator.models import BuildTask, JsonObject, SessionRef, Usage

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Playbook:
    """Play the turns under one folder, a subfolder per task id."""

    name = "playbook"

    def __init__(self, folder: Path) -> None:
        """Stand for the playbook in `folder`."""
        self.folder = folder

    def covers(self, task_id: str) -> bool:
        """Tell whether there are turns for a task."""
        return (self.folder / task_id / "work.yaml").is_file()

    def reviews(self, task_id: str, agent: str) -> bool:
        """Tell whether there are turns with which an agent reviews a task or component."""
        return (self.folder / task_id / f"review.{agent}.yaml").is_file()

    def parameters(self, task: BuildTask) -> JsonObject:
        """Return the digest of every turn written for the task."""
        files = sorted((self.folder / task.id).glob("*.yaml"))
        digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        return {"model": self.name, "turns": digests}

    async def turn(self, request: Request) -> Turn:
        """Return the turn that follows those already in the request's messages.

        Raises:
            PlaybookExhausted: no file for this round, or no turn left in it.
            ModelError: the file cannot be read as turns.
        """
        file = self._file(request.session)
        turns = _read(file)
        played = sum(message["role"] == "assistant" for message in request.messages)
        if played >= len(turns):
            place = f"{file.parent.name}/{file.name}"
            raise PlaybookExhausted(f"the playbook's {place} ends after turn {played} without closing the session")
        content = tuple(_with_id(block, request.session, played, n) for n, block in enumerate(turns[played]))
        calls_tool = any(block["type"] == "tool_use" for block in content)
        return Turn(content=content, stop_reason="tool_use" if calls_tool else "end_turn", usage=Usage(dollars=0.0))

    def _file(self, session: SessionRef) -> Path:
        folder = self.folder / session.task
        if session.role == "work":
            stem = "work" if session.cause == "start" else f"work.{session.cause}"
            name = _numbered(stem, session.occurrence)
            names = [f"attempt-{session.attempt}.{name}", name]
        else:
            names = [_numbered(f"{session.role}.{session.agent}", n) for n in range(session.round, 0, -1)]
            if session.sitting > 1:
                names = [*(f"sitting-{session.sitting}.{name}" for name in names), *names]
        for name in names:
            if (folder / name).is_file():
                return folder / name
        missing = f"{session.task}/{names[-1]}"
        raise PlaybookExhausted(f"the playbook has no {missing}, from which {session.agent} would answer")


def _numbered(stem: str, number: int) -> str:
    return f"{stem}.yaml" if number == 1 else f"{stem}.{number}.yaml"


def _read(file: Path) -> list[list[dict[str, Any]]]:
    """Return the content blocks of each turn in the file."""
    try:
        documents = list(yaml.load_all(file.read_text(encoding="utf-8"), _Loader))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"{file}: no turns can be read ({' '.join(str(error).split())}); mend the file") from error
    for number, document in enumerate(documents, start=1):
        fault = _fault(document)
        if fault:
            raise ModelError(f"{file}: turn {number} {fault}; mend the file")
    return [document["content"] for document in documents]


def _fault(document: Any) -> str | None:
    """Say what is wrong with one turn, or None."""
    if not isinstance(document, dict) or document.get("role") != "assistant":
        return "is no mapping with `role: assistant`"
    blocks = document.get("content")
    if not isinstance(blocks, list) or not blocks or not all(_is_block(block) for block in blocks):
        return "has no `content` made of text blocks with `text` and tool_use blocks with `name` and `input`"
    try:
        json.dumps(blocks)
    except (TypeError, ValueError) as error:
        return f"holds a value that JSON has not ({error}; quote it)"
    return None


def _is_block(block: Any) -> bool:
    match block:
        case {"type": "text", "text": str(text)}:
            return bool(text)
        case {"type": "tool_use", "name": str()}:
            return isinstance(block.get("input") or {}, dict)
        case _:
            return False


def _with_id(block: dict[str, Any], session: SessionRef, turn: int, number: int) -> dict[str, Any]:
    if block["type"] != "tool_use":
        return block
    seed = f"{session.id}/{turn}/{number}".encode()
    return {**block, "id": "toolu_" + hashlib.sha256(seed).hexdigest()[:24], "input": block.get("input") or {}}
