"""Promises of contracts and protected paths, each kept by the whole engine with tasks that work side by side."""

import pytest
import yaml

from orchestrator.server import Server
from tests.scenario import (
    ARCHITECTURE,
    COORDINATOR,
    OTHER,
    SECURITY,
    WORKER,
    Scenario,
    approve,
    bash,
    create,
    finish,
    module,
)

ERRORS = "mcp-error-handling"
SSE = "mcp-sse-transport"

SIGNATURE = "(path: str, *, fresh: bool = False) -> str"
CONTRACT = {
    "name": "lookup",
    "python": [{"module": "parts.lookup", "name": "lookup", "signature": SIGNATURE}],
    "schema": [
        {"file": "data/*.json", "schema": {"type": "object", "required": ["id"]}},
        {"file": "data/deep/**/*.json", "schema": {"type": "object", "required": ["id"]}},
    ],
    "command": [{"run": ["{python}", "-m", "parts.tool"], "usage": {"options": ["--json"], "arguments": ["FILE"]}}],
}
LOOKUP = '"""Look up."""\n\n\ndef lookup{signature}:\n    """Return the path."""\n    return path\n'
TOOL = (
    '"""A tool."""\n\nimport argparse\n\nparser = argparse.ArgumentParser()\n'
    'parser.add_argument("{option}")\nparser.add_argument("file", metavar="FILE")\n\n'
    'if __name__ == "__main__":\n    parser.parse_args()\n'
)
SHOWN = '"""Hand it on."""\n\nfrom parts.lookup import lookup as find\n'
USE = '"""Use it."""\n\n\ndef use(path):\n    from parts.shown import find\n\n    return find(path, {})\n'
TEST = "from parts.lookup import lookup\n\n\ndef test_{}():\n    assert lookup('a') == 'a'\n"
LANDED = "until git log --all --oneline --grep='^Task: {}$' | grep -q .; do sleep 0.2; done"


def problems(scenario: Scenario, task: str, name: str = "contracts") -> list[tuple[str, str | None]]:
    """Return the checks of one name of a task, each with its stage and its problem."""
    checks = [event["data"] for event in scenario.events("check", task) if event["data"]["name"] == name]
    return [(check["stage"], check["problem"]) for check in checks]


