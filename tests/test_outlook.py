"""Promises of the look ahead: risks from what happened, and steps that say what to do and by which command."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics import facts
from orchestrator.home import Home
from orchestrator.models import Usage
from tests.history import History, everything, lay_ground, use_powers, work

Row = dict[str, Any]


def looked(home: Home) -> tuple[list[Row], list[Row]]:
    """Return the risks and the next steps of a home."""
    with facts.opened(home) as ask:
        return ask("risks"), ask("next_steps")


@pytest.fixture(scope="module")
def disputed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], list[Row]]:
    """Hold the look ahead of a run that failed, is disputed and stopped itself."""
    home = Home(tmp_path_factory.mktemp("disputed"))
    history = everything(home)
    use_powers(history)
    history.event("breaker", "b/1", {"failure": "gate", "tasks": ["3.2"], "reason": "3 tasks failed by red gates"})
    history.end("paused")
    return looked(home)


@pytest.mark.parametrize(
    ("kind", "level", "text"),
    [
        pytest.param("hold", "high", "gamma is vetoed by security: thin tests", id="a hold"),
        pytest.param("paused", "high", "the run is paused: 3 tasks failed by red gates", id="a breaker"),
        pytest.param("failed", "high", "red after 3 rounds; it holds up 2 tasks", id="a failure"),
        pytest.param("sandbox", "high", "1 run without a sandbox", id="no sandbox"),
        pytest.param("deadlock", "medium", "deadlock of 3.2: they go in circles", id="a deadlock"),
        pytest.param(
            "contradiction",
            "medium",
            "architect and coder contradict each other on the decision Format 1",
            id="a contradiction",
        ),
        pytest.param("rework", "medium", "3 of 5 tasks begun (60 %) took more than one round", id="rework"),
        pytest.param("price", "medium", "3 turns without a known price", id="unknown prices"),
        pytest.param("playbook", "low", "the turns are scripted", id="a playbook"),
    ],
)
def test_a_risk_is_named_with_its_weight(
    disputed: tuple[list[Row], list[Row]], kind: str, level: str, text: str
) -> None:
    """Each thing that may keep the plan from being built is one line, once."""
    found = [row for row in disputed[0] if row["kind"] == kind]

    assert [row["level"] for row in found] == [level]
    assert text in found[0]["text"]


def test_a_phase_has_its_own_risks(tmp_path: Path) -> None:
    """What is about the other phase's tasks and components is left out; what is about all runs stays."""
    home = Home(tmp_path)
    history = everything(home)
    use_powers(history)
    history.end("failed")
    with facts.opened(home, 1) as ask:
        first = [(row["kind"], row["task"]) for row in ask("risks")]
    with facts.opened(home, 2) as ask:
        second = [(row["kind"], row["task"]) for row in ask("risks")]

    of_runs = [("sandbox", None), ("playbook", None)]
    assert first == [of_runs[0], ("contradiction", None), ("rework", None), ("price", None), of_runs[1]]
    assert second == [
        ("hold", "component-3"),
        ("failed", "3.2"),
        of_runs[0],
        ("deadlock", None),
        ("rework", None),
        of_runs[1],
    ]


def test_the_gravest_risk_comes_first(disputed: tuple[list[Row], list[Row]]) -> None:
    """High comes before medium, and medium before low."""
    levels = [row["level"] for row in disputed[0]]

    assert levels == sorted(levels, key=("high", "medium", "low").index)


def test_steps_say_whose_word_is_awaited_what_failed_and_how_to_go_on(
    disputed: tuple[list[Row], list[Row]],
) -> None:
    """What holds up most comes first, each with the command that does it where there is one."""
    assert [(row["kind"], row["task"], row["command"]) for row in disputed[1]] == [
        ("paused", None, "mbo build"),
        ("awaited", "4.2", "mbo approve 4.2"),
        ("awaited", None, "mbo conflicts"),
        ("awaited", None, ""),
        ("held", "component-3", "mbo review --component 3"),
        ("failed", "3.2", "mbo execute --task-id 3.2"),
    ]


def test_a_veto_that_stands_is_a_risk_until_it_is_waived(home: Home) -> None:
    """A failed task under a veto says what lifts it; the user's waiver takes it from both lists."""
    history = History(home)
    history.begin()
    ref = work("1.1", "architect")
    history.session(ref, Usage())
    history.verdict(ref, "security", "veto", "it leaks")
    history.ruling(ref, "veto", "security-veto")
    history.outcome(ref, "failed", "vetoed by security")
    risks, steps = looked(home)
    waiver = {"by": "user", "reason": "accepted", "scope": "task", "component": None, "power": "veto"}
    history.event("waiver", "w/1", waiver, task="1.1", key=ref.key)
    waived = looked(home)

    assert (risks[0]["kind"], risks[0]["task"]) == ("veto", "1.1")
    assert risks[0]["lifted_by"] == "an answer without it, or by `mbo waive 1.1 --reason …`"
    assert (steps[0]["kind"], steps[0]["text"]) == ("held", "answer the veto: so it is written")
    assert "veto" not in {row["kind"] for row in waived[0]}
    assert (waived[1][0]["kind"], waived[1][0]["task"]) == ("failed", "1.1")


def test_a_task_on_the_longest_path_that_takes_twice_as_long_is_overdue(home: Home) -> None:
    """Time is measured against merged tasks up to the journal's last event, and only while a run works on it."""
    history = everything(home)
    history.end("failed")
    history.run = "run-2"
    history.begin()
    key = work("4.1", "painter").key
    history.event("task_started", "s/1", {"attempt": 1}, task="4.1", key=key, agent="painter")
    history.session(work("4.1", "painter"), Usage())
    in_time, _ = looked(home)
    history.time += timedelta(minutes=5)
    history.event("note", "n/1", {})
    overdue, _ = looked(home)
    history.end("stopped")
    stopped, _ = looked(home)

    assert "overdue" not in {row["kind"] for row in (*in_time, *stopped)}
    assert [(row["task"], row["level"]) for row in overdue if row["kind"] == "overdue"] == [("4.1", "high")]


def test_ready_tasks_come_with_what_they_set_free(home: Home) -> None:
    """After the first merge both tasks behind it may begin, with their command and how much waits for them."""
    history = History(home)
    history.begin()
    lay_ground(history)

    _, steps = looked(home)

    assert [row["text"] for row in steps] == [
        "Parse the input; coder can begin, 4 tasks behind it",
        "Store the input; coder can begin, 4 tasks behind it",
    ]
    assert steps[0]["command"] == "mbo execute --task-id 1.2"


def test_when_all_is_merged_nothing_is_next(tmp_path: Path) -> None:
    """A finished build says so."""
    home = Home(tmp_path / "done")
    history = History(home)
    history.begin(sandbox="bubblewrap", model="opus")
    for task in ("1.1", "1.2", "2.1", "3.1", "3.2", "4.1", "4.2"):
        history.merged(work(task, "coder"), 1, 0)
    history.end()

    risks, steps = looked(home)

    assert risks == []
    assert [row["text"] for row in steps] == ["nothing is left: all 7 tasks are merged"]
