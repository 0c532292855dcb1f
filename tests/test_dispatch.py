"""Promises of dispatch: one task's trouble is its own, and only what may pass is tried again."""

import asyncio
from pathlib import Path

import pytest

from agents.context import messages
from agents.models import Request, Turn
from flows.opening import Order, opened, prepare
from orchestrator.errors import OrchestratorError, TransientError, WorkError
from orchestrator.journal import encode
from orchestrator.models import BuildTask, JsonObject
from orchestrator.server import Server
from tests.scenario import COORDINATOR, OTHER, Scenario, quiet


def test_trouble_that_no_rule_foresees_fails_one_task_alone(prefect_server: Server, tmp_path: Path) -> None:
    """A damaged transcript fails its own task with one line that says where; every other task lands."""
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.simple("1.2", "beta", agent=OTHER)
    scenario.init()
    key = prepare(Order(home=scenario.home.root, plan=scenario.plan)).keys["1.1"]
    damaged = scenario.home.transcript(key)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not a record\n" + encode({"id": "x", "type": "turn_start", "session": "x"}))

    done = scenario.build()

    reason = f"{damaged}: line 1 is damaged, with whole lines behind it; restore it from a copy"
    assert done.code == 1
    assert scenario.outcome("1.1") == ("failed", reason)
    assert scenario.outcome("1.2")[0] == "merged"
    assert told(scenario) == [("1.1", {"event": "failed", "reason": reason})]


class Busy:
    """A model that cannot answer now."""

    name = "busy"

    def parameters(self, task: BuildTask) -> JsonObject:
        """Return nothing that could change a result of `task`."""
        return {"model": self.name, "task": task.id}

    async def turn(self, request: Request) -> Turn:
        """Fail as an overloaded server does."""
        raise TransientError(f"{request.session.name}: overloaded")


def test_the_coordinator_is_told_of_each_run_that_a_transient_failure_ends(
    prefect_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It spends no attempt, so that the next run tries the same one again, and is told of all the same."""
    from flows import attempt
    from flows.dispatch import dispatch

    monkeypatch.setattr(attempt, "work", attempt.work.with_options(retries=0))
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.init()

    async def fail() -> None:
        async with opened(Order(home=scenario.home.root, plan=scenario.plan), "build", print) as (_, run):
            run.model = Busy()
            await dispatch(run, ["1.1"], merged=(), slots=1)

    with quiet():
        asyncio.run(fail())
        asyncio.run(fail())

    assert [event["data"]["failure"] for event in scenario.events("outcome")] == ["transient"] * 2
    assert told(scenario) == [("1.1", {"event": "failed", "attempt": 1, "reason": "work-1.1: overloaded"})] * 2


def told(scenario: Scenario) -> list[tuple[str, JsonObject]]:
    """Return the task and the data of each message in the coordinator's folder."""
    return [(item.task_id, item.content.data) for item in messages.received(scenario.home, COORDINATOR)]


@pytest.mark.parametrize(
    ("error", "tries"), [(TransientError("busy"), 4), (WorkError("broken"), 1)], ids=["what may pass", "what will not"]
)
def test_only_what_may_pass_is_tried_again(prefect_server: Server, error: OrchestratorError, tries: int) -> None:
    """A step that ends in a transient error is tried again by Prefect; any other error ends it at once."""
    from prefect import task

    from tasks.retry import POLICY

    seen: list[int] = []

    @task(retries=POLICY["retries"], retry_condition_fn=POLICY["retry_condition_fn"])
    async def step() -> None:
        seen.append(1)
        raise error

    with quiet(), pytest.raises(type(error)):
        asyncio.run(step())

    assert len(seen) == tries