@pytest.fixture(scope="module")
def agreed(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """One contract: its declaration, its producer, its consumer, a stranger that breaks it, and one that oversteps."""
    scenario = Scenario(tmp_path_factory.mktemp("agreed"))
    contract = create("contracts/lookup.yaml", yaml.safe_dump(CONTRACT, sort_keys=False))
    unsaid = create("contracts/lookup.yaml", yaml.safe_dump({"name": "lookup"}))
    scenario.work("1.1", [unsaid, *module("design")], kind="design", agent=ARCHITECTURE, declares=["lookup"])
    scenario.turns("1.1", "work.gate", [[contract], [finish()]])
    _producer(scenario)
    package = create("src/parts/lookup/__init__.py", LOOKUP.format(signature="(path)"))
    scenario.work("1.3", [package, create("tests/test_shadow.py", TEST.format("shadow"))], agent=OTHER, deps=["1.1"])
    scenario.tasks[-1]["reviewers"] = [SECURITY]
    scenario.turns("1.3", f"review.{SECURITY}", [[bash(LANDED.format("1.2"))], *approve()])
    scenario.turns("1.3", f"review.{SECURITY}.2", approve())
    renamed = bash("mv src/parts/lookup src/parts/shadow; sed -i s/parts.lookup/parts.shadow/ tests/test_shadow.py")
    scenario.turns("1.3", "work.gate", [[renamed], [finish()]])
    _consumer(scenario)
    _overstepping(scenario)
    done = scenario.build("--slots", "12")
    assert done.code == 0, done.err
    return scenario


def _producer(scenario: Scenario) -> None:
    lookup = create("src/parts/lookup.py", LOOKUP.format(signature=SIGNATURE))
    tool = create("src/parts/tool.py", TOOL.format(option="--plain"))
    test = create("tests/test_lookup.py", TEST.format("lookup"))
    document = create("data/deep/er/b.json", "{}")
    scenario.work("1.2", [lookup, tool, test, document], agent=WORKER, deps=["1.1"], produces=["lookup"])
    mended = [create("data/a.json", '{"id": 1}'), create("data/deep/er/b.json", '{"id": 2}')]
    mended.append(create("src/parts/tool.py", TOOL.format(option="--json")))
    scenario.turns("1.2", "work.gate", [mended, [finish()]])


def _consumer(scenario: Scenario) -> None:
    test = create("tests/test_use.py", "from parts import use\n\n\ndef test_use():\n    assert use.use\n")
    use = [create("src/parts/shown.py", SHOWN), create("src/parts/use.py", USE.format("True"))]
    scenario.work("1.4", [*use, test], agent=ERRORS, deps=["1.1"], consumes=["lookup"])
    scenario.turns("1.4", "work.gate", [[create("src/parts/use.py", USE.format("fresh=True"))], [finish()]])


def _overstepping(scenario: Scenario) -> None:
    stray = bash("echo x > .gitignore; echo x > src/stray.py; echo x > contracts/lookup.yaml; ln -s /etc src/five/etc")
    code, test = module("five")
    code = create("src/five/__init__.py", code["input"]["file_text"])
    scenario.work("1.5", [code, test, stray], agent=SSE, deps=["1.1"], paths=["src/five/"])
    tidied = bash("rm .gitignore src/stray.py src/five/etc")
    contract = yaml.safe_dump(CONTRACT, sort_keys=False)
    scenario.turns("1.5", "work.gate", [[tidied, create("contracts/lookup.yaml", contract)], [finish()]])


def test_a_declaration_is_checked_before_anyone_builds_on_it(agreed: Scenario) -> None:
    """A contract that says nothing is refused with its file and fault; the right one is also kept in the home."""
    artifact = agreed.home.agent(ARCHITECTURE) / "artifacts" / "1.1" / "contracts" / "lookup.yaml"

    refused = "contract lookup is not declared as it must be by 1.1: contracts/lookup.yaml: states nothing; "
    refused += "give it any of python, schema and command"
    assert problems(agreed, "1.1") == [("answer", refused), ("answer", None), ("merged", None)]
    assert yaml.safe_load(artifact.read_text()) == CONTRACT


def test_a_producer_lands_only_what_fulfils_the_contract(agreed: Scenario) -> None:
    """Green tests are not enough: what the contract states and the tree lacks sends the producer back."""
    refused = "contract lookup (declared by 1.1) is not fulfilled by 1.2: "
    lacking = f"{refused}no file matches data/*.json; {refused}data/deep/er/b.json: 'id' is a required property; "
    lacking += f"{refused}`{{python}} -m parts.tool --help` does not name --json"

    assert problems(agreed, "1.2")[0] == ("answer", lacking)
    assert [problem for _, problem in problems(agreed, "1.2", "tests")] == [None] * 3
    assert agreed.statuses()["1.2"] == "merged"


def test_a_contract_broken_on_the_merged_tree_names_both_tasks(agreed: Scenario) -> None:
    """Two tasks whose tests pass, alone and together: the later one is refused for the contract, then lands."""
    broken = "contract lookup (declared by 1.1, produced by 1.2) is broken by 1.3: "
    broken += "parts.lookup.lookup takes (path), not (path, *, fresh=False)"
    (rejected,) = agreed.events("rejected")
    brief = agreed.brief("1.3", "work-1.2")

    assert rejected["task"] == "1.3"
    assert problems(agreed, "1.3") == [("merged", broken), ("answer", None), ("merged", None)]
    assert [problem for _, problem in problems(agreed, "1.3", "tests")] == [None] * 4
    assert f"## contracts: {broken}" in brief
    assert agreed.statuses()["1.3"] == "merged"


def test_a_consumer_calls_what_is_declared(agreed: Scenario) -> None:
    """Side by side with the producer, a call by way of a re-export that does not fit is refused with its line."""
    misfit = "src/parts/use.py:7 calls parts.lookup.lookup, which takes (path, *, fresh=False): "
    refused = "contract lookup (declared by 1.1, produced by 1.2) is broken by 1.4: "

    assert problems(agreed, "1.4")[0] == ("answer", f"{refused}{misfit}too many positional arguments")
    assert agreed.statuses()["1.4"] == "merged"
    assert agreed.events("session_started", "1.4")[0]["time"] < agreed.events("merged", "1.2")[0]["time"]


def test_both_sides_are_told_the_contract(agreed: Scenario) -> None:
    """The briefs of producer and consumer hold its text and say who is on the other side; others hear nothing."""
    made, used = agreed.brief("1.2", "work-1.1"), agreed.brief("1.4", "work-1.1")

    assert f"signature: '{SIGNATURE}'" in made and f"signature: '{SIGNATURE}'" in used
    assert "You make it true" in made and "You rely on it, and 1.2 makes it true" in used
    assert "You declare it, for 1.2, 1.4: write that file." in agreed.brief("1.1", "work-1.1")
    assert "# Contracts" not in agreed.brief("1.5", "work-1.1")


def test_what_may_not_be_written_is_refused_with_the_whole_list(agreed: Scenario) -> None:
    """Each path is told with its reason, and the answer without them lands; the agent knew its paths beforehand."""
    session = agreed.transcript("1.5")["work-1.1/brief"]
    listed = ".gitignore (protected), contracts/lookup.yaml (a contract, declared by 1.1), "
    listed += "src/five/etc (a link that leads out of the tree), src/stray.py (outside src/five/)"

    assert problems(agreed, "1.5", "rules")[0] == ("answer", f"changes protected paths: {listed}")
    assert "src/stray.py (outside src/five/)\n" in agreed.brief("1.5", "work-1.2")
    assert "This task writes src/five/ and its tests, and nothing else." in str(session)
    assert set(agreed.tree()) >= {"src/five/__init__.py", "tests/test_five.py"}
    assert not {".gitignore", "src/stray.py", "src/five/etc"} & set(agreed.tree())


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (
            "1.3",
            (
                "check: contracts is red on the merged tree: contract lookup (declared by 1.1, produced by 1.2) is "
                "broken by 1.3: parts.lookup.lookup takes (path), not (path, *, fresh=False)"
            ),
        ),
        (
            "1.5",
            (
                "check: rules is red: changes protected paths: .gitignore (protected), contracts/lookup.yaml (a "
                "contract, declared by 1.1), src/five/etc (a link that leads out of the tree), src/stray.py "
                "(outside src/five/)"
            ),
        ),
    ],
)
def test_why_names_the_contract_and_the_paths(agreed: Scenario, task: str, reason: str) -> None:
    """What sent a task back is told word for word, with both tasks or every path."""
    assert reason in agreed.told("why", task)


