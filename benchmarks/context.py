"""How long `status` and a brief take in a home where much was said and learned.

    .venv/bin/python benchmarks/context.py [rounds]

The home holds 1,000 messages, half of them requests with their answers, and 10,000 knowledge records of the 26 bundled
agents, and a journal of 5,000 events. The promises: `status` under 0.5 s, a brief under 0.05 s.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from rich.console import Console
from rich.table import Table

from agents import brief, roster
from agents.context import knowledge, messages
from orchestrator import plan as plans
from orchestrator.home import Home
from orchestrator.journal import encode
from orchestrator.models import JsonObject, Knowledge, Message, Plan, canonical_json
from orchestrator.settings import BUNDLED_PLAN

MESSAGES, RECORDS, EVENTS = 1_000, 10_000, 5_000
PROMISED = {"mbo status": 0.5, "a brief": 0.05}
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TOPICS = (
    "server session stream binary process message parser token checkpoint store index retry timeout path sandbox event"
    " queue worker transport request response schema validate cache lock file hook command setting metric alert deploy"
    " cloud limit budget plugin prompt resource manager lifecycle recovery analytics migration telemetry journal"
)


def words(chance: random.Random, count: int) -> str:
    """Return so many words: half of them of the trade, a quarter such as stand in every sentence, a quarter rare."""
    topics, small = TOPICS.split(), ("the", "of", "a", "to", "in", "and", "is", "with")
    kinds = (topics, topics, small, [f"w{chance.randrange(5_000)}"])
    return " ".join(chance.choice(chance.choice(kinds)) for _ in range(count))


def fill(home: Home, plan: Plan) -> None:
    """Write messages, knowledge and events as they are after a long build; the last run was stopped."""
    chance = random.Random(7)
    team, tasks = roster.bundled(), [task.id for task in plan.tasks]
    for message in _messages(chance, team, tasks):
        messages.deliver(home, message, team)
    moments = (BEGAN + timedelta(seconds=number) for number in range(RECORDS))
    about = ((f"k{number}", chance.choice(team), chance.choice(tasks), moment) for number, moment in enumerate(moments))
    knowledge.rebuild(
        home,
        (
            Knowledge(id=name, time=time_, task_id=task, agent=agent, type="pattern",
                      title=words(chance, 6), text=words(chance, 60))
            for name, agent, task, time_ in about
        ),
    )  # fmt: skip
    home.metrics.parent.mkdir(parents=True, exist_ok=True)
    home.metrics.write_bytes(b"".join(encode(event) for event in _events(plan)))


def _messages(chance: random.Random, team: tuple[str, ...], tasks: list[str]) -> Iterator[Message]:
    """Yield requests, each with its answer."""
    for number in range(0, MESSAGES, 2):
        asking, asked = chance.sample(team, 2)
        fields: JsonObject = {"task_id": chance.choice(tasks), "timestamp": BEGAN + timedelta(seconds=number)}
        fields |= {"content": {"action": "review", "artifact": "code", "data": {"text": words(chance, 30)}}}
        ends = ((asking, asked, "request", None), (asked, asking, "response", UUID(int=number + 1)))
        for place, (sender, receiver, kind, correlation) in enumerate(ends[: 1 if number % 20 == 0 else 2], start=1):
            about = {"from_agent": sender, "to_agent": receiver, "message_type": kind, "correlation_id": correlation}
            yield Message.model_validate({**fields, **about, "message_id": UUID(int=number + place)})


def _events(plan: Plan) -> Iterator[JsonObject]:
    """Yield the events of a run that was stopped with every task begun."""
    tasks = [task.id for task in plan.tasks]
    started = {
        "command": "build",
        "tasks": tasks,
        "merged": [],
        "slots": 4,
        "model": "playbook",
        "sandbox": "bubblewrap",
    }
    yield _event("started", "run_started", {**started, "plan": plans.digest(plan)})
    usage = {"input_tokens": 900, "output_tokens": 90, "dollars": 0.0}
    for number in range(EVENTS - 2):
        task = plan.tasks[number % len(plan.tasks)]
        data = {
            "role": "work",
            "round": 1,
            "attempt": 1,
            "turn": number // len(tasks) + 1,
            "usage": usage,
            "tools": ["bash"],
        }
        yield _event(f"turn-{number}", "turn", data) | {
            "task": task.id,
            "key": f"{number % 95:064x}",
            "agent": task.agent,
        }
    yield _event("ended", "run_ended", {"status": "stopped", "reason": "interrupted"})


def _event(name: str, kind: str, data: JsonObject) -> JsonObject:
    return {"id": name, "time": BEGAN.isoformat(), "kind": kind, "run": "bench", "data": data}


class Taken(NamedTuple):
    """How long something took, and how much of that the processor worked for it: all, on a quiet machine."""

    wall: float
    cpu: float


def timed(act: Callable[[], object], rounds: int) -> list[Taken]:
    """Return what an act takes each time; the first time fills the caches and is left out."""
    taken: list[Taken] = []
    for _ in range(rounds + 1):
        wall, cpu = time.perf_counter(), _cpu()
        act()
        taken.append(Taken(time.perf_counter() - wall, _cpu() - cpu))
    return taken[1:]


def _cpu() -> float:
    """Return the processor's seconds for this process and the children that have ended."""
    return sum(os.times()[:4])


