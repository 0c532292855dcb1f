"""Promises of waivers: only the user overrules a veto or a block, every use is logged, and no work is done again."""

from pathlib import Path

import pytest

from agents.context import messages
from orchestrator.events import Events
from orchestrator.journal import read
from orchestrator.models import JsonObject
from orchestrator.server import Server
from tasks.heed import heed
from tests.scenario import (
    COORDINATOR,
    OTHER,
    SECURITY,
    TESTING,
    WORKER,
    Scenario,
    bash,
    create,
    finish,
    module,
    object_to,
    say_of_component,
)
from tests.zygote import Zygote


@pytest.fixture(scope="module")
def vetoed(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A task whose answer is vetoed to the end, although the coordinator approves it, and one that depends on it."""
    scenario = Scenario(tmp_path_factory.mktemp("vetoed"))
    scenario.policy["revise_rounds"] = 0
    scenario.simple("1.1", "alpha", reviewers=[SECURITY, COORDINATOR])
    scenario.turns("1.1", f"review.{SECURITY}", object_to("veto", "the hole stands"))
    scenario.simple("1.2", "beta", deps=["1.1"], agent=OTHER)
    done = scenario.build()
    assert done.code == 1, done.err
    return scenario


def logged(scenario: Scenario, authority: str) -> list[JsonObject]:
    """Return the lines of decisions.log by one authority."""
    return [line for line in read(scenario.home.decisions) if line["authority"] == authority]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["waive", "1.2"], "nothing vetoes or blocks task 1.2, so there is nothing to waive (see `mbo status`)"),
        (["waive", "--component", "1"], "component 1 (parts) has no hold, so there is nothing to waive"),
        (
            ["waive", "--component", "part"],
            "there is no component `part` in scenario; did you mean `parts`? (`mbo status --detailed` lists all)",
        ),
        (["waive", "1.9"], "there is no task `1.9` in scenario; did you mean `1.2`? (`mbo plan` lists all)"),
        (["waive"], "give a task or --component, and not both (see `mbo waive --help`)"),
        (
            ["waive", "1.1", "--reason", " "],
            "invalid value for '--reason': say something: it is blank (see `mbo waive --help`)",
        ),
        (["reject", "1.1"], "task 1.1 does not wait for your approval; a run with --approve ask asks for it"),
    ],
    ids=["no veto", "no hold", "unknown component", "unknown task", "nothing named", "blank", "not asked"],
)
def test_a_word_about_nothing_is_refused(vetoed: Scenario, words: list[str], told: str) -> None:
    """What stands nowhere cannot be decided: one line, exit code 2, and nothing is written."""
    done = vetoed.mbo(words[0], "--reason", "because", *words[1:])

    assert (done.code, done.err) == (2, f"mbo: {told}\n")
    assert not (vetoed.home.shared / "user").exists()


def test_a_waived_veto_lets_the_same_answer_land(vetoed: Scenario) -> None:
    """The vetoed answer is judged again as advice has it: no work turn, no check, no review anew; all of it logged."""
    outcome, blocked = vetoed.outcome("1.1"), vetoed.outcome("1.2")
    before = {event["id"] for event in vetoed.all_events()}
    turns = vetoed.turns_played()
    asked = vetoed.told("why", "1.1"), vetoed.told("status")
    say_of_component(vetoed, "block")

    waived = vetoed.mbo("waive", "1.1", "--reason", "it runs on our machines only")
    of_component = vetoed.mbo("waive", "--component", "parts", "--reason", "for testers only")
    again = vetoed.mbo("waive", "1.1", "--reason", "once more")
    done = vetoed.build()

    reason = f"security vetoes the implementation: {SECURITY}: the hole stands"
    lifted = "lifted by an answer without it, or by `mbo waive 1.1 --reason …`"
    assert outcome == ("failed", f"{backup(vetoed)}: {reason}; no round is left; {lifted}")
    assert blocked == ("blocked", "waits for 1.1, which failed")
    for told in asked:
        assert "security vetoes the implementation: security-validation: the hole stands; no round is left; " in told
        assert lifted in told
    assert "waiver: user waives the veto of the task: it runs on our machines only" in vetoed.told("why", "1.1")
    assert (waived.code, waived.err) == (
        0,
        f"the veto of task 1.1 is waived: {reason}\nthe next run takes its answer up again\n",
    )
    assert (of_component.code, of_component.err) == (0, f"the block of component 1 by {TESTING} is waived\n")
    assert again.code == 2
    assert done.code == 0, done.err
    new = [event for event in vetoed.all_events() if event["id"] not in before and event.get("task") == "1.1"]
    kinds = ["waiver", "decision", "taken_up", "ruling", "decision", "accepted", "check", "check", "merged", "outcome"]
    assert [event["kind"] for event in new] == kinds
    assert [event["data"]["stage"] for event in new if event["kind"] == "check"] == ["merged"] * 2
    assert [turn for turn in vetoed.turns_played() if turn not in turns] == [
        f"{vetoed.events('task_started', '1.2')[-1]['key'][:16]}/work-1.1/turn-{number}" for number in (1, 2)
    ]
    assert vetoed.statuses() == {"1.1": "merged", "1.2": "merged"}
    assert vetoed.landed()[1].trailers["Approved-by"] == COORDINATOR


def test_the_coordinator_hears_of_both_powers_and_of_an_answer_taken_up_in_vain(
    prefect_server: Server, tmp_path: Path
) -> None:
    """A block beside a veto is told too; once the veto is waived the block stands, and that is a failure as any."""
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 0
    scenario.simple("1.1", "alpha", agent=WORKER, reviewers=[SECURITY, TESTING])
    scenario.turns("1.1", f"review.{SECURITY}", object_to("veto", "the hole stands"))
    scenario.turns("1.1", f"review.{TESTING}", object_to("block", "no coverage"))
    scenario.build()
    before = incidents(scenario)
    scenario.mbo("waive", "1.1", "--reason", "we live with it")
    scenario.build()

    both = [("block", 1), ("block", 2), ("failed", 1), ("failed", 2), ("reassigned", 2), ("veto", 1), ("veto", 2)]
    after = incidents(scenario)
    assert before == both
    assert [after.count(("failed", attempt)) for attempt in (1, 2)] == [1, 2]
    assert [after.count(("block", attempt)) for attempt in (1, 2)] == [1, 1]


def incidents(scenario: Scenario) -> list[tuple[str, int]]:
    """Return what the coordinator was told of, each with the attempt, in the order of the alphabet."""
    found = (item.content.data for item in messages.received(scenario.home, COORDINATOR))
    return sorted((data["event"], data["attempt"]) for data in found)


def backup(scenario: Scenario) -> str:
    """Return the agent that tried last."""
    return scenario.events("task_started", "1.1")[-1]["agent"]


def test_each_use_of_a_waiver_is_logged_with_its_author(vetoed: Scenario) -> None:
    """What the user waived, and the ruling that rests on it, stand in decisions.log under the user's name."""
    given = [(line["agent"], line["subject"], line["reason"]) for line in logged(vetoed, "waiver")]
    (used,) = logged(vetoed, "veto-waived")
    waivers = [event["data"] for event in vetoed.events("waiver")]

    assert given == [
        ("user", "veto of task 1.1", "it runs on our machines only"),
        ("user", "block of component 1", "for testers only"),
    ]
    assert (used["agent"], used["decision"]) == ("user", "approve")
    assert used["reason"] == f"the user waived the veto: {SECURITY}: the hole stands"
    assert [(data["scope"], data["power"], data.get("component")) for data in waivers] == [
        ("task", "veto", None),
        ("component", "block", 1),
    ]


def test_a_word_is_taken_in_once(vetoed: Scenario) -> None:
    """A kill after a word is recorded and before its file is gone leaves a file that changes nothing any more."""
    before = vetoed.all_events()
    data = vetoed.events("waiver", "1.1")[0]
    word = {"says": "waive", "reason": "other words", "task": "1.1", "key": data["key"], "power": "veto"}
    folder = vetoed.home.shared / "user"
    from orchestrator.userword import Word, give
    from orchestrator.userword import read as words

    give(vetoed.home, Word.model_validate({**word, "about": data["data"]["of"], "attempt": 2, "round": 1}))
    events = Events(vetoed.home, "the next")

    assert len(words(vetoed.home)) == 1
    heed(vetoed.home, events)
    events.close()
    assert vetoed.all_events() == before
    assert not list(folder.iterdir())


def test_a_waiver_counts_for_the_answer_that_it_names(prefect_server: Server, zygote: Zygote, tmp_path: Path) -> None:
    """New code is judged anew: a block waived while the task has its next round does not pass what comes of that.

    Waived as well, it lands; where it conflicts by then, the round that mends it is judged anew once more.
    """
    scenario = Scenario(tmp_path)
    scenario.policy["revise_rounds"] = 1
    wait = bash(f"until test -e {scenario.home.repository}/go; do sleep 0.02; done")
    scenario.simple("1.1", "alpha", agent=WORKER, reviewers=[TESTING])
    scenario.turns("1.1", f"review.{TESTING}", object_to("block", "no coverage"))
    scenario.turns("1.1", "work.review", [[create("LIST", "alpha"), *module("alpha", 2), wait], [finish()]])
    scenario.turns("1.1", f"review.{TESTING}.2", object_to("block", "a new hole"))
    scenario.work("1.2", [create("LIST", "beta"), *module("beta")], agent=OTHER)
    scenario.turns("1.1", "work.conflict", [[create("LIST", "both")], [finish()]])
    scenario.turns("1.1", f"review.{TESTING}.3", object_to("block", "yet another"))
    scenario.init()

    run = zygote.start(*scenario.line("execute"), "--task-id", "1.1")
    assert run.wait_until(lambda: bool(scenario.events("ruling")))
    first = scenario.mbo("waive", "1.1", "--reason", "measured by hand")
    (scenario.home.repository / "go").touch()
    ended = run.end()
    one = rulings(scenario)
    assert scenario.mbo("execute", "--task-id", "1.2").code == 0
    second = scenario.mbo("waive", "1.1", "--reason", "that is none")
    assert scenario.build().code == 1

    assert first.err.endswith("\nits agent mends it meanwhile; what comes of that is judged anew\n")
    assert second.err.endswith("\nthe next run takes its answer up again\n")
    assert (ended, one) == (1, 2 * [(1, "block", "testing-block"), (2, "block", "testing-block")])
    assert rulings(scenario)[4:6] == [(2, "approve", "block-waived"), (3, "block", "testing-block")]
    assert scenario.statuses() == {"1.1": "failed", "1.2": "merged"}


def rulings(scenario: Scenario) -> list[tuple[int, str, str]]:
    """Return the rulings on 1.1 so far: of which round, what, and by which rule."""
    told = (event["data"] for event in scenario.events("ruling", "1.1"))
    return [(data["round"], data["decision"], data["rule"]) for data in told]