def test_a_changed_contract_is_not_held_against_what_is_to_be_done_again(
    prefect_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An edited declaration lands although its old producer does not fit, and the producer reads the new text."""
    scenario = Scenario(tmp_path_factory.mktemp("again"))
    scenario.task("1.1", kind="design", agent=ARCHITECTURE, declares=["lookup"])
    scenario.turns("1.1", f"review.{COORDINATOR}", approve())
    scenario.task("1.2", deps=["1.1"], produces=["lookup"])
    for signature in ("(path)", "(path, more=None)"):
        stated = {"name": "lookup", "python": [{"module": "parts.lookup", "name": "lookup", "signature": signature}]}
        scenario.turns(
            "1.1", "work", [[create("contracts/lookup.yaml", yaml.safe_dump(stated)), *module("design")], [finish()]]
        )
        code = create("src/parts/lookup.py", LOOKUP.format(signature=signature))
        scenario.turns("1.2", "work", [[code, create("tests/test_lookup.py", TEST.format("lookup"))], [finish()]])
        scenario.tasks[0]["accept"] = [f"lookup takes {signature}"]
        done = scenario.build()
        assert done.code == 0, done.err

    assert [problem for _, problem in problems(scenario, "1.1")] == [None] * 4
    assert "signature: (path, more=None)" in scenario.brief("1.2", "work-1.1")
    assert "def lookup(path, more=None):" in scenario.tree()["src/parts/lookup.py"]
