"""Promises of a sync: contradictions end by rank, context reaches who lacks it, finished work lands, twice is once."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agents.context import decisions, messages
from orchestrator.contradictions import load
from orchestrator.events import Events, read_events
from orchestrator.home import Home
from orchestrator.models import JsonObject
from orchestrator.plan import load as load_plan
from orchestrator.server import Server
from orchestrator.server.api import post
from orchestrator.team import of_workflow
from tasks.reconciling import reconcile
from tasks.sharing import share
from tests.scenario import (
    ARCHITECTURE,
    COORDINATOR,
    OTHER,
    SECURITY,
    WORKER,
    Done,
    Scenario,
    Turn,
    approve,
    bash,
    call,
    finish,
    git,
    module,
    object_to,
    say_of_component,
)

DATABASE = "mcp-database-storage"
TEAM = f"{WORKER},{ARCHITECTURE},{OTHER}"


def decide(subject: str, decision: str, **more: Any) -> dict[str, Any]:
    """Return the call that records a decision."""
    return call("record_decision", subject=subject, decision=decision, reason=f"since {decision}", **more)


def learn(kind: str, title: str, text: str, *references: str) -> dict[str, Any]:
    """Return the call that shares knowledge."""
    return call("share_knowledge", type=kind, title=title, text=text, references=list(references))


def files(scenario: Scenario) -> dict[str, bytes]:
    """Return every file of the home in which agents' context and the journals stand."""
    found = [*scenario.home.agents.rglob("*"), *scenario.home.shared.glob("*")]
    return {str(path): path.read_bytes() for path in found if path.is_file() and path.suffix != ".lock"}


def decision(scenario: Scenario, subject: str, agent: str) -> str:
    """Return the id of an agent's first decision on a subject."""
    events = (event["data"] for event in scenario.events("decision"))
    return next(data["id"] for data in events if (data["subject"], data["agent"]) == (subject, agent))


class Story(NamedTuple):
    """A plan whose agents contradict and repeat each other, what its commands said, and what two syncs left."""

    scenario: Scenario
    said: dict[str, Done]
    first: dict[str, bytes]
    second: dict[str, bytes]


