"""A bench in a real worktree and a real sandbox, and a model that says what it is told to."""

import sys
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agents.bench import Bench
from agents.models import Request, Turn
from orchestrator import sandbox, toolchain
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import Agent, BuildTask, JsonObject, Policy, SessionRef, Usage
from orchestrator.sandbox import Sandbox
from orchestrator.toolchain import Toolchain
from orchestrator.workspace import Repository

WORKER = "mcp-functional-server"
SECURITY = "mcp-security-validation"
TESTING = "mcp-testing-quality"
KEY = "ab" * 32
SLOT = 3

POLICY = Policy(
    planning_approver="mcp-project-coordinator",
    design_final_say="mcp-architecture-agent",
    implementation_veto=SECURITY,
    release_block=TESTING,
    deadlock="mcp-project-coordinator",
    integration="mcp-integration-specialist",
)
AGENTS = {name: Agent(name=name, description="One.", persona="You work.") for name in (WORKER, SECURITY, TESTING)}


def session(**changes: Any) -> SessionRef:
    """Return the first work session of task 1.1, with changes."""
    return SessionRef.model_validate({"task": "1.1", "key": KEY, "role": "work", "agent": WORKER} | changes)


@cache
def own_sandbox() -> Sandbox:
    """Return this machine's sandbox, looked for once."""
    return sandbox.detect()


def own_toolchain() -> Toolchain:
    """Return the interpreter and packages that the tests themselves run with."""
    return Toolchain(Path(sys.executable), (Path(sys.prefix), *toolchain.interpreter()), "own")


@contextmanager
def bench(home: Home, who: SessionRef | None = None) -> Generator[Bench]:
    """Give a bench in an empty worktree of a new repository, and close its journal at the end."""
    where, place = Repository(home), own_sandbox()
    worktree = where.open_slot(SLOT, where.create(), place.owner(SLOT))
    events = Events(home, "test")
    yield Bench(
        session=who or session(),
        home=home,
        worktree=worktree,
        repository=home.repository,
        slot=SLOT,
        sandbox=place,
        toolchain=own_toolchain(),
        environment={},
        agents=AGENTS,
        policy=POLICY,
        record=events.record,
    )
    events.close()


def call(tool: str, **given: Any) -> dict[str, Any]:
    """Return the call of a tool, without an id."""
    return {"type": "tool_use", "name": tool, "input": given}


def bash(command: str) -> dict[str, Any]:
    """Return the call of a shell command."""
    return call("bash", command=command)


def edit(command: str, path: str, **more: Any) -> dict[str, Any]:
    """Return a call of the editor."""
    return call("str_replace_based_edit_tool", command=command, path=path, **more)


@dataclass
class Scripted:
    """A model that gives the turns it was made with, one after the other, and remembers what it was asked."""

    turns: list[Turn]
    name: str = "scripted"
    requests: list[Request] = field(default_factory=list[Request])

    def parameters(self, task: BuildTask) -> JsonObject:
        """Return nothing that could change a result of `task`."""
        return {"model": self.name, "task": task.id}

    async def turn(self, request: Request) -> Turn:
        """Return the turn that follows those the conversation holds."""
        self.requests.append(request)
        said = sum(message["role"] == "assistant" for message in request.messages)
        return self.turns[said]


def turn(*blocks: Mapping[str, Any], dollars: float | None = 0.0) -> Turn:
    """Return an assistant turn of these blocks, its calls named by their place in it."""
    content = tuple(
        {**block, "id": f"toolu_{place}"} if block["type"] == "tool_use" else dict(block)
        for place, block in enumerate(blocks)
    )
    return Turn(content=content, stop_reason="end_turn", usage=Usage(output_tokens=1, dollars=dollars))


def told(requests: Iterable[Request]) -> list[JsonObject]:
    """Return the results that the last of the requests gave to the model's last turn."""
    return list(requests)[-1].messages[-1]["content"]
