"""Promises of dispatch: one task's trouble is its own, and only what may pass is tried again."""

import asyncio
from pathlib import Path

import pytest

from flows.opening import Order, prepare
from orchestrator.errors import OrchestratorError, TransientError, WorkError
from orchestrator.journal import encode
from orchestrator.server import Server
from tests.scenario import OTHER, Scenario, quiet


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
