"""The brief: all that an agent is told for one session, put together from Markdown and what is known.

What others wrote is bounded, and stands on one line or between marks that it cannot close: it never reads as ours.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.context import decisions, knowledge
from orchestrator import kept
from orchestrator.deadlock import Deadlock
from orchestrator.home import Home
from orchestrator.models import Agent, Answer, BuildTask, Check, Message, Plan, Resolution, Ruling, SessionRef, Verdict
from orchestrator.plan import gate, prerequisites, specification

PROMPTS = Path(__file__).parent / "prompts"
DIFF_LIMIT = 120_000
OUTPUT_LIMIT = 12_000
TEXT_LIMIT = 4_000
"""Characters of the longest text of another agent that a brief holds whole."""
LINE_LIMIT = 2_000
LISTED = 100
"""So many of a list's items are shown."""
KNOWLEDGE_AT_MOST = 5


def version() -> str:
    """Return the digest of every prompt, which is part of the task key."""
    texts = (file.name + "\0" + file.read_text(encoding="utf-8") for file in sorted(PROMPTS.glob("*.md")))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def system(agent: Agent, session: SessionRef, plan: Plan, task: BuildTask) -> str:
    """Return the system prompt: who the agent is and how a session runs."""
    return _render(
        "system",
        agent=agent,
        role=session.role,
        team_size=len(plan.agents),
        plan_name=plan.name,
        protected=plan.policy.protected,
        writes=task.writes,
    )


def work(
    home: Home,
    plan: Plan,
    task: BuildTask,
    *,
    upstream: Sequence[Answer],
    previous: Sequence[str],
    inbox: Sequence[Message],
    now: str,
    missing: Sequence[str] = (),
) -> str:
    """Return the first message of a work session; `now` is the part that says what began this round.

    `missing` says of each task that was to come first and is not there what became of it.
    """
    before = {task.id, *prerequisites(plan, [task.id])}
    agents = [entry.id for entry in plan.agents]
    return _render(
        "work",
        task=task,
        specification=_specification(plan, task),
        upstream=[_upstream(plan, answer) for answer in upstream],
        gate=gate(plan, task),
        decisions=[item for item in decisions.read(home) if item.task_id in before][-LISTED:],
        knowledge=knowledge.search(home, agents, task.title, limit=KNOWLEDGE_AT_MOST),
        messages=[message.model_dump(mode="json") for message in inbox],
        missing=missing,
        previous=previous,
        round=now,
    )


def start() -> str:
    """Return what a first round begins with."""
    return _render("round_start")


def red_gate(home: Home, checks: Sequence[Check]) -> str:
    """Return what a round after a red gate begins with: each red check with the end of its output."""
    return _render("round_gate", checks=_red(home, checks))


def requested_changes(ruling: Ruling, verdicts: Sequence[Verdict]) -> str:
    """Return what a round after a review begins with: every objection with its findings."""
    return _render("round_review", ruling=ruling, verdicts=[v for v in verdicts if v.decision != "approve"])


def again(home: Home, why: str, inherited: Sequence[str], checks: Sequence[Check], verdicts: Sequence[Verdict]) -> str:
    """Return what a further attempt begins with: the files it inherits, and what became of the attempt before."""
    objections = [verdict for verdict in verdicts if verdict.decision != "approve"]
    return _render("round_again", inherited=inherited, why=why, checks=_red(home, checks), verdicts=objections)


def another_round(resolution: Resolution) -> str:
    """Return what a round begins with that was granted to resolve a deadlock."""
    told = resolution.model_dump(include={"reason", "changes"})
    return _render("round_deadlock", by=resolution.session.agent, **told)


def conflict(files: Sequence[str]) -> str:
    """Return what a round after a merge conflict begins with."""
    return _render("round_conflict", files=files)


def review(task: BuildTask, answer: Answer, checks: Sequence[Check], earlier: Sequence[Verdict], diff: str) -> str:
    """Return the first message of a review session."""
    return _render(
        "review",
        task=task,
        author=answer.session.agent,
        round=answer.session.round,
        summary=answer.summary,
        checks=checks,
        earlier=earlier,
        diff=diff,
    )


def approval(
    plan: Plan, task: BuildTask, answer: Answer, checks: Sequence[Check], verdicts: Sequence[Verdict], diff: str
) -> str:
    """Return the first message of a session that approves a design which its reviewers approve."""
    return _render(
        "approval",
        task=task,
        author=answer.session.agent,
        round=answer.session.round,
        waiting=[item for item in plan.tasks if task.id in item.deps],
        verdicts=verdicts,
        checks=checks,
        summary=answer.summary,
        diff=diff,
    )


def resolve(
    task: BuildTask,
    deadlock: Deadlock,
    sides: Sequence[Mapping[str, Any]],
    requests: Sequence[Message],
    allowed: Sequence[str],
) -> str:
    """Return the first message of a session that resolves a deadlock: both sides, and which decisions are open."""
    asked = [request.model_dump(mode="json") for request in requests]
    return _render("resolve", task=task, deadlock=deadlock, sides=sides, requests=asked, allowed=allowed)


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - the output is Markdown for a model, not HTML
        loader=FileSystemLoader(PROMPTS), undefined=StrictUndefined, keep_trailing_newline=False
    )
    filters: dict[str, Any] = environment.filters
    filters |= {"line": _line, "listed": _listed, "marked": _marked, "clipped": _clipped}
    return environment


def _line(text: str) -> str:
    """Return the text on one line, so that no line of it can pass for a heading or a point of ours."""
    return _clipped(" ".join(text.split()), LINE_LIMIT)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(_line, names[:LISTED])) + more


def _marked(text: str, name: str) -> str:
    """Return the text between two marks made from its own digest, which it can therefore not hold."""
    mark = f"{name}-{hashlib.sha256(text.encode(errors='backslashreplace')).hexdigest()[:16]}"
    return f"<{mark}>\n{text}\n</{mark}>"


def _clipped(text: str, limit: int = TEXT_LIMIT) -> str:
    return text if len(text) <= limit else f"{text[:limit]} […]"


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(f"{name}.md").render(values, LISTED=LISTED)


def _upstream(plan: Plan, answer: Answer) -> Mapping[str, Any]:
    title = next(task.title for task in plan.tasks if task.id == answer.session.task)
    about = {"task": answer.session.task, "agent": answer.session.agent, "title": title}
    return {**about, "summary": answer.summary, "files": answer.files}


def _specification(plan: Plan, task: BuildTask) -> str | None:
    if plan.specification is None:
        return None
    text = (plan.source.parent / plan.specification).read_text(encoding="utf-8")
    return specification(text, task.component).strip()


def _red(home: Home, checks: Sequence[Check]) -> list[Mapping[str, Any]]:
    return [{**check.model_dump(), "output": _output(home, check)} for check in checks if not check.passed]


def _output(home: Home, check: Check) -> str:
    text = kept.load(home, check.output) if check.output else ""
    return text if len(text) <= OUTPUT_LIMIT else "[…]\n" + text[-OUTPUT_LIMIT:]
