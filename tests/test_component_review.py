"""Promises of a component review, kept by the real engine: evidence, verdicts, holds, and what they do to a release."""

import asyncio
import json
from pathlib import Path

import pytest

from agents.context import messages
from orchestrator import holds, kept
from orchestrator.inspection import tools
from orchestrator.server import Server
from tests.scenario import COORDINATOR, SECURITY, TESTING, Scenario, Turn, approve, call, create, mbo, object_to
from tests.test_toolchain import pinned
from tests.zygote import Zygote

GRADE = '''"""Grades."""


def grade(points: int) -> str:
    """Return the grade for so many points."""
    if points > 90:
        return "A"
    if points > 80:
        return "B"
    if points > 70:
        return "C"
    return "D"
'''


REVIEW = ("review", "--component", "parts", "--reviewers", "testing")


def grading(*cases: tuple[int, str]) -> str:
    """Return a test that asks for the grade of each of these points."""
    lines = "".join(f"    assert grade({points}) == {expected!r}\n" for points, expected in cases)
    return f"from grades import grade\n\n\ndef test_grades_of_{len(cases)}():\n{lines}"


def block(text: str) -> list[Turn]:
    """Return a review by testing that blocks, after a look at the file it speaks of."""
    look = call("bash", command="sed -n 4,12p src/grades.py")
    return [[look], *object_to("block", text)]


