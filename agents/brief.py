"""The brief: all that an agent is told for one session, put together from Markdown and what is known.

What others wrote is bounded, and stands on one line or between marks that it cannot close: it never reads as ours.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.context import decisions, knowledge, messages, shared_knowledge, shares
from orchestrator import kept
from orchestrator.components import Subject
from orchestrator.contracts import parties
from orchestrator.deadlock import Deadlock
from orchestrator.home import Home
from orchestrator.models import (
    Agent,
    Answer,
    BuildTask,
    Check,
    JsonObject,
    Knowledge,
    Message,
    Plan,
    Resolution,
    Ruling,
    SessionRef,
    Verdict,
)
from orchestrator.plan import gate, prerequisites, specification

PROMPTS = Path(__file__).parent / "prompts"
DIFF_LIMIT = 120_000
OUTPUT_LIMIT = 12_000
TEXT_LIMIT = 4_000
"""Characters of the longest text of another agent that a brief holds whole."""
LINE_LIMIT = 2_000
CONTRACT_LIMIT = 20_000
"""Characters of the longest contract that a brief holds whole."""
LISTED = 100
"""So many of a list's items are shown."""
NO_MAIL: JsonObject = {"messages": (), "waiting": ()}
KNOWLEDGE_AT_MOST = 8
KNOWLEDGE_LIMIT = 10_000
"""Characters of all that a brief holds of what others learned."""


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
        task=task,
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
    agent: str | None = None,
    waiting: Sequence[Message] = (),
    missing: Sequence[str] = (),
    contracts: Mapping[str, str | None] | None = None,
) -> str:
    """Return the first message of a work session of `agent`, the task's own unless another is named.

    `now` is the part that says what began this round, `inbox` what the agent has not been shown before, `waiting` the
    requests to it that it has yet to answer. `missing` says of each task that was to come first and is not there what
    became of it; `contracts` holds the text of each contract that the task names, as it stands where the work begins.
    """
    shared = shares.read(home, agent or task.agent)
    before = {task.id, *prerequisites(plan, [task.id])}
    agents = [entry.id for entry in plan.agents]
    found = _knowledge(home, task, before, agents, shared.knowledge)
    known = knowledge.fitting(found, KNOWLEDGE_LIMIT)
    return _render(
        "work",
        task=task,
        specification=_specification(plan, task),
        upstream=[_upstream(plan, answer) for answer in upstream],
        gate=gate(plan, task),
        contracts=[_contract(plan, task, name, text) for name, text in (contracts or {}).items()],
        decisions=decisions.binding(home, before, shared.decisions)[-LISTED:],
        knowledge=known,
        left_out=len(found) - len(known),
        missing=missing,
        **mail(home, inbox, waiting),
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


def review(
    task: BuildTask,
    answer: Answer,
    checks: Sequence[Check],
    earlier: Sequence[Verdict],
    diff: str,
    *,
    told: JsonObject = NO_MAIL,
) -> str:
    """Return the first message of a review session; `told` is what `mail` says of the reviewer's messages."""
    return _render(
        "review",
        task=task,
        author=answer.session.agent,
        round=answer.session.round,
        summary=answer.summary,
        checks=checks,
        earlier=earlier,
        diff=diff,
        **told,
    )


def approval(
    plan: Plan,
    task: BuildTask,
    answer: Answer,
    checks: Sequence[Check],
    verdicts: Sequence[Verdict],
    diff: str,
    *,
    told: JsonObject = NO_MAIL,
) -> str:
    """Return the first message of a session that approves a design which its reviewers approve."""
    return _render(
        "approval",
        task=task,
        author=answer.session.agent,
        round=answer.session.round,
        dependents=[item for item in plan.tasks if task.id in item.deps],
        verdicts=verdicts,
        checks=checks,
        summary=answer.summary,
        diff=diff,
        **told,
    )


def resolve(
    task: BuildTask,
    deadlock: Deadlock,
    sides: Sequence[Mapping[str, Any]],
    requests: Sequence[Message],
    allowed: Sequence[str],
    *,
    told: JsonObject = NO_MAIL,
) -> str:
    """Return the first message of a session that resolves a deadlock: both sides, and which decisions are open."""
    asked = [request.model_dump(mode="json") for request in requests]
    return _render("resolve", task=task, deadlock=deadlock, sides=sides, requests=asked, allowed=allowed, **told)


def mail(home: Home, inbox: Sequence[Message], waiting: Sequence[Message]) -> JsonObject:
    """Return what a brief says of messages: each new one, with what it answers, and the requests still open."""
    return {"messages": [_letter(home, message) for message in inbox], "waiting": waiting}


def _knowledge(
    home: Home, task: BuildTask, before: Collection[str], agents: Sequence[str], shared: Sequence[str]
) -> list[Knowledge]:
    """Return what to know for a task: interfaces of what came before that a sync brought, then what search finds."""
    interfaces = shared_knowledge.interfaces(home, before, frozenset(shared))
    found = knowledge.search(home, agents, task.title, limit=KNOWLEDGE_AT_MOST)
    return shared_knowledge.once(home, [*interfaces[-KNOWLEDGE_AT_MOST:], *found])[:KNOWLEDGE_AT_MOST]


def component_review(
    subject: Subject,
    tasks: Sequence[BuildTask],
    *,
    review: int,
    evidence: Sequence[Mapping[str, Any]],
    earlier: Sequence[Verdict],
    diff: str,
    told: JsonObject = NO_MAIL,
) -> str:
    """Return the first message of a session that reviews a component; `evidence` has kind, told and findings."""
    return _render(
        "component_review",
        subject=subject,
        tasks=tasks,
        review=review,
        evidence=evidence,
        earlier=earlier,
        diff=diff,
        **told,
    )


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
    return _environment().get_template(f"{name}.md").render(values, LISTED=LISTED, CONTRACT_LIMIT=CONTRACT_LIMIT)


def _upstream(plan: Plan, answer: Answer) -> Mapping[str, Any]:
    title = next(task.title for task in plan.tasks if task.id == answer.session.task)
    about = {"task": answer.session.task, "agent": answer.session.agent, "title": title}
    return {**about, "summary": answer.summary, "files": answer.files}


def _contract(plan: Plan, task: BuildTask, name: str, text: str | None) -> Mapping[str, Any]:
    """Return what is said of a contract: its text, the tasks on both sides, and what this one has to do with it."""
    contract = parties(plan.tasks)[name]
    relations = {"declared": task.declares, "produced": task.produces, "consumed": task.consumes}
    mine = {relation: name in listed for relation, listed in relations.items()}
    return {**asdict(contract), "path": contract.path, "text": text, **mine}


def _letter(home: Home, message: Message) -> JsonObject:
    answers = message.message_type == "response" and message.correlation_id
    asked = messages.asked(home, message) if answers else None
    return {**message.model_dump(mode="json"), "asked": asked.content.data if asked else None}


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
