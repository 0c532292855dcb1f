"""A journal in which everything that can happen to a build happens, written chapter by chapter."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.home import Home
from orchestrator.journal import Journal
from orchestrator.models import Check, Decision, Event, Outcome, Ruling, SessionRef, Usage, Verdict, digest

START = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
TASKS = (
    # id, phase, component, component name, title, agent, deps
    ("1.1", 1, 1, "alpha", "Lay the ground", "architect", ()),
    ("1.2", 1, 1, "alpha", "Parse the input", "coder", ("1.1",)),
    ("2.1", 1, 2, "beta", "Store the input", "coder", ("1.1",)),
    ("3.1", 2, 3, "gamma", "Join both ends", "joiner", ("1.2", "2.1")),
    ("3.2", 2, 3, "gamma", "Watch the ends", "watcher", ("3.1",)),
    ("4.1", 2, 4, "delta", "Show the ends", "painter", ("3.2",)),
    ("4.2", 2, 4, "delta", "Polish the ends", "painter", ("4.1",)),
)
PLAN = {
    "name": "ends",
    "digest": "d" * 64,
    "phases": [{"number": 1, "name": "Ground", "tasks": 3}, {"number": 2, "name": "Roof", "tasks": 4}],
    "components": [
        {"number": number, "name": name, "phase": phase}
        for number, name, phase in [(1, "alpha", 1), (2, "beta", 1), (3, "gamma", 2), (4, "delta", 2)]
    ],
    "tasks": [
        {
            **dict(zip(("id", "phase", "component", "component_name", "title", "agent", "deps"), task, strict=True)),
            "kind": "code",
            "effort": 1,
            "reviewers": [],
        }
        for task in TASKS
    ],
}


class History:
    """Write a journal the way a run does, one second an event."""

    def __init__(self, home: Home, run: str = "run-1") -> None:
        """Write to the journal of `home`."""
        self.path = home.metrics
        self.run = run
        self.time = START

    def event(self, kind: str, record_id: str, data: dict[str, Any], **about: str) -> None:
        """Write one event."""
        self.time += timedelta(seconds=1)
        event = Event(id=record_id, time=self.time, kind=kind, run=self.run, data=data, **about)
        with closing(Journal(self.path)) as journal:
            journal.append(event.model_dump(mode="json", exclude_none=True))

    def begin(self, model: str = "playbook", sandbox: str = "none", plan: dict[str, Any] = PLAN, **more: Any) -> None:
        """Record the plan and the start of the run; a build of the whole plan unless there is `more` to say."""
        self.event("plan", f"plan/{plan['name']}", plan)
        data = {
            "command": "build",
            "model": model,
            "sandbox": sandbox,
            "slots": 4,
            "plan": plan["name"],
            "tasks": [task["id"] for task in plan["tasks"]],
            "merged": [],
            **more,
        }
        self.event("run_started", f"run/{self.run}/started", data)

    def end(self, status: str = "succeeded", seconds: float = 100) -> None:
        """Record the end of the run."""
        self.event("run_ended", f"run/{self.run}/ended", {"status": status, "seconds": seconds, "reason": "all tried"})

    def session(self, ref: SessionRef, *usages: Usage, model: str = "playbook", seconds: float = 10) -> None:
        """Record a session with one turn for each usage."""
        about = {"task": ref.task, "key": ref.key, "agent": ref.agent}
        shared = {"session": ref.name, "role": ref.role, "attempt": ref.attempt, "round": ref.round}
        self.event("session_started", f"{ref.id}/started", {**shared, "cause": ref.cause, "base": "b"}, **about)
        for number, usage in enumerate(usages, start=1):
            data = {
                **shared,
                "turn": number,
                "model": model,
                "usage": usage.model_dump(),
                "seconds": 1,
                "tools": ["bash"],
            }
            self.event("turn", f"{ref.id}/turn-{number}", data, **about)
        data = {**shared, "ended_by": "finish", "turns": len(usages), "seconds": seconds}
        self.event("session_ended", f"{ref.id}/ended", data, **about)

    def check(self, ref: SessionRef, stage: str, problem: str | None = None, seconds: float = 2) -> None:
        """Record one run of the check `tests`, three tests strong."""
        tree = f"{stage}{ref.attempt}{ref.round}"
        check = Check(
            name="tests",
            command="pytest",
            exit_code=1 if problem else 0,
            tree=tree,
            gate="e" * 64,
            seconds=seconds,
            tests_expected=3,
            tests_ran=3,
            tests_passed=1 if problem else 3,
            problem=problem,
        )
        data = {**check.model_dump(mode="json"), "stage": stage, "attempt": ref.attempt, "round": ref.round}
        record_id = f"{ref.key[:16]}/{ref.attempt}.{ref.round}/{stage}/tests/{tree}"
        self.event("check", record_id, data, task=ref.task, key=ref.key, agent=ref.agent)

    def verdict(self, work: SessionRef, reviewer: str, decision: Any, summary: str = "read it") -> None:
        """Record a review of one turn that costs nothing."""
        ref = work.model_copy(update={"role": "review", "agent": reviewer, "cause": "start"})
        self.session(ref, Usage(input_tokens=5), seconds=4)
        verdict = Verdict(session=ref, commit="c" * 40, decision=decision, summary=summary)
        about = {"task": ref.task, "key": ref.key, "agent": reviewer}
        self.event("verdict", f"{ref.id}/verdict", verdict.model_dump(mode="json"), **about)

    def judge(self, component: int, reviewer: str, decision: Any, review: int) -> None:
        """Record what a reviewer says of a component."""
        about = {"task": f"component-{component}", "key": digest(f"component-{component}"), "agent": reviewer}
        ref = SessionRef.model_validate({**about, "role": "review", "round": review})
        verdict = Verdict(session=ref, commit="c" * 40, decision=decision, summary="thin\ntests")
        self.event("verdict", f"{ref.id}/verdict", verdict.model_dump(mode="json"), **about)

    def ruling(self, work: SessionRef, decision: Any, rule: str) -> None:
        """Record what the verdicts came to."""
        ruling = Ruling(decision=decision, rule=rule, by=("security",), reason="so it is written")
        data = {**ruling.model_dump(mode="json"), "attempt": work.attempt, "round": work.round}
        record_id = f"{work.key[:16]}/{work.attempt}.{work.round}/ruling"
        self.event("ruling", record_id, data, task=work.task, key=work.key, agent=work.agent)

    def merged(self, ref: SessionRef, added: int, removed: int) -> None:
        """Record a merge and the outcome."""
        about = {"task": ref.task, "key": ref.key, "agent": ref.agent}
        data = {
            "commit": "abc123" * 6,
            "tree": "t",
            "files": ["a", "b"],
            "lines_added": added,
            "lines_removed": removed,
        }
        self.event("merged", f"{ref.key[:16]}/merged", data, **about)
        self.outcome(ref, "merged", "its checks passed on the merged tree")

    def outcome(self, ref: SessionRef, status: Any, reason: str) -> None:
        """Record how the task ended, after 20 seconds."""
        outcome = Outcome(task=ref.task, key=ref.key, status=status, reason=reason, agent=ref.agent)
        data = {**outcome.model_dump(mode="json"), "seconds": 20}
        record_id = f"{ref.key[:16]}/outcome/{self.run}"
        self.event("outcome", record_id, data, task=ref.task, key=ref.key, agent=ref.agent)


def work(task: str, agent: str, attempt: int = 1, number: int = 1, cause: Any = "start") -> SessionRef:
    """Name a session of work."""
    return SessionRef(task=task, key=digest(task), role="work", agent=agent, attempt=attempt, round=number, cause=cause)


def lay_ground(history: History) -> None:
    """Merge 1.1 at the first try, with a decision."""
    ref = work("1.1", "architect")
    history.session(ref, Usage(input_tokens=100, output_tokens=50), Usage(input_tokens=200, output_tokens=50))
    history.check(ref, "answer")
    history.check(ref, "merged")
    decision = Decision(
        id="decision/1",
        time=START,
        task_id="1.1",
        agent="architect",
        subject="Layout",
        decision="One | package",
        reason="<b>Short</b>\nimports",
    )
    history.event("decision", "decision/1", decision.model_dump(mode="json"), task="1.1", agent="architect")
    history.merged(ref, 100, 0)


def repair_gate(history: History) -> None:
    """Merge 1.2 after a red gate."""
    first, second = work("1.2", "coder"), work("1.2", "coder", number=2, cause="gate")
    history.session(first, Usage(input_tokens=1000, output_tokens=10, dollars=1.25), model="opus")
    history.check(first, "answer", problem="2 of 3 tests failed: test_a, test_b")
    history.session(second, Usage(input_tokens=1000, output_tokens=10, dollars=0.25), model="opus")
    history.check(second, "answer")
    history.check(second, "merged")
    history.merged(second, 30, 10)


def veto_and_conflict(history: History) -> None:
    """Merge 2.1 after a veto, requested changes and a conflict."""
    first, second = work("2.1", "coder"), work("2.1", "coder", number=2, cause="review")
    third = work("2.1", "coder", number=3, cause="conflict")
    history.session(first, Usage(input_tokens=7, dollars=None), model="homemade")
    history.check(first, "answer")
    history.verdict(first, "security", "veto", "the password is in the log")
    history.verdict(first, "writer", "request_changes")
    history.ruling(first, "veto", "security-veto")
    history.session(second, Usage(input_tokens=7, dollars=None), model="homemade")
    history.check(second, "answer")
    history.verdict(second, "security", "approve")
    history.verdict(second, "writer", "approve")
    history.ruling(second, "approve", "all-approve")
    data = {"files": ["src/store.py"], "tasks": ["1.2"], "onto": "f" * 40, "attempt": 1, "round": 2}
    record_id = f"{second.key[:16]}/1.2/conflict"
    history.event("conflict", record_id, data, task="2.1", key=second.key, agent="coder")
    history.session(third, Usage(input_tokens=7, dollars=None), model="homemade")
    history.check(third, "answer")
    history.check(third, "merged")
    history.merged(third, 12, 2)


def reassign(history: History) -> None:
    """Merge 3.1, which needs two components, by a backup."""
    history.session(work("3.1", "joiner"), Usage())
    data = {"from": "joiner", "to": "coder", "reason": "no usable answer in 3 rounds", "attempt": 2}
    key = digest("3.1")
    history.event("reassigned", f"{key[:16]}/attempt-2/reassigned", data, task="3.1", key=key, agent="coder")
    backup = work("3.1", "coder", attempt=2)
    history.session(backup, Usage())
    history.check(backup, "merged")
    history.merged(backup, 5, 0)


def fail(history: History) -> None:
    """Fail 3.2 by a red check, which blocks 4.1; leave 4.2 waiting."""
    ref = work("3.2", "watcher")
    history.session(ref, Usage())
    history.check(ref, "answer", problem="no test ran")
    history.outcome(ref, "failed", "red after 3 rounds")
    history.outcome(work("4.1", "painter"), "blocked", "3.2 failed")


def use_powers(history: History) -> None:
    """Have approvals asked for and given, a veto waived, a component held, a deadlock and two contradictions."""
    about = {"task": "1.1", "key": digest("1.1")}
    when = {"attempt": 1, "round": 1}
    history.event("approval_requested", "a/1", {**when, "by": "coordinator", "commit": "c" * 40}, **about)
    history.event("approval", "a/2", {**when, "by": "coordinator", "decision": "approve", "reason": "sound"}, **about)
    for number in (3, 4):  # a person is asked in each run anew
        asked = {**when, "by": "user", "commit": "c" * 40}
        history.event("approval_requested", f"a/{number}", asked, task="4.2", key=digest("4.2"))
    waiver = {"by": "user", "reason": "known and accepted", "scope": "task", "component": None, "power": "veto"}
    history.event("waiver", "w/1", waiver, task="2.1", key=digest("2.1"))
    for place in ((1, "security", "block", 1), (3, "security", "block", 1), (3, "security", "veto", 2)):
        history.judge(*place)
    history.judge(1, "tester", "block", 1)
    history.judge(1, "security", "approve", 2)
    hold = f"{digest('component-1')[:16]}/review-1.1-tester/verdict"
    of_component = {"by": "user", "reason": "for us only", "scope": "component", "component": 1, "power": "block"}
    history.event("waiver", "w/2", {**of_component, "of": hold}, task="component-1")
    evidence = {"coverage": {"line": 71.5}}
    review = {"component": 3, "round": 2, "decision": "veto", "tree": "t" * 40, "evidence": evidence}
    history.event("component_review", "r/3", review)
    for number, cause in enumerate(("rounds", "requests"), start=1):
        deadlock = {"cause": cause, "tasks": ["3.2"], "agents": ["watcher", "writer"], "reason": "they go in circles"}
        history.event("deadlock", f"d/{number}", deadlock, task="3.2", key=digest("3.2"))
    resolution = {"cause": "rounds", "decision": "give-up", "reason": "too big", "by": "coordinator"}
    history.event("resolution", "d/1/end", resolution, task="3.2", key=digest("3.2"))
    for number, (state, kept) in enumerate((("open", None), ("resolved", "decision/a")), start=1):
        sides = [
            {"id": f"decision/{name}", "agent": agent, "task": task, "text": f"use {name}"}
            for name, agent, task in (("a", "architect", "1.1"), ("b" * number, "coder", "1.2"))
        ]
        data = {"about": "decision", "subject": f"Format {number}", "sides": sides, "state": state, "kept": kept}
        history.event("contradiction", f"c/{number}", {**data, "by": "architect", "rule": "rank", "reason": "by rank"})


def everything(home: Home) -> History:
    """Write a run in which everything happens, up to the moment before its end."""
    history = History(home)
    history.begin()
    for chapter in (lay_ground, repair_gate, veto_and_conflict, reassign, fail):
        chapter(history)
    history.event("checkout", "run/run-1/checkout/abc", {"result": "fast-forwarded to abc123"})
    return history