@pytest.fixture(scope="module")
def story(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Run a workflow, sync again, let the user settle one contradiction and the coordinator another."""
    scenario = Scenario(tmp_path_factory.mktemp("story"))
    contradicting(scenario)
    scenario.init()
    said = {"coordinate": scenario.mbo("coordinate", "--workflow", "parts")}
    first = files(scenario)
    said["again"] = scenario.mbo("coordinate", "--workflow", "parts")
    said["sync"] = scenario.mbo("sync", "--agents", TEAM)
    second = files(scenario)
    said["conflicts"] = scenario.mbo("conflicts")
    cache, names = contradictions(scenario, "open")
    keep = ("--keep", WORKER, "--reason", "one is enough")
    said["unknown"] = scenario.mbo("conflicts", "resolve", "0000000000", *keep)
    said["no side"] = scenario.mbo("conflicts", "resolve", names, "--keep", OTHER, "--reason", "it is both")
    said["resolve"] = scenario.mbo("conflicts", "resolve", cache, *keep)
    (told,) = (event["data"] for event in scenario.events("contradiction") if event["data"]["id"] == names)
    sides = [side["id"] for side in told["sides"]]
    overruled = decide("error-style", "exit", supersedes=[decision(scenario, "error-style", ARCHITECTURE)])
    scenario.turns(
        "1.5", "work", [module("omega"), [overruled], [decide("names", "plain", supersedes=sides)], [finish()]]
    )
    said["build"] = scenario.mbo("build")
    said["settle"] = scenario.mbo("sync", "--agents", f"{TEAM},{COORDINATOR}")
    said["after"] = scenario.mbo("conflicts")
    said["all"] = scenario.mbo("conflicts", "--all")
    return Story(scenario, said, first, second)


def contradicting(scenario: Scenario) -> None:
    """Fill the plan."""
    first: list[Turn] = [
        module("alpha"),
        [decide("Error  style", "Return None."), decide("cache", "keep one"), decide("names", "short")],
        [learn("interface", "lookup", "lookup(path)"), learn("pattern", "values", "return a number", "src/alpha.py")],
    ]
    scenario.work("1.1", *first)
    second = [decide("error-style", "raise a ValueError"), learn("interface", "lookup", "lookup(path, fresh)")]
    scenario.work("1.2", module("beta"), second, agent=ARCHITECTURE, deps=["1.1"])
    third = [
        decide("Cache", "keep none"),
        decide("names", "long"),
        decide("names", "Short"),
        learn("pattern", "Values", "return a  number", "src/gamma.py"),
    ]
    scenario.work("1.3", module("gamma"), third, agent=OTHER, deps=["1.2"])
    scenario.simple("1.4", "delta", agent=OTHER, deps=["1.1"])
    scenario.simple("1.5", "omega", agent=COORDINATOR)
    scenario.workflow("parts", "1.1", "1.2", "1.3")


def contradictions(scenario: Scenario, state: str) -> list[str]:
    """Return the ids of the contradictions that were noted in this state, in order."""
    events = (event["data"] for event in scenario.events("contradiction"))
    return [data["id"] for data in events if data["state"] == state]


def test_a_workflow_ends_with_a_sync_of_its_agents(story: Story, prefect_server: Server) -> None:
    """Its end says in short what moved, the journal holds it, and Prefect shows it as a task run of the workflow's."""
    synced = story.scenario.events("sync")[0]["data"]
    runs = post(prefect_server.url, "task_runs/filter", {"task_runs": {"name": {"any_": ["sync · parts"]}}})

    assert story.said["coordinate"].code == 0, story.said["coordinate"].err
    assert synced["agents"] == [ARCHITECTURE, WORKER, OTHER]
    moved = {"messages": 2, "decisions": 14, "knowledge": 3, "records": 4, "resolved": 2, "open": 2}
    assert synced["moved"] == moved
    assert synced["by_agent"][ARCHITECTURE] == {"decisions": 5, "knowledge": 1, "records": 1, "resolved": 2}
    told = "2 contradictions resolved, 2 contradictions left open, 2 messages delivered, 14 decisions"
    assert told in " ".join(story.said["coordinate"].out.split())
    assert {run["state_type"] for run in runs} == {"COMPLETED"}


def test_a_second_sync_changes_nothing(story: Story) -> None:
    """Neither the workflow again nor a sync of its agents writes a byte, and both say so."""
    assert story.second == story.first
    assert (story.said["again"].code, story.said["again"].out) == (0, "")
    assert story.said["sync"].out.endswith(": nothing to move\n")
    assert story.said["sync"].err == ""


def test_a_sync_that_was_killed_is_made_whole_by_the_next(story: Story, tmp_path: Path) -> None:
    """Cut off after any of its events, and before anything was written from them, it ends the same the next time."""
    events = story.scenario.all_events()
    began = next(number for number, event in enumerate(events) if event["kind"] == "contradiction")
    ended = next(number for number, event in enumerate(events) if event["kind"] == "sync")
    plan = load_plan(story.scenario.plan)
    whole = {event["id"] for event in events[:ended]}
    left = left_by(home_at(story, tmp_path / "whole", ended, projected=True))

    for cut in range(began, ended):
        home = home_at(story, tmp_path / str(cut), cut)
        journal = Events(home, "again")
        moved = reconcile(home, plan, journal, of_workflow(plan, "parts"))
        moved += share(home, plan, journal, of_workflow(plan, "parts"))
        journal.close()
        assert moved
        assert {event["id"] for event in read_events(home)} == whole
        assert left_by(home) == left


def home_at(story: Story, root: Path, cut: int, *, projected: bool = False) -> Home:
    """Return a home as the workflow left it, its journal cut; what a sync writes is there only if `projected`."""
    home = Home(root)
    for name, content in story.first.items():
        path = root / Path(name).relative_to(story.scenario.home.root)
        is_written_by_sync = path.name in ("shared.json", "knowledge.db", "decisions.log")
        if projected or not (is_written_by_sync or path.is_relative_to(home.agent(COORDINATOR))):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    home.metrics.write_bytes(b"".join(home.metrics.read_bytes().splitlines(keepends=True)[:cut]))
    return home


def left_by(home: Home) -> dict[str, object]:
    """Return what a sync leaves for agents to read, without the times at which it did."""
    with closing(sqlite3.connect(home.knowledge)) as database:
        base = database.execute("select id, record, superseded_by from knowledge order by number").fetchall()
    return {
        "decisions": [item.model_copy(update={"time": None}) for item in decisions.read(home)],
        "shares": {file.parent.name: file.read_text() for file in home.agents.glob("*/shared.json")},
        "base": base,
        "told": messages.delivered(home, COORDINATOR),
    }


@pytest.mark.parametrize(
    ("about", "subject", "kept", "lost"),
    [
        ("decision", "Error style", "raise a ValueError", "Return None."),
        ("interface", "lookup", "lookup(path, fresh)", "lookup(path)"),
    ],
)
def test_architecture_settles_a_contradiction_on_design(
    story: Story, about: str, subject: str, kept: str, lost: str
) -> None:
    """The final say on design beats a task's own agent; a new decision says so, and both old ones stay in the log."""
    found = [load(event["data"]) for event in story.scenario.events("contradiction")]
    (settled,) = [item for item in found if (item.about, item.subject) == (about, subject)]
    logged = {item.id: item for item in decisions.read(story.scenario.home)}
    instead = logged[f"decision/contradiction/{settled.id}"]

    assert (settled.state, settled.by, [side.text for side in settled.sides]) == (
        "resolved",
        ARCHITECTURE,
        [kept, lost],
    )
    assert (instead.agent, instead.decision, instead.authority) == (ARCHITECTURE, kept, "design-final-say")
    assert instead.supersedes == (settled.sides[1].id,)
    assert about == "interface" or {side.id for side in settled.sides} <= set(logged)


def test_equal_rank_stays_open_until_the_user_keeps_a_side(story: Story) -> None:
    """Both sides are listed and told to the coordinator; the choice is logged, with the side it supersedes."""
    listed = story.said["conflicts"].out
    told = [message.content.data for message in messages.inbox(story.scenario.home, COORDINATOR, unread_only=False)]
    cache = contradictions(story.scenario, "open")[0]
    chosen = next(d for d in decisions.read(story.scenario.home) if d.agent == "user")

    assert f"{cache}  open: decisions on `cache`\n  1  functional-server, 1.1: keep one\n" in listed
    assert "  2  python-server-expert, 1.3: keep none\n" in listed
    assert f"  settle    mbo conflicts resolve {cache} --keep NUMBER --reason TEXT --home " in listed
    assert [data["subject"] for data in told] == ["cache", "names"]
    assert (story.said["unknown"].code, story.said["no side"].code) == (2, 2)
    assert "`mcp-python-server-expert` names several sides of" in story.said["no side"].err
    assert (chosen.decision, chosen.reason, chosen.authority) == ("keep one", "one is enough", "user-decided")
    assert chosen.supersedes == (decision(story.scenario, "Cache", OTHER),)
    assert "  settled   by user: one is enough" in story.said["resolve"].out


def test_the_coordinators_decision_settles_what_it_supersedes(story: Story) -> None:
    """A decision that supersedes every side ends the contradiction; nobody supersedes the word of a higher rank."""
    names = [load(event["data"]) for event in story.scenario.events("contradiction")][-1]
    results = [json.dumps(record) for record in story.scenario.transcript("1.5").values()]

    assert (names.subject, names.state, names.by) == ("names", "resolved", COORDINATOR)
    assert names.kept == decision(story.scenario, "names", COORDINATOR)
    assert any(f"{ARCHITECTURE}'s, and you cannot overrule them on `error-style`" in result for result in results)
    assert story.said["after"].out == "no conflicts\n"
    assert story.said["all"].out.count("settled   by") == 4


def test_a_brief_shows_only_what_stands_and_what_was_shared(story: Story) -> None:
    """In the place of a superseded decision is what took it, whichever task that was for; and what a sync brought."""
    brief = story.scenario.brief("1.4", "work-1.1")
    lines = [line.partition(" (because")[0] for line in brief.splitlines() if " (because" in line]

    assert [line for line in lines if "style" in line or "ache" in line] == [
        "- cache: keep one",
        "- error-style: raise a ValueError",
    ]
    assert "- interface lookup: lookup(path, fresh)" in lines
    assert "lookup(path)\n" not in brief


def test_the_shared_base_holds_every_record_once(story: Story) -> None:
    """What two agents learned alike is one record with the references of both; a superseded one is marked."""
    with closing(sqlite3.connect(story.scenario.home.knowledge)) as database:
        rows = database.execute("select record, superseded_by from knowledge order by number").fetchall()
    held = [(json.loads(record), by) for record, by in rows]
    lookup = contradictions(story.scenario, "resolved")[1]

    assert [(record["title"], record["references"], by) for record, by in held] == [
        ("lookup", [], f"decision/contradiction/{lookup}"),
        ("values", ["src/alpha.py", "src/gamma.py"], None),
        ("lookup", [], None),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--task", "1.3"), ["keep none", "long", "Short"]),
        (("--agent", "architecture-agent", "--standing"), [*["raise a ValueError"] * 2, "lookup(path, fresh)"]),
        (("--agent", "user"), ["keep one"]),
        (("--subject", "NAMES", "--standing"), ["plain"]),
        (("--phase", "1", "--subject", "cache"), ["keep one", "keep none", "keep one"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_log_is_shown_as_asked_for(story: Story, options: tuple[str, ...], expected: list[str]) -> None:
    """`decisions` filters by agent, task, phase and subject, and leaves out what was superseded where asked to."""
    done = story.scenario.mbo("decisions", "--format", "json", *options)

    assert [item["decision"] for item in json.loads(done.out)] == expected


def test_a_superseded_decision_names_what_took_its_place(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table marks it with the number of the other, and fits in 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    entries = json.loads(story.scenario.mbo("decisions", "--format", "json").out)
    told = story.scenario.mbo("decisions").out
    instead = next(entry["number"] for entry in entries if entry["id"].startswith("decision/contradiction/"))

    assert entries[0]["superseded_by"] == instead
    assert f"[superseded by {instead}]" in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= 80


def test_finished_work_lands_by_a_sync_after_its_gate(prefect_server: Server, tmp_path: Path) -> None:
    """An accepted answer whose merge never happened lands without a turn; one that conflicts goes to its next round.

    A release does not land while a component is held.
    """
    scenario = Scenario(tmp_path)
    resolve = [[bash("sed -i '/^[<=>]\\{7\\}/d' LIST; sort -o LIST LIST")], [finish()]]
    for task, name, agent in (("1.1", "alpha", DATABASE), ("1.2", "beta", OTHER)):
        scenario.work(task, module(name), [bash(f"echo {name} >> LIST")], agent=agent, reviewers=[SECURITY])
        scenario.turns(task, "work.conflict", resolve)
        scenario.turns(task, f"review.{SECURITY}.2", approve())
    scenario.simple("1.3", "gamma", deps=["1.1", "1.2"], reviewers=[SECURITY])
    scenario.policy["release_gates"] = ["1.3"]
    assert scenario.build().code == 0
    turns, commits = scenario.turns_played(), [commit.commit for commit in scenario.landed()]
    conflict = scenario.events("conflict")[0]["task"]

    cut_before(scenario, lambda event: event["task"] == "1.3" and event["data"].get("stage") == "merged", commits[2])
    say_of_component(scenario, "block")
    held = scenario.mbo("sync", "--agents", "ALL")
    say_of_component(scenario, "approve", 2)
    landed = scenario.mbo("sync", "--agents", "ALL")
    again = [
        event["data"]["problem"] for event in scenario.events("check", "1.3") if event["data"]["stage"] == "merged"
    ]
    on_branch = [commit.trailers["Task"] for commit in scenario.landed()[1:]]
    cut_before(scenario, lambda event: event["kind"] == "conflict", commits[1])
    refused = scenario.mbo("sync", "--agents", "ALL", "--unsafe-no-sandbox")

    assert (landed.code, landed.out.splitlines()[-1].startswith("sync ALL: 1 answer landed")) == (0, True), landed.err
    assert held.out == "sync ALL: nothing to move\n"
    assert again == [None, None]
    assert sorted(on_branch) == ["1.1", "1.2", "1.3"]
    assert scenario.turns_played() == turns
    assert refused.code == 1
    assert "sandbox   none: what agents and gates run is not isolated from this machine" in refused.err
    assert f"not landed  {conflict}: conflicts in LIST with what landed meanwhile" in refused.out
    assert conflict in scenario.mbo("conflicts").out
    assert scenario.build().code == 0
    assert sorted(commit.trailers["Task"] for commit in scenario.landed()[1:]) == ["1.1", "1.2", "1.3"]


def test_a_design_that_was_rejected_lands_by_no_sync(prefect_server: Server, tmp_path: Path) -> None:
    """Neither the coordinator's own design, which architecture rejects, nor that of its backup, which it rejects."""
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.work("1.1", module("alpha"), kind="design", agent=COORDINATOR)
    for name in (ARCHITECTURE, COORDINATOR):
        scenario.turns("1.1", f"review.{name}", object_to("request_changes", "this plan is wrong"))
    assert scenario.build().code == 1

    done = scenario.mbo("sync", "--agents", "ALL")

    assert [event["data"]["decision"] for event in scenario.events("approval")] == ["reject", "reject"]
    assert "landed" not in done.out
    assert len(scenario.landed()) == 1


def test_a_workflow_that_fails_ends_with_a_sync_too(prefect_server: Server, tmp_path: Path) -> None:
    """What was merged is shared, and its contradictions are settled, although one task failed."""
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.work("1.1", [decide("Timeout unit", "s"), *module("alpha")], agent=WORKER)
    scenario.work("1.2", [decide("Timeout unit", "ms"), *module("beta")], agent=ARCHITECTURE, deps=["1.1"])
    scenario.work("1.3", module("gamma", 1, expected=2), agent=OTHER, deps=["1.2"])
    scenario.workflow("parts", "1.1", "1.2", "1.3")
    scenario.init()

    done = scenario.mbo("coordinate", "--workflow", "parts")

    assert done.code == 1
    assert scenario.statuses() == {"1.1": "merged", "1.2": "merged", "1.3": "failed"}
    assert [event["data"]["state"] for event in scenario.events("contradiction")] == ["resolved"]


def cut_before(scenario: Scenario, reached: Callable[[JsonObject], bool], head: str) -> None:
    """Put journal and branch back to where a kill would have left them just before an event."""
    number = next(n for n, event in enumerate(scenario.all_events()) if "task" in event and reached(event))
    lines = scenario.home.metrics.read_bytes().splitlines(keepends=True)
    scenario.home.metrics.write_bytes(b"".join(lines[:number]))
    git(scenario.home.repository, "update-ref", "refs/heads/main", head)
    git(scenario.project, "reset", "--quiet", "--hard", head)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--agents", WORKER), "names fewer than two agents"),
        (("--agents", f"{WORKER},mcp-architect"), "no agent is called `mcp-architect`; did you mean"),
        (("--agents", "ALL", "--phase", "7"), "there is no phase 7"),
        (
            ("--agents", f"{WORKER},{DATABASE}", "--phase", "1"),
            f"{DATABASE} neither owns nor reviews a task of phase 1",
        ),
    ],
    ids=["one agent", "a wrong name", "a wrong phase", "no part in the phase"],
)
def test_a_sync_of_nobody_is_refused(story: Story, words: tuple[str, ...], fault: str) -> None:
    """What `--agents` and `--phase` name must be there; one line says what is wrong, and nothing is started."""
    done = story.scenario.mbo("sync", *words)

    assert (done.code, done.out) == (2, "")
    assert fault in done.err
