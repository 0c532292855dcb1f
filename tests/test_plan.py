"""Reading plans: what a right one gives, what is said of a wrong one, and the questions one can ask."""

import copy
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import plan as plans
from orchestrator.errors import InputError, PlanError
from orchestrator.models import Plan
from orchestrator.settings import BUNDLED_PLAN

Raw = dict[str, Any]
POLICY = {
    "planning_approver": "boss",
    "design_final_say": "architect",
    "implementation_veto": "guard",
    "release_block": "tester",
    "deadlock": "boss",
    "integration": "architect",
}


def raw_plan() -> Raw:
    """Return a small plan that is right: two components, four tasks, one workflow."""
    return {
        "version": 1,
        "name": "small",
        "phases": [{"number": 1, "name": "Start", "tasks": 3}, {"number": 2, "name": "End", "tasks": 1}],
        "components": [{"number": 1, "name": "part", "phase": 1}, {"number": 2, "name": "whole", "phase": 2}],
        "agents": [
            {"id": "boss", "label": "Project Boss", "category": "lead", "aliases": ["Chief"]},
            {"id": "architect", "label": "Architect Agent", "category": "lead", "aliases": ["Designer"]},
            {"id": "guard", "label": "Guard Agent", "category": "quality", "aliases": ["Watcher"]},
            {"id": "tester", "label": "Tester Agent", "category": "quality", "aliases": ["Watcher"]},
        ],
        "ambiguous_aliases": {"Watcher": ["guard", "tester"]},
        "policy": dict(POLICY),
        "gates": {"design": [{"name": "tests", "run": ["true"], "tests": True}], "code": [{"name": "b", "run": ["b"]}]},
        "workflows": [
            {
                "name": "all-of-it",
                "chain": ["Designer", "Watcher"],
                "stages": [{"label": "Designer", "tasks": ["1.1", "1.2"]}, {"label": "Watcher", "tasks": ["2.1"]}],
                "side_tasks": ["1.3"],
            }
        ],
        "tasks": [
            raw_task("1.1", agent="architect", kind="design", reviewers=["boss"]),
            raw_task("1.2", agent="tester", deps=["1.1"]),
            raw_task("1.3", agent="guard", deps=["1.1"]),
            raw_task("2.1", agent="tester", deps=["1.2", "1.3"], reviewers=["guard"]),
        ],
    }


def raw_task(task_id: str, **fields: object) -> Raw:
    """Return a task with no more than it must say, and these fields."""
    return {"id": task_id, "title": f"Task {task_id}", "kind": "code", "effort": 1, "accept": ["it works"], **fields}


