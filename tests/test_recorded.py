"""Promises of what the journal alone tells: the same tasks, reasons and risks as beside the plan's file."""

import json

import pytest

from orchestrator.commands import completed
from orchestrator.events import read_events
from orchestrator.home import Home
from orchestrator.models import Usage
from orchestrator.plan import load
from orchestrator.server import Server
from orchestrator.status import recorded, standing
from tests.history import PLAN, History, everything, work
from tests.scenario import OTHER, SECURITY, Scenario, module, object_to


@pytest.fixture(scope="module")
def ended(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Build a plan of which one task is vetoed, one fails and holds up another, and one waits softly."""
    scenario = Scenario(tmp_path_factory.mktemp("ended"))
    scenario.policy["revise_rounds"] = 0
    scenario.simple("1.1", "alpha", reviewers=[SECURITY])
    scenario.turns("1.1", f"review.{SECURITY}", object_to("veto", "It runs what it is told."))
    scenario.work("1.2", module("beta", expected=2), agent=OTHER)
    scenario.simple("1.3", "gamma", deps=["1.2"], after=["1.1"])
    assert scenario.build().code == 1
    return scenario


def test_the_report_tells_the_risks_that_the_status_tells(ended: Scenario) -> None:
    """Each in the same words, with its level, task, age and what lifts it; commands of the report name the home."""
    status = json.loads(ended.mbo("status", "--json").out)["risks"]
    report = json.loads(ended.mbo("report", "--format", "json").out)["risk_assessment"]["risks"]

    for risk in status:
        risk["lifted_by"] = completed(risk["lifted_by"], f" --home {ended.home.root}")
    assert report == status
    assert [risk["kind"] for risk in status] == ["veto", "failed", "rework", "playbook"]


def test_the_journal_holds_the_plan_and_where_it_stands(ended: Scenario) -> None:
    """Every task has state, reason and all that lifts it as beside the plan's file."""
    events, plan = list(read_events(ended.home)), load(ended.plan)
    found = recorded.read(events)

    assert found.board == standing.board(plan, events)
    assert [(task.id, task.deps, task.after, task.reviewers) for task in found.plan.tasks] == [
        (task.id, task.deps, task.after, task.reviewers) for task in plan.tasks
    ]


def test_a_run_without_an_end_is_under_way_at_the_last_event(home: Home) -> None:
    """As far as the journal goes it has not ended; once another run has begun, it was cut off."""
    history = everything(home)
    history.session(work("4.2", "painter"), Usage())
    first = recorded.read(list(read_events(home))).board
    history.run = "run-2"
    history.begin(command="review --component gamma", tasks=[])
    second = recorded.read(list(read_events(home))).board

    assert first.last_build and second.last_build
    assert (first.last_build.ending, second.last_build.ending) == ("running", "cut off")
    assert [(item.task, item.state) for item in first.tasks][4:] == [
        ("3.2", "failed"),
        ("4.1", "waiting"),
        ("4.2", "running"),
    ]
    assert (first.count("running"), second.count("running")) == (1, 0)


def test_an_older_plan_that_is_run_again_is_the_newest(home: Home) -> None:
    """The plan of the newest run counts, though its event is older than another plan's."""
    history = History(home)
    for number, name in enumerate(("ends", "other", "ends"), 1):
        history.run = f"run-{number}"
        history.begin(plan={**PLAN, "name": name})

    found = recorded.read(list(read_events(home)))

    assert (found.plan.name, found.board.is_other_plan) == ("ends", False)
