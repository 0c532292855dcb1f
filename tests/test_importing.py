"""Promises of `mbo plan import`: what is written is a plan, nothing is lost in silence, nothing is overwritten."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from orchestrator import plan as plans
from tests.scenario import TESTING, WORKER, mbo
from tests.test_speckit import TASKS
from tests.test_taskmaster import NESTED, entry


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return a task list of each tool."""
    made = {"json": tmp_path / "tasks.json", "md": tmp_path / "tasks.md"}
    made["json"].write_text(json.dumps({"master": {"tasks": NESTED}}), encoding="utf-8")
    made["md"].write_text(TASKS, encoding="utf-8")
    (tmp_path / "spec.md").write_text("# Albums\n", encoding="utf-8")
    return made


@pytest.mark.parametrize(("tool", "count"), [("json", 7), ("md", 9)])
def test_what_is_written_is_a_plan(files: dict[str, Path], tmp_path: Path, tool: str, count: int) -> None:
    """The file passes every check of a plan, has a gate that runs tests, and once more changes nothing."""
    output = tmp_path / "out" / "plan.yaml"
    output.parent.mkdir()
    line = ("plan", "import", str(files[tool]), "--output", str(output))

    done, again = mbo(*line), mbo(*line)

    plan = plans.load(output)
    assert (done.code, again.code) == (0, 0), done.err
    assert "a build needs `playbook: DIR` in the plan" in done.err
    assert len(plan.tasks) == count
    assert {(task.agent, task.reviewers) for task in plan.tasks} == {(WORKER, (TESTING,))}
    assert all(command.tests for task in plan.tasks for command in plans.gate(plan, task))
    assert mbo("plan", "--plan", str(output)).code == 0
    assert plan.specification == ("../spec.md" if tool == "md" else None)
    assert len(list(output.parent.iterdir())) == 1


def test_a_protected_file_that_a_task_names_may_be_written_by_it(files: dict[str, Path], tmp_path: Path) -> None:
    """A task that is there to write `pyproject.toml` can, and no other."""
    mbo("plan", "import", str(files["md"]), "--output", str(tmp_path / "plan.yaml"), "--agent", "SDK Expert")

    plan = plans.load(tmp_path / "plan.yaml")
    assert {task.id: task.writes for task in plan.tasks if task.writes} == {"1.2": ("pyproject.toml",)}
    assert {task.agent for task in plan.tasks} == {"mcp-claude-sdk-expert"}


def test_a_malformed_entry_costs_no_other(files: dict[str, Path], tmp_path: Path) -> None:
    """The plan is written without it, the fault is named on stderr, and the exit code says so."""
    files["json"].write_text(json.dumps({"tasks": [entry(1), {"id": 2}]}), encoding="utf-8")
    output = tmp_path / "plan.yaml"

    done = mbo("plan", "import", str(files["json"]), "--output", str(output))

    assert done.code == 2
    assert f"{files['json']}: tasks[1].title: is missing; the whole entry is left out\n" in done.err
    assert done.err.endswith(f"mbo: {files['json']}: 1 fault, named above; all the rest is in {output}\n")
    assert [task.id for task in plans.load(output).tasks] == ["1.1"]


@pytest.mark.parametrize(
    ("tasks", "words", "told"),
    [
        ([], (), "tasks.json: there is no task to take from it\n"),
        ([entry(1, status="done")], (), "tasks.json: every task is done; --with-done takes them in\n"),
        ([entry(1)], ("--agent", "sdk-expart"), "did you mean `mcp-claude-sdk-expert`?"),
        ([entry(1)], ("--tag", "x"), "has no tags"),
    ],
    ids=["no task", "all done", "unknown agent", "no tags"],
)
def test_what_makes_no_plan_is_refused(
    files: dict[str, Path], tmp_path: Path, tasks: list[object], words: tuple[str, ...], told: str
) -> None:
    """Nothing is written where there is no plan to write."""
    files["json"].write_text(json.dumps({"tasks": tasks}), encoding="utf-8")

    done = mbo("plan", "import", str(files["json"]), "--output", str(tmp_path / "plan.yaml"), *words)

    assert done.code == 2 and told in done.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["spec.md", "tasks.json", "tasks.md"]


def test_no_file_is_overwritten(files: dict[str, Path], tmp_path: Path) -> None:
    """A plan that somebody has edited stays, and another kind of file is no source."""
    output = tmp_path / "plan.yaml"
    output.write_text("mine", encoding="utf-8")

    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere.yaml")
    md = ("plan", "import", str(files["md"]), "--output")

    done, link = mbo(*md, str(output)), mbo(*md, str(tmp_path / "link.yaml"))
    other = mbo("plan", "import", str(output), "--output", str(tmp_path / "new.yaml"))

    assert done.code == link.code == other.code == 2
    assert "link.yaml: is there already" in link.err and not (tmp_path / "nowhere.yaml").exists()
    assert "is there already; name another --output" in done.err and output.read_text(encoding="utf-8") == "mine"
    assert "neither a tasks.json of Task Master nor a tasks.md of Spec Kit" in other.err


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("none/plan.yaml", "none; make it, or name another file"),
        (f"{'x' * 300}.yaml", "xx.yaml: cannot be written (File name too long); name another file"),
    ],
    ids=["no folder", "long name"],
)
def test_a_place_that_takes_no_file_is_named(files: dict[str, Path], tmp_path: Path, output: str, told: str) -> None:
    """No folder is made for a plan, and what the disk refuses is told of the file that was asked for."""
    done = mbo("plan", "import", str(files["json"]), "--output", str(tmp_path / output))

    assert done.code == 2 and told in done.err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["spec.md", "tasks.json", "tasks.md"]


def test_a_plan_goes_through_a_pipe(files: dict[str, Path], tmp_path: Path) -> None:
    """A pipe is no file that could be overwritten: its reader gets the plan, checked like any other."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        done = mbo("plan", "import", str(files["json"]), "--output", str(pipe))

        assert done.code == 0, done.err
        assert len(yaml.safe_load(read.result())["tasks"]) == 7
    assert pipe.is_fifo()