def by_kind(data: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Return the line and branch coverage of a review's evidence."""
    return data["coverage"]["lines"], data["coverage"]["branches"]


def test_the_tools_are_installed_once(tmp_path: Path) -> None:
    """They are prepared from the list that ships, each pinned by its hashes; the second time there is nothing to do."""
    said: list[str] = []
    repeated: list[str] = []
    pins = tools.REQUIREMENTS.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()

    first = asyncio.run(tools.prepare(said.append))
    again = asyncio.run(tools.prepare(repeated.append))

    assert first == again
    assert [line.split(":")[0] for line in said] in ([], ["toolchain"] * 2)  # nothing where another test was first
    assert repeated == []
    assert [line for line in pins if " --hash=sha256:" not in line] == []


def test_a_coverage_drop_holds_the_release_until_it_is_mended(prefect_server: Server, tmp_path: Path) -> None:
    """Testing blocks by our own figures; the release waits for a later approval by testing, and then goes its way.

    A run that is killed after its last verdict comes to the same when it is run again, and judges nothing twice.
    """
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.turns("component-1", f"review.{TESTING}", approve("All of it is run."))
    scenario.turns("component-1", f"review.{TESTING}.2", block("Half of grade() is run by no test."))
    scenario.turns("component-1", f"review.{TESTING}.3", approve("Every grade is asked for now."))

    assert scenario.build().code == 0
    first = scenario.mbo(*REVIEW)
    assert first.code == 0, first.err
    scenario.work("1.2", [create("src/grades.py", GRADE), create("tests/test_grades.py", grading((95, "A")))])
    assert scenario.build().code == 0
    killed = scenario.mbo(*REVIEW)
    cut_after_verdicts(scenario)
    second = scenario.mbo(*REVIEW)
    told = messages.received(scenario.home, COORDINATOR)
    scenario.work("1.3", [create("tests/test_more.py", grading((85, "B"), (75, "C"), (5, "D")))], kind="test")
    scenario.policy = {"release_gates": ["1.9"]}
    scenario.simple("1.9", "released", agent="mcp-devops-deployment")
    scenario.simple("1.10", "after", deps=["1.9"], agent="mcp-documentation")
    held = scenario.build()
    outcomes = {task: scenario.outcome(task) for task in ("1.3", "1.9", "1.10")}
    why, standing = scenario.told("why", "1.9"), scenario.told("status", "--detailed")
    third = scenario.mbo(*REVIEW)
    nothing_is_done_again(scenario)
    freed = scenario.told("why", "1.9")
    released = scenario.mbo("execute", "--task-id", "1.9")

    reviews = [event["data"] for event in scenario.events("component_review")]
    lifts = f"a later review in which {TESTING} approves, or by `mbo waive --component 1 --reason …`"
    assert [(review["round"], review["decision"]) for review in reviews] == [
        (1, "approve"),
        (2, "block"),
        (3, "approve"),
    ]
    assert [by_kind(review["evidence"]) for review in reviews] == [(100.0, 100.0), (50.0, 16.6), (100.0, 100.0)]
    assert (killed.code, second.code, third.code) == (1, 1, 0)
    assert len(scenario.events("verdict", "component-1")) == 3
    assert [event["data"]["authority"] for event in scenario.events("decision")] == ["testing-block"]
    assert [(item.from_agent, item.task_id, item.content.data) for item in told] == [
        (
            TESTING,
            "component-1",
            {"event": "block", "attempt": 1, "round": 2, "reason": "Half of grade() is run by no test."},
        )
    ]
    assert "line coverage 50 % (was 100 % at review 1), branch coverage 16.6 % (was 100 % at review 1)" in flat(
        second.out
    )
    assert "1.2 Part 1.2" in brief(scenario, 1)
    assert "low, src/grades.py:6: 3 of 8 lines run; not run: 8-12" in brief(scenario, 1)
    assert "testing-quality blocks Half of grade() is run by no test." in flat(second.out)
    assert (held.code, released.code) == (1, 0)
    assert outcomes["1.3"][0] == "merged"
    assert outcomes["1.9"] == (
        "blocked",
        f"release is held: component 1 is blocked by {TESTING}: Half of grade() is run by no test.; lifted by {lifts}",
    )
    for told in (why, standing):
        assert "release is held: component 1 is blocked by testing-quality: Half of grade() is run by no test." in told
    assert outcomes["1.10"] == ("blocked", "waits for 1.9, whose release is held")
    assert "component 1 is free of testing-quality's hold: testing-quality approves in review 3" in freed
    assert [event["id"] for event in scenario.events("ruling", "component-1")] == [
        f"{event['id']}/ruling" for event in scenario.events("component_review")
    ]
    assert scenario.outcome("1.9")[0] == "merged"


def nothing_is_done_again(scenario: Scenario) -> None:
    """Ask for the same review twice more: it tells the same at once, and nothing is run or written."""
    before = scenario.all_events()

    done = scenario.mbo(*REVIEW)
    told = json.loads(scenario.mbo(*REVIEW, "--format", "json").out)

    assert done.code == 0
    assert "on record" in done.err
    assert "line coverage 100 % (was 50 % at review 2)" in flat(done.out)
    assert scenario.all_events() == before
    assert (told["round"], told["holds"]) == (3, [])
    assert [verdict["reviewer"] for verdict in told["verdicts"]] == [TESTING]
    assert {found["kind"]: found["status"] for found in told["evidence"]} == {
        "coverage": "measured",
        "security": "measured",
        "secrets": "measured",
        "types": "not configured",
        "lint": "not configured",
        "complexity": "measured",
        "timing": "measured",
    }
    for found in told["evidence"]:
        for output in found["outputs"].values():
            assert kept.load(scenario.home, output)


def test_without_tools_nothing_passes(prefect_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools that cannot be installed are said to be missing, once whole and then with every kind of evidence.

    The veto that follows, once waived, binds nobody in a later review of the same tree, where it is given again.
    """
    wrong = tmp_path / "inspection-tools.txt"
    wrong.write_text(pinned("iniconfig").replace("sha256:", "sha256:0000")[:-1], encoding="utf-8")
    monkeypatch.setattr(tools, "REQUIREMENTS", wrong)
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.turns("component-1", f"review.{SECURITY}", object_to("veto", "Nobody has looked for secrets."))
    scenario.turns("component-1", f"review.{TESTING}", approve())
    scenario.build()
    command = ("review", "--component", "1", "--reviewers", SECURITY)

    done = scenario.mbo(*command)
    stood = [hold.by for hold in holds.standing(scenario.all_events())]
    rulings = [event["data"]["authority"] for event in scenario.events("decision")]
    waived = scenario.mbo("waive", "--component", "1", "--reason", "no secret is near it")
    again = scenario.mbo(*command[:-1], f"{SECURITY},{TESTING}")

    assert done.code == 1
    assert (waived.code, again.code) == (0, 0), again.err
    assert scenario.events("component_review")[-1]["data"]["rule"] == "veto-waived"
    assert holds.standing(scenario.all_events()) == []
    assert done.err.count(f"evidence: {wrong}: not installed (") == 1
    assert flat(done.out).count("not available: no tools, ") == 7
    assert stood == [SECURITY]
    assert rulings == ["security-veto"]
    assert "hold component 1 is vetoed by mcp-security-validation: Nobody has looked" in flat(done.out)
    assert "note the plan names no release (`release_gates` of its policy), so a hold stops no task" in flat(done.out)


def cut_after_verdicts(scenario: Scenario) -> None:
    """Take back what the journal says after the newest verdict, as if the run had been killed just then."""
    text = scenario.home.metrics.read_bytes()
    at = text.rindex(b'"kind":"verdict"')
    scenario.home.metrics.write_bytes(text[: text.index(b"\n", at) + 1])
    scenario.home.decisions.unlink()


def test_a_kill_amid_a_review_loses_no_hold(prefect_server: Server, zygote: Zygote, tmp_path: Path) -> None:
    """From the moment a veto is on record no release starts, and from the moment an approval is, nothing holds it.

    Each of the two reviews is killed while its second reviewer still reads, and neither is gone on with. Both are the
    first of the component, since the killed one did not come to its end.
    """
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.turns("component-1", f"review.{SECURITY}", object_to("veto", "It trusts what it reads."))
    wait = call("bash", command=f"until test -e {scenario.home.repository}/never; do sleep 0.02; done")
    scenario.turns("component-1", f"review.{TESTING}", [[wait], *approve()])
    assert scenario.build().code == 0
    kill_after_verdict(scenario, zygote, 1)
    scenario.policy = {"release_gates": ["1.9"]}
    scenario.simple("1.2", "beta")
    scenario.simple("1.9", "released", agent="mcp-devops-deployment")
    scenario.write()
    before = told_of(scenario)

    held = scenario.build()
    outcomes = {task: scenario.outcome(task) for task in ("1.2", "1.9")}
    after = scenario.told("status", "--blockers")
    scenario.turns("component-1", f"review.{SECURITY}", approve("It checks what it reads."))
    kill_after_verdict(scenario, zygote, 2)
    free = told_of(scenario)
    released = scenario.mbo("execute", "--task-id", "1.9")

    lifts = f"a later review in which {SECURITY} approves, or by `mbo waive --component 1 --reason …`"
    reason = f"release is held: component 1 is vetoed by {SECURITY}: It trusts what it reads.; lifted by {lifts}"
    ends = "component 1 is free of security-validation's hold: security-validation approves in review 1"
    assert (held.code, released.code) == (1, 0)
    assert outcomes == {"1.2": ("merged", scenario.outcome("1.2")[1]), "1.9": ("blocked", reason)}
    for told in (before["status"], after):
        assert reason.replace("mcp-", "") in told
    assert "held by the veto of security-validation: It trusts what it reads. - lifted by" in before["why"]
    assert "`mcp-security-validation`: It trusts what it reads. - It stands; lifted by" in before["report"]
    assert "1.9 waiting Part 1.9 ready to start" in free["status"]
    assert ends in free["why"]
    assert "It trusts what it reads. - Lifted: mcp-security-validation approves in review 1" in free["report"]
    assert scenario.outcome("1.9")[0] == "merged"
    assert scenario.events("component_review") == []


def told_of(scenario: Scenario) -> dict[str, str]:
    """Return what `status`, `why` and `report` tell, without any run before."""
    asked = (("status", "--detailed"), ("why", "1.1"), ("report",))
    return {words[0]: scenario.told(*words) for words in asked}


def kill_after_verdict(scenario: Scenario, zygote: Zygote, number: int) -> None:
    """Have the component reviewed, and kill -9 all of it once so many verdicts on it are on record."""
    child = zygote.start(*scenario.line("review", "--component", "parts", "--reviewers", "security,testing"))
    assert child.wait_until(lambda: len(scenario.events("verdict", "component-1")) == number, seconds=100)
    child.kill(wholly=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--component", "part"),
            "there is no component `part` in scenario; did you mean `parts`? (`mbo status --detailed` lists all)",
        ),
        (("--component", "1"), "component 1 (parts): none of its tasks is merged, so there is nothing to review"),
        (("--component", "1", "--reviewers", "nobody"), "no agent is called `nobody`"),
    ],
    ids=["unknown component", "nothing merged", "unknown reviewer"],
)
def test_what_cannot_be_reviewed_is_refused(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """One line says what is wrong, before anything is started."""
    scenario = Scenario(tmp_path)
    scenario.simple("1.1", "alpha")
    scenario.init()

    done = scenario.mbo("review", *words)

    assert done.code == 2
    assert done.err.startswith(f"mbo: {message}")
    assert done.err.count("\n") == 1


def test_review_needs_a_component() -> None:
    """Without it the command says so."""
    assert mbo("review").code == 2


def flat(text: str) -> str:
    """Return text on one line, as it was before it was wrapped."""
    return " ".join(text.split())


def brief(scenario: Scenario, number: int) -> str:
    """Return what the reviewer was told at the review after this many others."""
    event = scenario.events("verdict", "component-1")[number]
    records = {
        record["id"]: record
        for file in scenario.home.transcripts.glob(f"{event['key']}.jsonl")
        for record in map(json.loads, file.read_text(encoding="utf-8").splitlines())
    }
    return next(record for name, record in records.items() if name.endswith("/brief"))["message"]["content"]
