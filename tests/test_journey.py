"""Promises of a task's journey, each kept by the whole engine: real git, sandbox, gates and a real Prefect."""

import json

import pytest

from orchestrator.journal import read
from orchestrator.server import Server
from tests.scenario import (
    COORDINATOR,
    OTHER,
    SECURITY,
    TESTING,
    WORKER,
    Scenario,
    approve,
    bash,
    create,
    finish,
    git,
    module,
    object_to,
    words,
)

ERRORS = "mcp-error-handling"
SDK = "mcp-claude-sdk-expert"
JSONL = "mcp-jsonl-streaming"
DOCS = "mcp-documentation"
INTEGRATION = "mcp-integration-specialist"
SSE = "mcp-sse-transport"
DATABASE = "mcp-database-storage"
PLUGINS = "mcp-plugin-architect"
PROMPTS = "mcp-prompts-engineer"
RESOURCES = "mcp-resources-specialist"
TELEMETRY = "mcp-telemetry-otel"
MIGRATION = "mcp-migration-specialist"

RESOLVE = "sed -i '/^[<=>]\\{7\\}/d' LIST && sort -o LIST LIST"


@pytest.fixture(scope="module")
def built(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two dependent tasks, the first with two reviewers, built once."""
    scenario = Scenario(tmp_path_factory.mktemp("built"))
    scenario.simple("1.1", "alpha", reviewers=[SECURITY, TESTING])
    scenario.simple("1.2", "beta", deps=["1.1"], agent=OTHER)
    done = scenario.build()
    assert done.code == 0, done.err
    return scenario


def test_each_task_ends_with_one_merge_by_its_agent(built: Scenario) -> None:
    """A plan ends with exactly one merge for each task, written by its agent, whose trailers bear the task key."""
    keys = {event["task"]: event["key"] for event in built.events("task_started")}

    landed = [(commit.author, commit.subject, commit.trailers) for commit in built.landed()[1:]]
    tests = [trailers.pop("Tests") for _, _, trailers in landed]
    reviewed = {"Gate": "rules, tests 1/1", "Approved-by": f"{SECURITY}, {TESTING}"}
    assert landed == [
        (WORKER, "1.1 Part 1.1", {"Task": "1.1", "Task-Key": keys["1.1"], **reviewed}),
        (OTHER, "1.2 Part 1.2", {"Task": "1.2", "Task-Key": keys["1.2"], "Gate": "rules, tests 2/2"}),
    ]
    assert tests == [event["data"]["tests"] for event in built.events("merged")]


def test_checks_name_what_was_run_and_which_tests(built: Scenario) -> None:
    """A Check says which command judged which tree, and how many tests were expected, ran and passed."""
    checks = [event["data"] for event in built.events("check", "1.2") if event["data"]["name"] == "tests"]
    tree = git(built.home.repository, "rev-parse", "HEAD^{tree}")

    command = "{python} -m pytest -c /dev/null --rootdir . -p no:cacheprovider -o junit_family=xunit1 -q"
    told = [
        {name: check[name] for name in check if name not in ("seconds", "output", "tests", "skipped", "gate")}
        for check in checks
    ]
    assert told == [
        {
            "name": "tests",
            "command": f"{command} --junitxml={{report}} tests",
            "exit_code": 0,
            "tree": tree,
            "tests_expected": 1,
            "tests_ran": 2,
            "tests_passed": 2,
            "problem": None,
            "stage": stage,
            "attempt": 1,
            "round": 1,
        }
        for stage in ("answer", "merged")
    ]


def test_the_checkout_is_brought_forward_and_all_repositories_are_sound(built: Scenario) -> None:
    """The user's clean checkout stands at the integration branch when the run ends, and git finds no fault."""
    head = built.landed()[-1].commit

    assert git(built.project, "rev-parse", "HEAD") == head
    assert git(built.project, "status", "--porcelain") == ""
    assert (built.project / "src" / "beta.py").is_file()
    assert git(built.project, "fsck", "--full", "--strict", "--no-dangling") == ""
    assert git(built.home.repository, "fsck", "--full", "--strict", "--no-dangling") == ""


@pytest.fixture(scope="module")
def answered(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Tasks that are sent back once, side by side, and one that can never please; one round of changes each."""
    scenario = Scenario(tmp_path_factory.mktemp("answered"))
    scenario.policy["revise_rounds"] = 1
    scenario.work("1.1", module("red", expected=2), agent=WORKER)
    scenario.turns("1.1", "work.gate", [module("red", 2), [finish()]])
    for task, name, agent, reviewer, decision in (
        ("1.2", "plain", OTHER, DOCS, "request_changes"),
        ("1.3", "safe", ERRORS, SECURITY, "veto"),
        ("1.4", "tested", SDK, TESTING, "block"),
    ):
        scenario.simple(task, name, agent=agent, reviewers=[reviewer])
        scenario.turns(task, f"review.{reviewer}", object_to(decision, f"{name} is not done"))
        scenario.turns(task, f"review.{reviewer}.2", approve())
        scenario.turns(task, "work.review", [module(name, 2), [finish()]])
    scenario.simple("1.5", "unsafe", agent=SSE, reviewers=[SECURITY])
    scenario.turns("1.5", f"review.{SECURITY}", object_to("veto", "the hole stands"))
    scenario.turns("1.5", "work.review", [module("unsafe", 2), [finish()]])
    scenario.simple("1.6", "after", agent=WORKER, deps=["1.5"])
    scenario.simple("1.7", "later", agent=WORKER, deps=["1.6"])
    for task, name, agent in (("1.8", "gamma", DATABASE), ("1.9", "delta", PLUGINS)):
        scenario.work(task, [*module(name), bash(f"echo {name} >> LIST")], agent=agent)
        scenario.turns(task, "work.conflict", [[bash(RESOLVE)], [finish()]])
    _breaking_each_other(scenario)
    done = scenario.build("--slots", "12")
    assert done.code == 1, done.err
    return scenario


def _breaking_each_other(scenario: Scenario) -> None:
    """Add two tasks that pass alone: one counts the plugs, the other brings one more."""
    count = (
        "from pathlib import Path\n\n\ndef test_count():\n    assert len(list(Path('src').glob('plug_*.py'))) == {}\n"
    )
    plug = '"""A plug."""\n\nNAME = "{}"\n'
    scenario.work(
        "1.10",
        [create("src/plug_a.py", plug.format("a")), create("tests/test_count.py", count.format(1))],
        agent=PROMPTS,
    )
    scenario.turns("1.10", "work.gate", [[create("tests/test_count.py", count.format(2))], [finish()]])
    test = "import {0}\n\n\ndef test_plug():\n    assert {0}.NAME == 'b'\n"
    scenario.work(
        "1.11",
        [create("src/plug_b.py", plug.format("b")), create("tests/test_plug.py", test.format("plug_b"))],
        agent=RESOURCES,
    )
    renamed = [bash("mv src/plug_b.py src/other_b.py"), create("tests/test_plug.py", test.format("other_b"))]
    scenario.turns("1.11", "work.gate", [renamed, [finish()]])


def test_a_red_gate_is_repaired_from_its_output(answered: Scenario) -> None:
    """A red gate starts a second round whose brief holds the failing output, and the repaired answer lands."""
    reds = [event["data"]["problem"] for event in answered.events("check", "1.1") if event["data"]["problem"]]
    brief = answered.brief("1.1", "work-1.2")

    assert answered.statuses()["1.1"] == "merged"
    assert reds == ["1 of 1 tests failed: tests/test_red.py::test_red"]
    assert "## tests: 1 of 1 tests failed: tests/test_red.py::test_red" in brief
    assert "assert 1 == 2" in brief
    assert answered.tree()["src/red.py"].endswith("return 2")


@pytest.mark.parametrize(
    ("task", "reviewer", "name", "decision", "ruling"),
    [
        ("1.2", DOCS, "plain", "request_changes", "revise"),
        ("1.3", SECURITY, "safe", "veto", "veto"),
        ("1.4", TESTING, "tested", "block", "block"),
    ],
    ids=["requested changes", "veto of security", "block by testing"],
)
def test_an_objection_is_answered_before_anything_lands(
    answered: Scenario, task: str, reviewer: str, name: str, decision: str, ruling: str
) -> None:
    """An objection starts a second round whose brief holds each finding; the same reviewer must then approve."""
    verdicts = [(event["agent"], event["data"]["decision"]) for event in answered.events("verdict", task)]
    rulings = [event["data"]["decision"] for event in answered.events("ruling", task)]
    brief = answered.brief(task, "work-1.2")

    assert answered.statuses()[task] == "merged"
    assert verdicts == [(reviewer, decision), (reviewer, "approve")]
    assert rulings == [ruling, "approve"]
    assert f"## {reviewer}: {decision}\n" in brief
    assert f"- high, src/x.py:1: {name} is not done" in brief
    assert answered.tree()[f"src/{name}.py"].endswith("return 2")


def test_a_veto_that_stands_fails_the_task_and_blocks_what_waits_for_it(answered: Scenario) -> None:
    """When the rounds are used up by a veto nothing lands, and every task behind it says what it waits for."""
    lifted = "lifted by an answer without it, or by `mbo waive 1.5 --reason …`"
    veto = f"security vetoes the implementation: {SECURITY}: the hole stands; no round is left; {lifted}"

    assert answered.outcome("1.5") == ("failed", f"{INTEGRATION}: {veto}")
    assert answered.outcome("1.6") == ("blocked", "waits for 1.5, which failed")
    assert answered.outcome("1.7") == ("blocked", "waits for 1.5, which failed")
    assert not answered.events("task_started", "1.6")
    assert not {"1.5", "1.6", "1.7"} & {commit.trailers.get("Task") for commit in answered.landed()}


def test_the_coordinator_is_told_of_each_failed_attempt_and_the_veto_is_logged(answered: Scenario) -> None:
    """Each veto, failed attempt and reassignment is a notification to the coordinator, each veto a logged decision."""
    inbox = [json.loads(f.read_text()) for f in sorted((answered.home.agent(COORDINATOR) / "messages").glob("*.json"))]
    told = [
        (m["from_agent"], m["message_type"], m["content"]["data"]["event"], m["content"]["data"]["attempt"])
        for m in inbox
        if m["task_id"] == "1.5"
    ]
    vetoed = [(SECURITY, "notification", "veto")] * 2
    logged = [d for d in read(answered.home.decisions) if d["task_id"] == "1.5"]

    assert told == [
        *((*veto, 1) for veto in vetoed),
        (SSE, "notification", "failed", 1),
        (SSE, "notification", "reassigned", 2),
        *((*veto, 2) for veto in vetoed),
        (INTEGRATION, "notification", "failed", 2),
    ]
    assert [(d["agent"], d["decision"], d["authority"]) for d in logged] == [(SECURITY, "veto", "security-veto")] * 4


def test_a_conflict_is_redone_on_the_new_base_and_keeps_both_sides(answered: Scenario) -> None:
    """Of two tasks that changed the same place side by side, the later one merges by hand and both changes stand."""
    (conflict,) = answered.events("conflict")
    later = conflict["task"]
    earlier = {"1.8": "1.9", "1.9": "1.8"}[later]
    started = answered.transcript(later)["work-1.2/brief"]["message"]["content"]

    assert conflict["data"]["files"] == ["LIST"]
    assert earlier in conflict["data"]["tasks"]
    assert "- LIST" in started
    assert answered.tree()["LIST"] == "delta\ngamma"
    assert {answered.statuses()["1.8"], answered.statuses()["1.9"]} == {"merged"}


def test_a_merged_tree_that_is_red_never_lands(answered: Scenario) -> None:
    """Two green answers that break each other without a conflict: the later one is sent back, then lands green."""
    (rejected,) = answered.events("rejected")
    later = rejected["task"]
    answers = [
        event["data"]["problem"] for event in answered.events("check", later) if event["data"]["stage"] == "answer"
    ]
    merged = [
        event["data"]["problem"] for event in answered.events("check", later) if event["data"]["stage"] == "merged"
    ]

    assert later in ("1.10", "1.11")
    assert answers == [None] * 4
    assert merged[0] is None
    assert merged[1] is not None
    assert "tests/test_count.py::test_count" in merged[1]
    assert merged[2:] == [None, None]
    assert {answered.statuses()["1.10"], answered.statuses()["1.11"]} == {"merged"}


def test_every_landed_tree_was_green(answered: Scenario) -> None:
    """For each commit of the integration branch the journal holds green checks of that very tree, by that task."""
    checks = answered.events("check")

    for commit in answered.landed()[1:]:
        tree = git(answered.home.repository, "rev-parse", f"{commit.commit}^{{tree}}")
        of_tree = [c["data"] for c in checks if c["key"] == commit.trailers["Task-Key"] and c["data"]["tree"] == tree]
        assert {(check["name"], check["problem"]) for check in of_tree} == {("rules", None), ("tests", None)}


@pytest.fixture(scope="module")
def refused(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Answers that are no evidence of anything, on a base with a test; no round is granted to mend them."""
    scenario = Scenario(tmp_path_factory.mktemp("refused"))
    scenario.policy["revise_rounds"] = 0
    scenario.gates["silent"] = [{"name": "tests", "run": ["true"], "tests": True}]
    scenario.simple("1.1", "alpha")
    code, test = module("more")
    broken = {**code, "input": {**code["input"], "file_text": code["input"]["file_text"].replace("return", "retrun")}}
    skipping = '"""A module."""\n\nimport pytest\n\npytest.skip(allow_module_level=True)\n'
    later = {"deps": ["1.1"]}
    scenario.work("1.2", [code], agent=OTHER, **later)
    scenario.task("1.3", agent=ERRORS, **later)
    scenario.turns("1.3", "work", [[finish("All is well already.")]])
    scenario.task("1.4", agent=SDK, **later)
    scenario.turns("1.4", "work", [words("I wrote it."), words("It is all done, believe me.")])
    stub = '"""A stub."""\n\n\ndef value() -> int:\n    """Return it."""\n    raise NotImplementedError\n'
    scenario.work("1.5", [create("src/more.py", stub), test], agent=SSE, **later)
    scenario.work("1.6", [code, test, create("src/alpha.py", skipping)], agent=DATABASE, **later)
    scenario.work("1.7", [code, test, bash("rm tests/test_alpha.py")], agent=PLUGINS, **later)
    scenario.work("1.8", [code, test, bash("sed -i s/==.1/==1/ tests/test_alpha.py")], agent=PROMPTS, **later)
    scenario.work("1.9", [code, test, create("pyproject.toml", "")], agent=TELEMETRY, **later)
    scenario.work("1.10", [code, test], agent=MIGRATION, gate="silent", **later)
    scenario.work("1.11", [broken, test], agent=DOCS, **later)
    scenario.work("1.12", [code, test], agent=JSONL, reviewers=[SECURITY], **later)
    scenario.turns("1.12", f"review.{SECURITY}", [words("Fine."), words("As I said.")])
    scenario.simple("1.14", "patience", agent=JSONL, reviewers=[SECURITY])
    scenario.turns("1.14", f"review.{SECURITY}", [words("Fine."), words("As I said.")])
    scenario.turns("1.14", f"sitting-2.review.{SECURITY}", approve())
    scenario.work("1.13", [code, test], agent=WORKER, **later)
    (scenario.folder / "playbook" / "1.13" / "work.yaml").write_text("- a list\n", encoding="utf-8")
    scenario.policy["breaker"] = 20
    done = scenario.build("--slots", "13")
    assert done.code == 1, done.err
    return scenario


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("1.2", "the gate is red: tests: task 1.2 brought no test of its own; no round is left"),
        ("1.3", "the gate is red: rules: the change is empty; no round is left"),
        ("1.4", "two turns in a row without a tool call"),
        ("1.5", "the gate is red: rules: stubs are left: src/more.py:4 value; no round is left"),
        (
            "1.6",
            "the gate is red: tests: {lost}; no round is left",
        ),
        (
            "1.7",
            "the gate is red: rules: changes protected paths: tests/test_alpha.py (tests of 1.1); no round is left",
        ),
        (
            "1.8",
            "the gate is red: rules: changes protected paths: tests/test_alpha.py (tests of 1.1); no round is left",
        ),
        ("1.9", "the gate is red: rules: changes protected paths: pyproject.toml (protected); no round is left"),
        ("1.10", "the gate is red: tests: no test report was written (exit code 0); no round is left"),
        ("1.12", f"{SECURITY} reviewed 1.12 2 times without giving a verdict: two turns in a row without a tool call"),
        ("1.13", "{folder}/playbook/1.13/work.yaml: turn 1 is no mapping with `role: assistant`; mend the file"),
        ("1.11", "the gate is red: tests: 1 of 1 tests failed: tests/test_more.py::tests.test_more; no round is left"),
    ],
    ids=[
        "no test of its own",
        "an empty change",
        "words alone",
        "a stub",
        "a skipped test of another task",
        "a deleted test of another task",
        "a changed test of another task",
        "a protected path",
        "a gate that ran no test",
        "a review without a verdict",
        "turns that cannot be read",
        "one broken character",
    ],
)
def test_what_is_no_evidence_is_refused_with_one_reason(refused: Scenario, task: str, reason: str) -> None:
    """Neither the agent nor its backup lands an answer without evidence; the reason says which rule, in one line.

    A reviewer that gives no verdict is heard once more, and if it gives none then, no other agent has to work for it.
    """
    lost = "1 tests that passed before did not run or were skipped: tests/test_alpha.py::test_alpha"
    status, told = refused.outcome(task)

    assert (status, told.partition(": ")[2]) == ("failed", reason.format(folder=refused.folder, lost=lost))
    assert {commit.trailers["Task"] for commit in refused.landed()[1:]} == {"1.1", "1.14"}
    assert len(refused.events("task_started", "1.12")) == 1


