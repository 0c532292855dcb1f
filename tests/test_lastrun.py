"""Promises about runs that follow one another: a review or a sync hides nothing of the build before it."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from analytics import facts
from analytics.forecast import forecast
from analytics.report import markdown
from orchestrator.home import Home, exclusive
from orchestrator.models import digest
from orchestrator.server import Server
from orchestrator.status import standing
from orchestrator.status.standing import Board
from tests.history import History, everything
from tests.scenario import TESTING, Scenario, approve, bash, create
from tests.story import Story, plan_of
from tests.zygote import Zygote

PAUSED = "the run is paused: the sandbox is broken; the same command goes on"


@pytest.fixture
def paused(home: Home) -> Story:
    """Begin with t2 after t1, and t3 alone; a build of them with two slots paused an hour ago."""
    story = Story(home, plan_of(t1=(), t2=("t1",), t3=()), ago=timedelta(hours=1))
    story.start(slots=2)
    story.work("1.1")
    story.end("paused", "the sandbox is broken")
    return story


def review(paused: Story) -> Story:
    """Begin a review after it."""
    story = Story(paused.home, paused.plan, "r2")
    story.start(tasks=(), command="review --component c", slots=4)
    return story


def seen(story: Story) -> Board:
    """Return where the plan of a story stands."""
    return standing.read(story.home, story.plan)


@pytest.mark.parametrize("moment", ["under way", "ended", "killed"])
def test_a_review_leaves_the_build_before_it_as_it_was(paused: Story, moment: str) -> None:
    """What a paused build left waits for that build, whose slots count, while the review is told for itself."""
    with exclusive(paused.home, "review --component 1"):
        following = review(paused)
        if moment == "ended":
            following.end("failed", "testing blocks it")
        board = seen(paused) if moment != "killed" else None
    board = board or seen(paused)

    assert board.last_run and board.last_build
    assert (board.last_run.command, board.last_run.ending) == (
        "review --component c",
        {"under way": "running", "ended": "failed", "killed": "cut off"}[moment],
    )
    assert (board.last_build.command, board.last_build.ending) == ("build", "paused")
    assert (board.is_running, board.is_building) == (moment == "under way", False)
    assert [item.reason for item in board.tasks] == [PAUSED, "waits for 1.1", PAUSED]
    assert board.left == ("1.1", "1.2", "1.3")
    assert "2 tasks at once" in forecast(paused.plan, paused.events(), board).method


def test_a_build_that_was_killed_before_a_review_does_not_run_with_it(paused: Story) -> None:
    """The process that holds the home is the review's, and nothing of the build counts as running."""
    later = Story(paused.home, paused.plan, "r1b", ago=timedelta(minutes=1))
    later.start()
    later.work("1.1")
    with exclusive(paused.home, "review --component 1"):
        review(paused)
        board = seen(paused)

    assert board.last_build and board.last_build.ending == "cut off"
    assert [item.reason for item in board.tasks] == [
        "begun; the next run goes on with it",
        "waits for 1.1",
        "ready to start",
    ]


def test_the_report_goes_on_from_the_build_after_a_review(home: Home) -> None:
    """What stopped the build is the next step, with the command that goes on, and the summary tells the build's end."""
    history = everything(home)
    for number in (1, 2):
        breaker = {"failure": "environment", "tasks": ["3.2"], "reason": "the disk is gone"}
        history.event("breaker", f"b/{number}", breaker)
    history.end("paused")
    after = History(home, "run-2")
    after.time = history.time
    after.begin(command="review --component gamma", tasks=())
    after.end("succeeded", 5)

    with facts.opened(home) as ask:
        steps = [(row["kind"], row["command"]) for row in ask("next_steps") if row["kind"] == "paused"]
    text = " ".join(markdown(home).split())

    assert steps == [("paused", "mbo build")]
    assert "2 runs; the last build: paused, 1 m 40 s." in text


def test_what_a_killed_build_began_is_gone_on_with_by_its_own_command(home: Home) -> None:
    """A review after it is neither the run that goes on nor the command that does."""
    history = History(home)
    history.begin()
    history.event("task_started", "s/1", {"attempt": 1}, task="1.1", key=digest("1.1"), agent="architect")
    after = History(home, "run-2")
    after.time = history.time
    after.begin(command="review --component gamma", tasks=())

    with facts.opened(home) as ask:
        (step,) = [row for row in ask("next_steps") if row["kind"] == "in work"]

    assert step["command"] == "mbo build"


