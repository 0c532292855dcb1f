"""What follows from a failure: one table by its class, who tries next, and when the whole run pauses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.errors import GitError, ModelError, SandboxError, TransientError, UnfitError, UnsupportedError
from orchestrator.models import Agent, BuildTask, Frozen, Plan
from orchestrator.models.work import EndedBy, Failure

Within = Literal["retry", "revise", "re-do on the new base", "nothing"]
"""What is done about it within an attempt, as long as that is bounded and the bound is not reached."""
Then = Literal["fresh attempt", "backup", "end", "pause"]
"""What follows once the attempt has ended; a fresh attempt by the same agent is had once."""


@dataclass(frozen=True)
class Row:
    """One row of the table: a class of failure, what it is, what is done about it, and what lifts it in the end."""

    failure: Failure
    within: Within
    then: Then
    text: str
    lifts: str


TABLE = (
    Row(
        "transient",
        "retry",
        "end",
        "a step that may succeed on another try did not, however often it was tried",
        "another try",
    ),
    Row("gate", "revise", "backup", "the gate stayed red", "an answer whose checks are green"),
    Row("review", "revise", "backup", "the reviewers' objections stand", "an answer that its reviewers approve"),
    Row(
        "conflict",
        "re-do on the new base",
        "backup",
        "the change conflicts with what others landed",
        "an answer on the newest state of the branch",
    ),
    Row(
        "stuck",
        "nothing",
        "fresh attempt",
        "a loop, silence, a limit, or a round without progress",
        "a clearer task, or another agent",
    ),
    Row("agent", "nothing", "backup", "the agent gave no usable answer or verdict", "another agent, or a smaller task"),
    Row("environment", "nothing", "pause", "the sandbox, git or the toolchain is broken", "what this machine lacks"),
)
"""Every class of failure; what an end does not spend, the next run of the same command has again."""

_ROWS: Mapping[Failure, Row] = {row.failure: row for row in TABLE}
_STUCK: frozenset[EndedBy] = frozenset({"loop", "silence", "turns", "seconds"})


class Spent(Frozen):
    """An attempt that has ended without a merge, as the project journal holds it."""

    attempt: int
    agent: str
    failure: Failure
    reason: str
    rounds: int
    base: str
    left: str
    """The commit that holds what it left, built on `base`."""
    is_final: bool = False
    """Whether it was decided that nobody tries again."""


def of_error(error: BaseException | None) -> Failure | None:
    """Return the class of what an error means for a task, or None where no rule foresees it."""
    match error:
        case UnfitError() | ModelError():
            return "agent"
        case SandboxError() | GitError() | UnsupportedError():
            return "environment"
        case TransientError():
            return "transient"
        case _:
            return None


def of_end(ended_by: EndedBy) -> Failure:
    """Return the class of a work session that ended by anything but its closing tool."""
    return "stuck" if ended_by in _STUCK else "agent"


def pauses(error: BaseException | None) -> bool:
    """Tell whether an error means that nothing can go on here: the run pauses, and no attempt is spent."""
    failure = of_error(error)
    return failure is not None and _ROWS[failure].then == "pause"


def candidates(plan: Plan, agents: Mapping[str, Agent], build_task: BuildTask, first: str) -> list[str]:
    """Return who may work on a task, in order: its agent, then the first backup of its team that does not review it."""
    teams = {entry.id: entry.category for entry in plan.agents}
    unfit = {first, *build_task.reviewers}
    fit = (name for name in agents[first].backups if name in agents and teams.get(name) == teams.get(first))
    return [first, *[name for name in fit if name not in unfit][:1]]


def successor(line: Sequence[str], spent: Sequence[Spent]) -> str | None:
    """Return who of `line` makes the next attempt after those that are spent, or None where nobody does."""
    if not spent:
        return line[0]
    last = spent[-1]
    then = _ROWS[last.failure].then
    if last.is_final or then == "end":
        return None
    tried = [attempt.agent for attempt in spent]
    if then == "fresh attempt" and tried.count(last.agent) == 1:
        return last.agent
    return next((name for name in line if name not in tried), None)


def breaker(failed: Mapping[str, Failure | None], limit: int) -> tuple[Failure, list[str]] | None:
    """Return the class of failure that ended `limit` tasks or more, and these tasks; None where none did."""
    for failure in _ROWS:
        tasks = [task for task, its in failed.items() if its == failure]
        if len(tasks) >= limit:
            return failure, tasks
    return None


def text(failure: Failure) -> str:
    """Return in words what a class of failure is."""
    return _ROWS[failure].text


def lifted_by(failure: Failure | None) -> str:
    """Return what lifts a failure, in words that follow `lifted by`; where its class is not told, another try."""
    return _ROWS[failure or "transient"].lifts