def assemble(home: Home, plan: Plan, number: int) -> str:
    """Return the brief of a task, from the inbox to the last word."""
    task = plan.tasks[number % len(plan.tasks)]
    new = messages.inbox(home, task.agent, session="bench")
    owed = messages.open_requests(home, [task.agent])
    return brief.work(home, plan, task, upstream=[], previous=[], inbox=new, waiting=owed, now=brief.start())


def table(measured: dict[str, list[Taken]]) -> Table:
    """Return medians, spans and promises as one table."""
    rows = Table(title=f"{MESSAGES:,} messages, {RECORDS:,} knowledge records, {EVENTS:,} events", title_justify="left")
    rows.add_column("what")
    for name in ("median ms", "min-max ms", "of it CPU ms", "promised ms"):
        rows.add_column(name, justify="right")
    for name, taken in measured.items():
        walls = [each.wall * 1000 for each in taken]
        cpu = statistics.mean(each.cpu * 1000 for each in taken)  # a clock of coarse ticks
        promised = f"{PROMISED[name] * 1000:.0f}" if name in PROMISED else ""
        rows.add_row(
            name, f"{statistics.median(walls):.0f}", f"{min(walls):.0f}-{max(walls):.0f}", f"{cpu:.0f}", promised
        )
    return rows


def measure(folder: Path, rounds: int) -> dict[str, list[Taken]]:
    """Return what each thing takes in a home filled for it."""
    home, plan = Home(folder / "home"), plans.load(BUNDLED_PLAN)
    home.root.mkdir()
    home.project_file.write_text(canonical_json({"project": str(folder), "plan": str(BUNDLED_PLAN), "created": ""}))
    began = time.perf_counter()
    fill(home, plan)
    print(f"filled the home in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    mbo = [sys.executable, "-m", "orchestrator.cli"]
    programs = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "mbo status": [*mbo, "status", "--home", str(home.root)],
        "mbo messages": [*mbo, "messages", "--home", str(home.root)],
    }
    measured = {name: timed(lambda words=line: subprocess.run(words, capture_output=True, check=True), rounds)
                for name, line in programs.items()}  # fmt: skip
    numbers = iter(range(10_000))
    return measured | {"a brief": timed(lambda: assemble(home, plan, next(numbers)), rounds * 7)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        Console().print(table(measure(Path(made), int(sys.argv[1]) if len(sys.argv) > 1 else 7)))