@pytest.fixture
def stopped(prefect_server: Server, tmp_path: Path) -> Scenario:
    """A workflow whose first task merged and whose next three failed in the same way, so that it paused.

    Its component's review waits in the middle of its first turn until there is a file called `go`.
    """
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.gates["test"] = [{"name": "mended", "run": ["grep", "-q", "mended", "src/state"]}]
    scenario.simple("1.1", "alpha")
    agents = ("mcp-database-storage", "mcp-prompts-engineer", "mcp-sse-transport")
    for number, agent in enumerate(agents, 2):
        scenario.work(f"1.{number}", [create("src/state", "broken\n")], kind="test", agent=agent, deps=["1.1"])
    scenario.simple("1.5", "omega", deps=["1.1"], after=["1.2", "1.3", "1.4"])
    scenario.workflow("all parts", "1.1", "1.5")
    scenario.workflows[0]["side_tasks"] = ["1.2", "1.3", "1.4"]
    wait = bash(f"test -e {scenario.home.repository}/go || sleep 1000")
    scenario.turns("component-1", f"review.{TESTING}", [[wait], *approve()])
    scenario.init()
    assert scenario.mbo("coordinate", "--workflow", "all parts").code == 1
    return scenario


def told(scenario: Scenario, *words: str) -> str:
    """Return what `status` says on 80 columns, on one line."""
    out = scenario.mbo("status", *words).out
    assert max(len(line) for line in out.splitlines() if not line.startswith("project ")) <= 80  # its path is not ours
    return " ".join(out.split())


def cut_off_before_its_first_turn(scenario: Scenario) -> None:
    """Take back the turn of the component's review, which is the last thing in both journals."""
    (turn,) = scenario.events("turn", "component-1")
    for path, mark in (
        (scenario.home.metrics, b'"kind":"turn"'),
        (scenario.home.transcript(turn["key"]), b'"turn_start"'),
    ):
        text = path.read_bytes()
        path.write_bytes(text[: text.rindex(b"\n", 0, text.rindex(mark)) + 1])


def test_beside_a_review_and_after_it_the_paused_build_is_told(
    stopped: Scenario, zygote: Zygote, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that is under way is told with who does what in it, and so is the build that is to go on, all along.

    A session that was cut off before its first turn is told as resumed.
    """
    monkeypatch.setenv("COLUMNS", "80")
    command = stopped.line("review", "--component", "1", "--reviewers", "testing")
    before = json.loads(stopped.mbo("status", "--json").out)

    child = zygote.start(*command)
    assert child.wait_until(lambda: bool(stopped.events("turn", "component-1")))
    during, shown = json.loads(stopped.mbo("status", "--json").out), told(stopped, "--detailed")
    child.kill(wholly=True)
    killed = told(stopped)
    cut_off_before_its_first_turn(stopped)
    (stopped.home.repository / "go").touch()
    assert zygote.start(*command).end() == 0
    reviewed = told(stopped)
    stopped.mbo("sync", "--agents", "ALL")
    synced, after = told(stopped), json.loads(stopped.mbo("status", "--json").out)

    build = r"build the last one, `coordinate --workflow 'all parts'` of [\d:]+, paused: 3 tasks failed in the same way"
    assert re.search(rf"run `review --component parts` since [\d:]+ \(\d+ s\), process {child.pid} {build}", shown)
    assert re.search(rf"run none; the last one, `review --component parts` of [\d:]+, was killed; .* {build}", killed)
    for text in (reviewed, synced):
        assert re.search(rf"run none; the last one, `review --component parts` of [\d:]+, succeeded {build}", text)
    assert "not part of this run" not in shown
    for seen in (during, after):
        assert {name: seen[name] for name in ("build", "tasks")} == {name: before[name] for name in ("build", "tasks")}
        assert seen["risks"][0] == before["risks"][0]
    assert [(item["task"], item["agent"], item["role"]) for item in during["sessions"]] == [
        ("component-1", TESTING, "review")
    ]
    assert during["review_queue"] == {"component-1": [TESTING]}
    assert re.search(r"id agent does for [─ ]+ component-1 testing-quality reviews, round 1.* \d+ s", shown)
    assert (after["sessions"], after["review_queue"]) == ([], {})
    assert "no agent is in a session" not in killed
    assert [event["agent"] for event in stopped.events("session_resumed", "component-1")] == [TESTING]
    assert before["tasks"][4]["reason"].startswith("the run is paused: 3 tasks failed in the same way")
