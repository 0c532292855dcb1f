"""A small plan and a project journal written event by event, as runs do, for what only reads."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orchestrator.events import read_events
from orchestrator.home import Home
from orchestrator.journal import Journal
from orchestrator.models import BuildTask, Component, Event, GateCommand, JsonObject, Phase, Plan, Policy, RosterEntry
from orchestrator.models.value import now
from orchestrator.plan import digest
from orchestrator.status import standing

KEY = "ab" * 32


def plan_of(policy: Mapping[str, Any] | None = None, **deps: Sequence[str]) -> Plan:
    """Return a plan of tasks `t1` to `t9` (ids 1.1 to 1.9), each by an agent of its own unless it is t8 or t9."""
    tasks = tuple(
        BuildTask(
            id=f"1.{name[1:]}",
            phase=1,
            component=1,
            component_name="c",
            title=name,
            agent="agent-x" if name in {"t8", "t9"} else f"agent-{name[1:]}",
            kind="code",
            effort=1,
            deps=tuple(f"1.{dep[1:]}" for dep in waits),
            accept=("works",),
        )
        for name, waits in deps.items()
    )
    powers = (
        "planning_approver",
        "design_final_say",
        "implementation_veto",
        "release_block",
        "deadlock",
        "integration",
    )
    return Plan(
        version=1,
        name="small",
        phases=(Phase(number=1, name="Only", tasks=len(tasks)),),
        components=(Component(number=1, name="c", phase=1),),
        agents=tuple(RosterEntry(id=name, label=name, category="c") for name in sorted({t.agent for t in tasks})),
        policy=Policy.model_validate({**dict.fromkeys(powers, "agent-1"), **(policy or {})}),
        gates={"code": (GateCommand(name="tests", run=("true",)),)},
        tasks=tasks,
    )


class Story:
    """Write the project journal of one home, as runs do."""

    def __init__(self, home: Home, plan: Plan, run: str = "r1", ago: timedelta = timedelta()) -> None:
        self.home, self.plan, self.run, self.ago = home, plan, run, ago
        self.count = 0
        self.key = KEY

    def tell(self, kind: str, task: str | None = None, agent: str = "agent-1", **data: Any) -> None:
        """Add one event."""
        self.count += 1
        about = {"task": task, "key": self.key, "agent": agent} if task else {}
        time = now() - self.ago
        event = Event.model_validate(
            {"id": f"{self.run}/{self.count}", "time": time, "kind": kind, "run": self.run, "data": data, **about}
        )
        journal = Journal(self.home.metrics)
        journal.append(event.model_dump(mode="json", exclude_none=True))
        journal.close()

    def later(self, seconds: float) -> None:
        """Let time pass before the next event; it began `ago`."""
        self.ago -= timedelta(seconds=seconds)

    def events(self) -> list[JsonObject]:
        """Return all events of the home."""
        return list(read_events(self.home))

    def start(
        self, tasks: Sequence[str] | None = None, merged: Sequence[str] = (), slots: int = 4, **more: Any
    ) -> None:
        """Begin a run of these tasks, or of the whole plan."""
        chosen = [task.id for task in self.plan.tasks] if tasks is None else list(tasks)
        data: dict[str, Any] = {"command": "build", "model": "opus", "sandbox": "bubblewrap", "slots": slots}
        data |= {"plan": digest(self.plan), "tasks": chosen, "merged": list(merged)}
        self.tell("run_started", **(data | more))

    def work(self, task: str, agent: str = "agent-1") -> None:
        """Begin a session of work on a task."""
        place = {"role": "work", "attempt": 1, "round": 1, "cause": "start", "session": "work-1.1"}
        self.tell("session_started", task, agent, **place)

    def merge(self, task: str) -> None:
        """End a task with a merge."""
        self.tell("merged", task, commit="c0ffee" * 6, lines_added=1, lines_removed=0)
        self.tell("outcome", task, status="merged", reason="merged", attempts=1)

    def fail(self, task: str, reason: str = "agent-1: the gate is red") -> None:
        """End a task without one."""
        self.tell("outcome", task, status="failed", reason=reason, attempts=1)

    def end(self, status: str = "failed", reason: str = "not merged: 1.1") -> None:
        """End the run."""
        self.tell("run_ended", status=status, reason=reason, seconds=1.0)

    def board(self) -> dict[str, tuple[str, str]]:
        """Return state and reason of every task."""
        return {item.task: (item.state, item.reason) for item in standing.read(self.home, self.plan).tasks}