@pytest.fixture(scope="module")
def existing(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A project with a history, a dirty file and its own definitions of two agents with narrow limits."""
    scenario = Scenario(tmp_path_factory.mktemp("existing"))
    scenario.policy["revise_rounds"] = 0
    definition = "---\nname: {}\ndescription: narrow\nbackups: [{}]\nlimits: {{turns: {}}}\n---\nYou are {}.\n"
    code, test = module("old")
    scenario.existing(
        {
            code["input"]["path"]: code["input"]["file_text"],
            test["input"]["path"]: test["input"]["file_text"],
            "notes.txt": "as committed\n",
            f".claude/agents/{WORKER}.md": definition.format(WORKER, OTHER, 1, WORKER),
            f".claude/agents/{SDK}.md": definition.format(SDK, "", 9, SDK),
        }
    )
    (scenario.project / "notes.txt").write_text("as the user has it now\n")
    scenario.work("1.1", module("new"), [bash("cat src/old.py")], agent=WORKER)
    scenario.work("1.2", [*module("wrong"), bash("sed -i s/return.1/return\\ 2/ src/old.py")], agent=ERRORS)
    scenario.task("1.3", agent=SDK)
    scenario.turns("1.3", "work", [[bash("cat src/old.py")] for _ in range(6)])
    done = scenario.build()
    assert done.code == 1, done.err
    return scenario


def test_the_history_of_a_project_is_the_base(existing: Scenario) -> None:
    """What is built stands on the commit that the project was at; nothing of its history is rewritten."""
    base = git(existing.project, "rev-parse", "HEAD")

    assert [commit.subject for commit in existing.landed()] == ["What was there", "1.1 Part 1.1"]
    assert existing.landed()[0].commit == base


def test_what_passed_before_the_first_task_must_still_pass(existing: Scenario) -> None:
    """The tests that a project brings along are expected of every task, and breaking one is refused."""
    (baseline,) = existing.events("baseline")
    expected = [c["data"]["tests_expected"] for c in existing.events("check", "1.1") if c["data"]["name"] == "tests"]
    checks = [c["data"] for c in existing.events("check", "1.2") if c["data"]["name"] == "tests"]
    problems = {check["problem"].partition(" tests failed: ")[2] for check in checks}

    assert baseline["data"]["passed"] == 1
    assert expected == [1, 1]
    assert problems == {"tests/test_old.py::test_old"}


def test_a_dirty_checkout_is_left_alone_and_the_user_is_told(existing: Scenario) -> None:
    """With uncommitted changes there no file of the user's checkout moves, and the reason is on the screen."""
    (told,) = existing.events("checkout")

    assert told["data"]["result"] == "left alone: uncommitted changes in notes.txt"
    assert (existing.project / "notes.txt").read_text() == "as the user has it now\n"
    assert not (existing.project / "src" / "new.py").exists()


def test_a_backup_goes_on_where_the_agents_attempt_failed(existing: Scenario) -> None:
    """An agent that reaches its limit of turns twice is replaced by its backup, who knows what became of both."""
    (moved,) = existing.events("reassigned", "1.1")
    brief = existing.brief("1.1", "work-3.1")
    reason = "the limit of 1 turns is reached"

    assert moved["data"] == {"from": WORKER, "to": OTHER, "reason": reason, "attempt": 3, "failure": "stuck"}
    assert f"# Attempts before yours\n\n- {WORKER}: {reason}\n- {WORKER}: {reason}" in brief
    assert existing.landed()[-1].author == OTHER


def test_a_loop_is_ended(existing: Scenario) -> None:
    """An agent that makes the same call three times in a row is stopped there, and once more in a fresh attempt."""
    reason = f"{SDK}: the same calls again and again, with the same results"

    assert existing.outcome("1.3") == ("failed", reason)
    assert sum("/turn-" in name for name in existing.turns_played() if name.startswith(key_of(existing, "1.3"))) == 6


def key_of(scenario: Scenario, task: str) -> str:
    """Return the stem that a task's records begin with."""
    return scenario.events("task_started", task)[-1]["key"][:16]
