"""What each agent does now and how its tasks ended: `state.json`, for people and other programs to read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from agents.context.alone import alone
from orchestrator.errors import InputError
from orchestrator.home import Home, read_json, write_json
from orchestrator.models import Frozen, Outcome, now

Status = Literal["idle", "working", "reviewing"]


class AgentState(Frozen):
    """One agent's `state.json`; `since` is when its status, task and session became what they are."""

    agent: str
    status: Status = "idle"
    task: str | None = None
    session: str | None = None
    since: AwareDatetime = Field(default_factory=now)
    merged: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    last_error: str | None = None
    updated: AwareDatetime = Field(default_factory=now)


def write(home: Home, agent: str, *, status: Status, task: str | None = None, session: str | None = None) -> None:
    """Say what an agent does now; how its earlier tasks ended stays as it is."""
    with alone(home.agent(agent)):
        before = _read(home, agent)
        doing = {"status": status, "task": task, "session": session}
        same = before.model_dump(include=set(doing)) == doing
        _save(home, before.model_copy(update=doing if same else {**doing, "since": now()}))


def close(home: Home, outcome: Outcome) -> None:
    """Note in an agent's state how a task of its ended; noted again, nothing changes."""
    with alone(home.agent(outcome.agent)):
        _save(home, _after(_read(home, outcome.agent), outcome))


def rebuild(home: Home, agents: Iterable[str], outcomes: Iterable[Outcome]) -> None:
    """Write every agent's state anew from the outcomes in their order: idle, for none of them works at a start."""
    states = {agent: AgentState(agent=agent) for agent in agents}
    for outcome in outcomes:
        states[outcome.agent] = _after(states.get(outcome.agent, AgentState(agent=outcome.agent)), outcome)
    for agent, state in states.items():
        with alone(home.agent(agent)):
            _save(home, state)


def _after(state: AgentState, outcome: Outcome) -> AgentState:
    """Return the state once the outcome is noted; a task that is merged in the end has not failed."""
    merged, failed = (tuple(task for task in tasks if task != outcome.task) for tasks in (state.merged, state.failed))
    if outcome.status == "merged":
        return state.model_copy(update={"merged": (*merged, outcome.task), "failed": failed})
    if outcome.status == "skipped":
        return state
    return state.model_copy(
        update={"merged": merged, "failed": (*failed, outcome.task), "last_error": f"{outcome.task}: {outcome.reason}"}
    )


def _read(home: Home, agent: str) -> AgentState:
    try:
        return AgentState.model_validate(read_json(_path(home, agent)) or {"agent": agent})
    except (InputError, ValidationError):
        return AgentState(agent=agent)  # a projection: what was changed by hand is written anew


def _save(home: Home, state: AgentState) -> None:
    write_json(_path(home, state.agent), state.model_copy(update={"updated": now()}).model_dump(mode="json"))


def _path(home: Home, agent: str) -> Path:
    return home.agent(agent) / "state.json"
