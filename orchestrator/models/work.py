"""What a task's journey is made of: who works, what came back, what we checked, who judged, how it ended."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from orchestrator.models.value import Digest, Frozen

Authority = Literal["design", "veto", "block", "deadlock"]
DeadlockCause = Literal["rounds", "verdicts", "requests"]
"""Review rounds used up, tasks whose verdicts wait for each other, or agents whose requests do."""
Cause = Literal["start", "gate", "review", "conflict", "deadlock"] | DeadlockCause
"""Why a round of work begins: the first one, a red gate, requested changes, a merge conflict, or a deadlock resolved.

A session that resolves a deadlock bears the deadlock's cause.
"""
Failure = Literal["transient", "gate", "stuck", "agent", "review", "conflict", "environment"]
"""The class of a failure; what follows from each stands in `orchestrator.recovery`."""
ResolutionDecision = Literal["accept", "another-round", "reassign", "give-up"]
Role = Literal["work", "review", "resolve"]
Severity = Literal["low", "medium", "high", "critical"]
VerdictDecision = Literal["approve", "request_changes", "veto", "block"]
RulingDecision = Literal["approve", "revise", "veto", "block", "escalate"]
Status = Literal["merged", "failed", "blocked", "skipped"]
EndedBy = Literal["finish", "verdict", "turns", "seconds", "dollars", "loop", "silence", "playbook"]
"""How a session ended: the agent's own closing tool, a limit, a loop, words without a tool call, no turns left."""


class Limits(Frozen):
    """The bounds of one session of an agent."""

    turns: int = Field(default=60, ge=1)
    seconds: int = Field(default=3600, ge=1)
    dollars: float = Field(default=10.0, gt=0)


class Agent(Frozen):
    """A role: a Claude Code subagent file with our own front matter and a persona."""

    name: str
    description: str
    persona: str = Field(min_length=1)
    tools: tuple[str, ...] = ()
    model: str | None = None
    category: str = "project"
    authority: tuple[Authority, ...] = ()
    backups: tuple[str, ...] = ()
    limits: Limits = Limits()
    source: Path = Field(default=Path(), exclude=True)


class Usage(Frozen):
    """What model calls cost; `dollars` is None where the price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    dollars: float | None = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum; an unknown price makes the sum's price unknown."""
        known = self.dollars is not None and other.dollars is not None
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            dollars=(self.dollars or 0.0) + (other.dollars or 0.0) if known else None,
        )


class SessionRef(Frozen):
    """Name one session: which agent works on or reviews which task, in which attempt and round, and why."""

    task: str
    key: Digest
    role: Role
    agent: str
    attempt: int = Field(default=1, ge=1)
    """Counts the attempts at a task key, by whichever agent, from 1."""
    round: int = Field(default=1, ge=1)
    """Counts the answers of this attempt, from 1."""
    cause: Cause = "start"
    occurrence: int = Field(default=1, ge=1)
    """Counts the rounds of this attempt with this cause, from 1."""
    sitting: int = Field(default=1, ge=1)
    """Counts the sessions that a reviewer needs for one verdict, from 1."""

    @property
    def name(self) -> str:
        """Return the session's name within its task key, such as `work-1.2` or `review-1.2-mcp-documentation`."""
        role = f"resolve-{self.cause}" if self.role == "resolve" else self.role
        stem = f"{role}-{self.attempt}.{self.round}"
        again = f"-{self.sitting}" if self.sitting > 1 else ""
        return stem if self.role == "work" else f"{stem}-{self.agent}{again}"

    @property
    def id(self) -> str:
        """Return a stable id across the project, the stem of every record id of the session."""
        return f"{self.key[:16]}/{self.name}"


class Answer(Frozen):
    """What an agent came back with: a commit and words about it. Never evidence."""

    session: SessionRef
    ended_by: EndedBy
    base: str
    """The integration branch's commit that the work began on."""
    commit: str
    tree: str
    summary: str
    files: tuple[str, ...] = ()
    lines_added: int = 0
    lines_removed: int = 0
    turns: int = 0
    usage: Usage = Usage()


class Check(Frozen):
    """One gate command run by us on one tree."""

    name: str
    command: str
    exit_code: int
    tree: str
    gate: Digest
    """Digest of the gate's definition."""
    seconds: float
    output: Digest | None = None
    """Reference to the kept output."""
    tests_expected: int = 0
    tests_ran: int = 0
    tests_passed: int = 0
    tests: Digest | None = None
    """Reference to the kept JSON list of the test ids that passed."""
    skipped: Digest | None = None
    """Reference to the kept JSON list of the test ids that were skipped or failed as expected."""
    problem: str | None = None
    """Why the check is red, in one line; None when it is green."""

    @property
    def passed(self) -> bool:
        """Tell whether the check is green."""
        return self.problem is None


class Finding(Frozen):
    """One remark of a reviewer about one place."""

    severity: Severity = "medium"
    path: str | None = None
    line: int | None = None
    text: str = Field(min_length=1)


class Verdict(Frozen):
    """One reviewer's judgement of one commit."""

    session: SessionRef
    commit: str
    decision: VerdictDecision
    summary: str
    findings: tuple[Finding, ...] = ()
    waits_for: str | None = None
    """The task that has to end before this one can be approved; only with a request for changes."""
    usage: Usage = Usage()

    @property
    def reviewer(self) -> str:
        """Return the id of the agent that judged."""
        return self.session.agent


class Ruling(Frozen):
    """What the decision table makes of all verdicts on one answer."""

    decision: RulingDecision
    rule: str
    """Name of the row of the table that decided."""
    by: tuple[str, ...] = ()
    """The agents whose verdicts decided."""
    reason: str


class Resolution(Frozen):
    """How a deadlock was resolved, by whom and why."""

    session: SessionRef
    decision: ResolutionDecision
    reason: str
    changes: str = ""
    """For another round: what must change in it."""


class Outcome(Frozen):
    """The end of a task."""

    task: str
    key: Digest
    status: Status
    reason: str
    agent: str
    commit: str | None = None
    """The merge commit on the integration branch, when merged."""
    attempts: int = 0
    rounds: int = 0
    failure: Failure | None = None
    """The class of what ended the last attempt, when failed."""


class Event(Frozen):
    """One line of the project journal."""

    id: str
    time: datetime
    kind: str
    run: str
    task: str | None = None
    key: Digest | None = None
    agent: str | None = None
    data: dict[str, Any] = {}