def write(folder: Path, raw: object) -> Path:
    """Write a plan, given as text or as data."""
    path = folder / "plan.yaml"
    path.write_text(raw if isinstance(raw, str) else yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return path


def load(folder: Path, raw: object, **options: Any) -> Plan:
    """Return the plan that was written."""
    return plans.load(write(folder, raw), **options)


def problems_of(folder: Path, raw: object, **options: Any) -> tuple[str, ...]:
    """Return what is said of a plan that is wrong."""
    with pytest.raises(PlanError) as caught:
        load(folder, raw, **options)
    return caught.value.problems


@pytest.fixture(scope="module")
def bundled() -> Plan:
    """Return the plan that ships."""
    return plans.load(BUNDLED_PLAN)


# The bundled plan


def test_the_bundled_plan_is_whole(bundled: Plan) -> None:
    """The plan that ships has the tasks, agents, phases, components and workflows that it promises."""
    counts = [len(part) for part in (bundled.tasks, bundled.agents, bundled.components, bundled.workflows)]

    assert counts == [95, 26, 25, 5]
    assert [phase.tasks for phase in bundled.phases] == [25, 25, 15, 10, 10, 10]
    assert [len(plans.phase(bundled, phase.number)) for phase in bundled.phases] == [25, 25, 15, 10, 10, 10]


def test_every_agent_of_the_bundled_plan_has_work(bundled: Plan) -> None:
    """No agent is on the roster for show."""
    working = {task.agent for task in bundled.tasks}

    assert working == {agent.id for agent in bundled.agents}


def test_every_gate_of_the_bundled_plan_runs_tests(bundled: Plan) -> None:
    """There is no kind of task whose work is believed without a test."""
    gates = {task.kind: plans.gate(bundled, task) for task in bundled.tasks}

    assert set(gates) == {"design", "code", "test", "doc"}
    assert all(any(command.tests for command in gate) for gate in gates.values())
    assert [command.name for command in gates["code"]] == ["compile", "tests"]


def test_only_owners_write_protected_paths(bundled: Plan) -> None:
    """Every exception to the protected paths is one of those paths, given to few tasks."""
    exceptions = {task.id: task.writes for task in bundled.tasks if task.writes}

    assert set(exceptions) == {"1.2", "1.3", "14.1", "18.1", "18.2", "20.2"}
    assert {path for paths in exceptions.values() for path in paths} <= set(bundled.policy.protected)


def test_the_bundled_plan_loads_in_a_moment() -> None:
    """Reading and checking the whole plan costs well under a tenth of a second of CPU."""
    seconds: list[float] = []
    for _ in range(5):
        start = time.process_time()
        plans.load(BUNDLED_PLAN)
        seconds.append(time.process_time() - start)

    assert min(seconds) < 0.1


def test_planning_is_light() -> None:
    """Neither the plan nor its keys, schedule and decisions bring in a heavy library."""
    program = (
        "import sys, orchestrator.plan, orchestrator.taskkey, orchestrator.schedule, orchestrator.authority;"
        "print({'prefect', 'duckdb', 'anthropic', 'jinja2', 'rich', 'click', 'asyncio'} & set(sys.modules))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(plans.__file__).parents[1]
    ).stdout

    assert printed == "set()\n"


# What a right plan gives


def test_a_plan_may_leave_out_what_follows(tmp_path: Path) -> None:
    """Component, its name, the phase and a workflow's path are derived where the plan does not say them."""
    plan = load(tmp_path, raw_plan())

    task = plans.task(plan, "2.1")
    assert (task.component, task.component_name, task.phase) == (2, "whole", 2)
    assert plan.workflows[0].path == ("1.1", "1.2", "2.1")


def test_agents_are_named_by_id_whatever_the_file_says(tmp_path: Path) -> None:
    """Labels, aliases and any case in tasks, reviewers and policy come out as ids."""
    raw = raw_plan()
    raw["tasks"][0] |= {"agent": "DESIGNER", "reviewers": ["project  boss"]}
    raw["policy"] |= {"deadlock": "chief", "default_reviewers": {"design": ["Designer"]}}

    plan = load(tmp_path, raw)

    assert (plan.tasks[0].agent, plan.tasks[0].reviewers) == ("architect", ("boss",))
    assert (plan.policy.deadlock, plan.policy.default_reviewers) == ("boss", {"design": ("architect",)})


def test_an_id_without_quotes_is_an_id(tmp_path: Path) -> None:
    """1.10 stays 1.10 and does not become the number 1.1."""
    raw = raw_plan()
    raw["phases"][0]["tasks"] = 4
    raw["tasks"].append(raw_task("1.10", agent="boss", deps=["1.1"]))
    text = yaml.safe_dump(raw).replace("'1.10'", "1.10").replace("'1.1'", "1.1")

    plan = load(tmp_path, text)

    assert plans.task(plan, "1.10").deps == ("1.1",)


def test_the_layout_of_the_file_is_not_its_content(tmp_path: Path) -> None:
    """The digest is the same wherever the file lies and however it is laid out, and differs with the content."""
    other = tmp_path / "other"
    other.mkdir()
    raw = raw_plan()
    plan = load(tmp_path, raw)
    laid_out_otherwise = load(other, "# hello\n" + yaml.safe_dump(raw, default_flow_style=True, sort_keys=True))
    raw["tasks"][0]["title"] = "Another"
    changed = load(tmp_path, raw)

    assert plans.digest(laid_out_otherwise) == plans.digest(plan)
    assert plans.digest(changed) != plans.digest(plan)


# What is said of a wrong plan

Change = Callable[[Raw], object]
WRONG: dict[str, tuple[Change, str]] = {
    "effort too large": (
        lambda raw: raw["tasks"][1].update(effort=9),
        "task 1.2: effort: must be less than or equal to 3; is 9",
    ),
    "kind unknown": (
        lambda raw: raw["tasks"][1].update(kind="poem"),
        "task 1.2: kind: must be 'design', 'code', 'test' or 'doc'; is 'poem'",
    ),
    "field missing": (lambda raw: raw["tasks"][1].pop("accept"), "task 1.2: accept: is missing"),
    "field misspelt": (
        lambda raw: raw["tasks"][1].update(reviewer=["boss"]),
        "task 1.2: reviewer: is not a field that plans have; did you mean `reviewers`?",
    ),
    "item of a list": (
        lambda raw: raw["tasks"][1].update(deps=["1.1", "x"]),
        "task 1.2: deps: item 2: must look like 3.2, component and step; is 'x'",
    ),
    "text that is no text": (
        lambda raw: raw["tasks"][1].update(title=True),
        "task 1.2: title: must be text; put true in quotes",
    ),
    "task without id": (lambda raw: raw["tasks"][1].pop("id"), "task no. 2 in the file: id: is missing"),
    "policy no mapping": (lambda raw: raw.update(policy="boss"), "policy: must be a mapping; is 'boss'"),
    "policy": (lambda raw: raw["policy"].pop("deadlock"), "policy: deadlock: is missing"),
    "section missing": (lambda raw: raw.pop("tasks"), "tasks: is missing"),
    "section no list": (lambda raw: raw.update(agents={"a": 1}), "agents: must be a list"),
    "version": (lambda raw: raw.update(version=2), "version: must be 1; is 2"),
    "top level": (lambda raw: raw.update(taskz=[]), "taskz: is not a field that plans have; did you mean `tasks`?"),
    "task twice": (
        lambda raw: raw["tasks"].append(raw["tasks"][0]),
        "task 1.1: is there 2 times; each needs a name of its own",
    ),
    "agent twice": (
        lambda raw: raw["agents"].append(raw["agents"][0]),
        "agent boss: is there 2 times; each needs a name of its own",
    ),
    "component twice": (
        lambda raw: raw["components"].append(raw["components"][0]),
        "component 1: is there 2 times; each needs a name of its own",
    ),
    "phase twice": (
        lambda raw: raw["phases"].append(raw["phases"][0]),
        "phase 1: is there 2 times; each needs a name of its own",
    ),
    "workflow twice": (
        lambda raw: raw["workflows"].append(raw["workflows"][0]),
        "workflow all-of-it: is there 2 times; each needs a name of its own",
    ),
    "agent unknown": (
        lambda raw: raw["tasks"][1].update(agent="testr"),
        "task 1.2: agent: no agent is called `testr`; did you mean `tester`?",
    ),
    "agent ambiguous": (
        lambda raw: raw["tasks"][1].update(agent="watcher"),
        "task 1.2: agent: `watcher` may be guard or tester; name one by its id",
    ),
    "reviewer unknown": (
        lambda raw: raw["tasks"][1].update(reviewers=["nobody at all"]),
        "task 1.2: reviewers: no agent is called `nobody at all`",
    ),
    "reviews itself": (
        lambda raw: raw["tasks"][1].update(reviewers=["Tester Agent"]),
        "task 1.2: reviewers: tester would review its own work",
    ),
    "reviewer twice": (
        lambda raw: raw["tasks"][1].update(reviewers=["boss", "Chief"]),
        "task 1.2: reviewers: boss is named twice",
    ),
    "dep unknown": (
        lambda raw: raw["tasks"][1].update(deps=["1.1", "11.1"]),
        "task 1.2: deps: there is no task 11.1; did you mean `1.1`?",
    ),
    "unknown task to come after": (
        lambda raw: raw["tasks"][1].update(after=["11.1"]),
        "task 1.2: after: there is no task 11.1; did you mean `1.1`?",
    ),
    "waited for in both ways": (
        lambda raw: raw["tasks"][1].update(deps=["1.1"], after=["1.1"]),
        "task 1.2: after: 1.1 is among its deps as well; name it once",
    ),
    "cycle through what comes after": (
        lambda raw: raw["tasks"][0].update(after=["2.1"]),
        "tasks wait for each other: 1.1 → 2.1 → 1.2 → 1.1",
    ),
    "cycle": (lambda raw: raw["tasks"][0].update(deps=["2.1"]), "tasks wait for each other: 1.1 → 2.1 → 1.2 → 1.1"),
    "waits for itself": (lambda raw: raw["tasks"][0].update(deps=["1.1"]), "tasks wait for each other: 1.1 → 1.1"),
    "phase count": (lambda raw: raw["phases"][0].update(tasks=7), "phase 1: has 3 tasks where it says 7"),
    "component of a task": (
        lambda raw: raw["tasks"][1].update(component=2),
        "task 1.2: component: is 2, but the id says 1",
    ),
    "component unknown": (
        lambda raw: raw["tasks"].append(raw_task("31.1", agent="boss")),
        "task 31.1: component: 31 is not in this plan",
    ),
    "component name": (
        lambda raw: raw["tasks"][1].update(component_name="hole"),
        "task 1.2: component_name: is `hole`, but that of 1 is part",
    ),
    "phase of a task": (
        lambda raw: raw["tasks"][1].update(phase=2),
        "task 1.2: phase: is 2, but its component 1 is of phase 1",
    ),
    "phase of a component": (
        lambda raw: raw["components"].append({"number": 3, "name": "x", "phase": 8}),
        "component 3: phase 8 is not in this plan",
    ),
    "no chain": (
        lambda raw: raw["tasks"][1].update(deps=[]),
        "workflow all-of-it: is no chain: 1.2 does not wait for 1.1",
    ),
    "chain and stages": (
        lambda raw: raw["workflows"][0].update(chain=["Designer", "Chief"]),
        "workflow all-of-it: its stages are Designer → Watcher, but its chain is Designer → Chief",
    ),
    "path and stages": (
        lambda raw: raw["workflows"][0].update(path=["1.1", "2.1"]),
        "workflow all-of-it: the tasks of its stages are 1.1, 1.2, 2.1, but its path is 1.1, 2.1",
    ),
    "side task unknown": (
        lambda raw: raw["workflows"][0].update(side_tasks=["9.9"]),
        "workflow all-of-it: there is no task 9.9",
    ),
    "policy asks for nothing known": (
        lambda raw: raw["policy"].update(message_for_kind={"code": ["build", "code"]}),
        "policy: message_for_kind: code: item 1: must be 'implement', 'review', 'test' or 'document'; is 'build'",
    ),
    "policy names nobody": (
        lambda raw: raw["policy"].update(deadlock="bos"),
        "policy: deadlock: no agent is called `bos`; did you mean `boss`?",
    ),
    "default reviewer": (
        lambda raw: raw["policy"].update(default_reviewers={"design": ["guardd"]}),
        "policy: default_reviewers: design: no agent is called `guardd`; did you mean `guard`?",
    ),
    "release gate": (
        lambda raw: raw["policy"].update(release_gates=["2.11"]),
        "policy: release_gates: there is no task 2.11; did you mean `2.1`?",
    ),
    "gate unknown": (
        lambda raw: raw["tasks"][1].update(gate="cod"),
        "task 1.2: gate: no gate is called `cod`; did you mean `code`?",
    ),
    "gate missing": (
        lambda raw: raw["tasks"][1].update(kind="doc"),
        "task 1.2: gate: there is no gate for its kind, doc; add it under `gates`",
    ),
    "gate with tests in two commands": (
        lambda raw: raw["gates"]["design"].append({"name": "more", "run": ["true"], "tests": True}),
        (
            "gate design: tests and more both run tests, but each would have to run those of the other; "
            "make them one command"
        ),
    ),
    "gate without command": (
        lambda raw: raw["gates"].update(code=[{"name": "b", "run": []}]),
        "gates: code: item 1: run: must have at least 1 item after validation, not 0",
    ),
    "alias of two": (
        lambda raw: raw.pop("ambiguous_aliases"),
        "agents guard and tester: both are called `watcher`; rename one or list it in ambiguous_aliases",
    ),
    "contract by code": (
        lambda raw: raw["tasks"][1].update(declares=["lookup"]),
        "task 1.2: declares: only a design task declares contracts; this one is code",
    ),
    "contract misnamed": (
        lambda raw: raw["tasks"][0].update(declares=["../Lookup"]),
        "task 1.1: declares: `../Lookup` is no name of a contract; use small letters, digits and single dashes",
    ),
    "contract twice": (
        lambda raw: [task.update(declares=["lookup"], kind="design") for task in raw["tasks"][:2]],
        "contract lookup: is declared by 1.1 and 1.2; one task declares it",
    ),
    "contract unknown": (
        lambda raw: [raw["tasks"][0].update(declares=["lookup"]), raw["tasks"][1].update(produces=["lokup"])],
        "task 1.2: produces: no task declares a contract `lokup`; did you mean `lookup`?",
    ),
    "contract not waited for": (
        lambda raw: [raw["tasks"][0].update(declares=["lookup"]), raw["tasks"][1].update(deps=[], consumes=["lookup"])],
        "task 1.2: consumes: lookup is declared by 1.1, which this task does not wait for; add it to deps",
    ),
    "contract of nobody": (
        lambda raw: [raw["tasks"][0].update(declares=["lookup"]), raw["tasks"][1].update(consumes=["lookup"])],
        "contract lookup: 1.2 consumes it, but no task produces it",
    ),
    "path out of the project": (
        lambda raw: raw["tasks"][1].update(paths=["src/", "../other"]),
        "task 1.2: paths: `../other` is no path inside the project; write it from the root, such as src/parts/",
    ),
    "path from the top": (
        lambda raw: raw["tasks"][1].update(paths=["/src"]),
        "task 1.2: paths: `/src` is no path inside the project; write it from the root, such as src/parts/",
    ),
    "ambiguous for nobody": (
        lambda raw: raw["ambiguous_aliases"].update(Boy=["gard", "boss"]),
        "ambiguous_aliases: Boy: no agent has the id `gard`; did you mean `guard`?",
    ),
    "an agent with the name of the user": (
        lambda raw: raw["agents"].append({"id": "user", "label": "Friend", "category": "lead"}),
        "agent user: the name `user` is reserved, as user, mbo, ALL are; choose another",
    ),
    "an alias that means everyone": (
        lambda raw: raw["agents"][0]["aliases"].append("All"),
        "agent boss: the name `all` is reserved, as user, mbo, ALL are; choose another",
    ),
}


@pytest.mark.parametrize(("change", "problem"), WRONG.values(), ids=WRONG.keys())
def test_a_problem_is_told_with_its_place(tmp_path: Path, change: Change, problem: str) -> None:
    """Each way in which a plan can be wrong gives one sentence that names the place and what is there."""
    raw = copy.deepcopy(raw_plan())
    change(raw)

    assert problem in problems_of(tmp_path, raw)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Faults of shape, of names and of the graph come together, not one after the other, and nothing beside them."""
    raw = raw_plan()
    raw["tasks"][1]["effort"] = 9
    raw["tasks"][2]["agent"] = "gard"
    raw["tasks"][0]["deps"] = ["2.1"]
    raw["tasks"][3]["deps"] = ["1.1", "1.2"]
    raw["policy"]["revise_rounds"] = -1

    assert problems_of(tmp_path, raw) == (
        "policy: revise_rounds: must be greater than or equal to 0; is -1",
        "task 1.2: effort: must be less than or equal to 3; is 9",
        "task 1.3: agent: no agent is called `gard`; did you mean `guard`?",
        "tasks wait for each other: 1.1 → 2.1 → 1.1",
    )


def test_each_knot_is_told(tmp_path: Path) -> None:
    """Two knots of tasks give two problems, each with its way round."""
    raw = raw_plan()
    raw["workflows"] = []
    raw["tasks"][0]["deps"] = ["1.2"]
    raw["tasks"][2]["deps"] = ["2.1"]

    knots = [problem for problem in problems_of(tmp_path, raw) if problem.startswith("tasks wait")]

    assert knots == ["tasks wait for each other: 1.1 → 1.2 → 1.1", "tasks wait for each other: 1.3 → 2.1 → 1.3"]


def test_the_error_reads_as_a_list(tmp_path: Path) -> None:
    """The text of the error names the file and the count, then one problem a line."""
    raw = raw_plan()
    raw["version"] = 2
    path = write(tmp_path, raw)

    with pytest.raises(PlanError) as caught:
        plans.load(path)

    assert str(caught.value).splitlines() == [
        f"{path}: 1 problem in this plan; mend and try again",
        "  - version: must be 1; is 2",
    ]


def test_an_agent_needs_a_definition(tmp_path: Path) -> None:
    """Where definitions are known, an agent of the plan without one is a problem."""
    problems = problems_of(tmp_path, raw_plan(), definitions={"boss", "architect", "guard", "testers"})

    assert problems == ("agent tester: has no definition of that name; did you mean `testers`?",)


def test_consumer_and_producer_of_a_contract_need_not_wait_for_each_other(tmp_path: Path) -> None:
    """Both wait for the declaration, near or far, and for nothing else."""
    raw = raw_plan()
    raw["tasks"][0]["declares"] = ["lookup"]
    raw["tasks"][1]["produces"] = raw["tasks"][2]["consumes"] = raw["tasks"][3]["consumes"] = ["lookup"]

    plan = load(tmp_path, raw)

    assert [task.consumes for task in plan.tasks] == [(), (), ("lookup",), ("lookup",)]


@pytest.mark.parametrize("field", ["toolchain", "specification"])
def test_a_named_file_must_be_there(tmp_path: Path, field: str) -> None:
    """A plan that names a file beside it which is not there is wrong."""
    problems = problems_of(tmp_path, raw_plan() | {field: "gone.txt"})

    assert problems == (f"{field}: there is no file {tmp_path / 'gone.txt'}",)


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    """YAML that does not parse is told with line and column."""
    problems = problems_of(tmp_path, "version: 1\nphases:\n- number: 1\n  name: [a\ntasks: []\n")

    assert len(problems) == 1
    assert re.match(r"line 5, column \d+: ", problems[0])


def test_a_key_that_is_there_twice_is_told(tmp_path: Path) -> None:
    """A second `gates:` does not silently win over the first."""
    text = yaml.safe_dump(raw_plan(), sort_keys=False)
    line = len(text.splitlines()) + 1

    assert problems_of(tmp_path, text + "version: 1\n") == (f"line {line}: `version` stands here twice",)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"# only words\n", "empty"),
        (b"- a\n- b\n", "not a mapping"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
    ids=["no file", "empty", "comment", "list", "bytes"],
)
def test_what_is_no_plan_at_all_gets_one_line(tmp_path: Path, content: bytes | None, told: str) -> None:
    """A file that is missing, empty or something else is told in one line that names it."""
    path = tmp_path / "plan.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InputError) as caught:
        plans.load(path)

    assert str(caught.value).startswith(f"{path}: {told}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: !!int x\n",
        "a: !!timestamp x\n",
        "a: !!python/object:os.system x\n",
        "a: &a [*a]\n",
        "? [a]\n: 1\n",
        "5: 4\n",
    ],
    ids=["no number", "no date", "object", "loop", "list as key", "number as key"],
)
def test_odd_yaml_is_a_problem_and_no_crash(tmp_path: Path, text: str) -> None:
    """Tags, loops and keys that no plan has are told like any other problem."""
    assert problems_of(tmp_path, text)


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    """A folder in the place of the file is told in one line."""
    with pytest.raises(InputError, match="Is a directory; name the plan's YAML file"):
        plans.load(tmp_path)


# Questions


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mcp-testing-quality", "mcp-testing-quality"),
        ("MCP-Testing-Quality", "mcp-testing-quality"),
        ("testing agent", "mcp-testing-quality"),
        ("Testing  Quality Agent", "mcp-testing-quality"),
        ("SDK Expert", "mcp-claude-sdk-expert"),
    ],
    ids=["id", "id in capitals", "alias", "label", "another alias"],
)
def test_an_agent_is_found_by_any_name(bundled: Plan, name: str, expected: str) -> None:
    """Id, label and alias mean the agent, in any case."""
    assert plans.agent(bundled, name) == expected


@pytest.mark.parametrize("name", ["Storage Agent", "mcp-storage", "monitoring", "Streaming Agent"])
def test_an_ambiguous_name_lists_its_candidates(bundled: Plan, name: str) -> None:
    """A name that may mean two agents is refused, with both."""
    listed = {alias.casefold(): ids for alias, ids in bundled.ambiguous_aliases.items()}

    with pytest.raises(InputError) as caught:
        plans.agent(bundled, name)

    assert " or ".join(listed[name.casefold()]) in str(caught.value)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda plan: plans.agent(plan, "mcp-testin-quality"), "did you mean `mcp-testing-quality`?"),
        (lambda plan: plans.agent(plan, "Cordinator"), "did you mean `mcp-project-coordinator`?"),
        (lambda plan: plans.task(plan, "3.22"), "there is no task `3.22` in claude-code-mcp; did you mean `3.2`?"),
        (lambda plan: plans.workflow(plan, "binary"), "(it has binary-manager, session-streaming,"),
        (lambda plan: plans.workflow(plan, "hook-framework"), "did you mean `hooks-framework`?"),
        (lambda plan: plans.phase(plan, 7), "there is no phase 7 in claude-code-mcp (it has 1, 2, 3, 4, 5, 6)"),
        (lambda plan: plans.prerequisites(plan, ["3.1", "77.1"]), "there is no task `77.1`"),
        (lambda plan: plans.dependents(plan, ["77.1"]), "there is no task `77.1`"),
    ],
    ids=["agent", "alias", "task", "workflow", "near workflow", "phase", "prerequisites", "dependents"],
)
def test_an_unknown_name_is_answered_in_one_line(bundled: Plan, ask: Callable[[Plan], object], told: str) -> None:
    """A look-up that fails says what is there or what is near, in one line."""
    with pytest.raises(InputError) as caught:
        ask(bundled)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_workflow_is_found_in_any_case(bundled: Plan) -> None:
    """The name of a workflow counts, not its capitals."""
    assert plans.workflow(bundled, "Binary-Manager").path == ("3.1", "3.2", "3.4", "3.5")


def test_prerequisites_and_dependents_mirror_each_other(bundled: Plan) -> None:
    """One task is a prerequisite of another exactly where the other depends on it."""
    forward = {(task.id, other) for task in bundled.tasks for other in plans.dependents(bundled, [task.id])}
    backward = {(other, task.id) for task in bundled.tasks for other in plans.prerequisites(bundled, [task.id])}

    assert forward == backward
    assert plans.prerequisites(bundled, ["3.2"]) == {"1.1", "1.2", "1.4", "2.1", "2.2", "2.3", "3.1"}


def test_those_asked_about_are_not_in_the_answer(bundled: Plan) -> None:
    """Asked about a task and one that waits for it, neither is counted."""
    assert plans.prerequisites(bundled, ["1.1", "1.2"]) == frozenset()


def test_a_task_may_name_its_gate(tmp_path: Path) -> None:
    """The gate that a task names goes before its kind's, and changes the gate's digest."""
    raw = raw_plan()
    raw["tasks"][1]["gate"] = "design"
    plan = load(tmp_path, raw)
    own, of_kind = plans.task(plan, "1.2"), plans.task(plan, "1.3")

    assert [command.name for command in plans.gate(plan, own)] == ["tests"]
    assert [command.name for command in plans.gate(plan, of_kind)] == ["b"]
    assert plans.gate_digest(plan, own) != plans.gate_digest(plan, of_kind)


def test_a_component_reads_its_own_entry_of_the_specification() -> None:
    """Each component gets what is said to all and its own entry, not the entries of the others."""
    text = "# Product\n\n## Components\n\n1. **A.** One.\n2. **B.** Two.\n12. **C.** No.\n\n## Facts\n\n- 1. stays\n"

    assert plans.specification(text, 2) == "# Product\n\n## Components\n\n2. **B.** Two.\n\n## Facts\n\n- 1. stays\n"


def test_a_specification_without_components_is_for_everyone() -> None:
    """A text without that heading is given whole, numbered lists included."""
    text = "# Product\n\n1. One.\n2. Two.\n"

    assert plans.specification(text, 2) == text
