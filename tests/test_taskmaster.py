"""Promises of the import from Task Master: every task comes over with what it waits for, and what does not is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator import taskmaster
from orchestrator.errors import InputError
from orchestrator.foreign import Foreign


def entry(number: int | str, *deps: int | str, **more: Any) -> dict[str, Any]:
    """Return a task or subtask as Task Master writes it."""
    about = {"title": f"Task {number}", "description": f"Do {number}.", "status": "pending", "priority": "medium"}
    return {"id": number, **about, "dependencies": list(deps), **more}


def read(folder: Path, content: object, tag: str | None = None, *, with_done: bool = False) -> Foreign:
    """Return what a tasks.json of this content asks for."""
    path = folder / "tasks.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return taskmaster.read(path, tag, with_done=with_done)


def waits(found: Foreign) -> dict[str, tuple[str, ...]]:
    """Return what each task waits for."""
    return {item.id: item.deps for item in found.items}


NESTED = [
    entry(1),
    entry(2, 1, subtasks=[entry(1), entry(2, 1), entry(3, "1.1", "2.2"), entry(4, 1, 2)]),
    entry(3, 2, "2.2"),
]


def test_subtasks_become_tasks_and_their_parent_the_test_of_the_whole(tmp_path: Path) -> None:
    """A number beside a subtask is its sibling, N.M a subtask anywhere; what waits for a parent waits for its test."""
    raw = [entry(1, subtasks=[entry(1)]), *NESTED[1:]]
    found = read(tmp_path, {"tasks": raw})

    assert waits(found) == {
        "1.1": (),
        "1.2": ("1.1",),
        "2.1": ("1.2",),
        "2.2": ("1.2", "2.1"),
        "2.3": ("1.2", "1.1", "2.2"),
        "2.4": ("1.2", "2.1", "2.2"),
        "2.5": ("1.2", "2.1", "2.2", "2.3", "2.4"),
        "3.1": ("2.5", "2.2"),
    }
    assert {item.id: item.kind for item in found.items if item.kind != "code"} == {"1.2": "test", "2.5": "test"}
    assert [(group.number, group.name) for group in found.groups] == [(1, "Task 1"), (2, "Task 2"), (3, "Task 3")]


def test_all_that_a_task_says_becomes_accept_lines(tmp_path: Path) -> None:
    """Description, details, test strategy and criteria come over, a line each; without any, the title counts."""
    more = {"details": "Including:\n- a parser\n\n- a  writer", "testStrategy": "Unit tests.", "title": " Two\nlines "}
    raw = [entry(1, acceptanceCriteria="- fast\n- small", **more), {"id": 2, "title": "Bare"}]

    first, second = read(tmp_path, {"tasks": raw}).items

    assert first.title == "Two lines"
    assert first.accept == ("Do 1.", "Including:", "a parser", "a writer", "Unit tests.", "fast", "small")
    assert (second.accept, second.deps) == (("Bare",), ())


def test_what_is_done_is_left_out_and_waited_for_no_more(tmp_path: Path) -> None:
    """Done and cancelled tasks and subtasks are left out, unless they are asked for; both ways it is said."""
    raw = [entry(1, status="done"), entry(2, 1, subtasks=[entry(1, status="cancelled"), entry(2, 1)]), entry(3, "2.1")]

    found, everything = (read(tmp_path, {"tasks": raw}, with_done=flag) for flag in (False, True))

    assert waits(found) == {"2.2": (), "2.3": ("2.2",), "3.1": ()}
    assert "status done of 1: left out; what waits for it no longer does" in found.left_out
    assert waits(everything) == {"1.1": (), "2.1": ("1.1",), "2.2": ("1.1", "2.1"), "2.3": ("1.1", "2.1", "2.2"),
                                 "3.1": ("2.1",)}  # fmt: skip
    assert "status done of 1: every task of a plan begins anew" in everything.left_out


def test_what_has_no_place_is_said_line_by_line(tmp_path: Path) -> None:
    """States, priorities, unknown dependencies, fields that nobody reads and ids that are no numbers are each told."""
    raw = [entry("A-1", status="in-progress", complexityScore=7), entry("A-2", "A-1", "B-9", priority="high")]

    found = read(tmp_path, {"tasks": raw})

    assert waits(found) == {"1.1": (), "2.1": ("1.1",)}
    assert set(found.left_out) == {
        "id of A-1, A-2: counted anew, in their order",
        "status in-progress of A-1: every task of a plan begins anew",
        "priority medium of A-1: a plan goes by its longest path",
        "priority high of A-2: a plan goes by its longest path",
        "dependency on B-9 of A-2: there is no such task",
        "field complexityScore of A-1: a plan has no place for it",
    }


@pytest.mark.parametrize(
    ("tag", "titles"), [(None, ["Task 1"]), ("master", ["Task 1"]), ("login", ["Task 7"])], ids=["none", "one", "other"]
)
def test_a_tag_chooses_its_list(tmp_path: Path, tag: str | None, titles: list[str]) -> None:
    """Of a file with tags, `master` is read unless another is named."""
    raw = {"master": {"tasks": [entry(1)], "metadata": {}}, "login": {"tasks": [entry(7)]}}

    assert [item.title for item in read(tmp_path, raw, tag).items] == titles


def test_a_malformed_task_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """File, place and fault of each are one line; what waits for it is told too, and all others come over."""
    raw = [
        {"id": 1},
        entry(2, 1),
        "three",
        entry(2),
        entry(4, subtasks=[entry(1), {"id": 2, "title": 7}]),
        {"title": ""},
    ]

    found = read(tmp_path, {"tasks": raw})

    path = tmp_path / "tasks.json"
    assert [line.removeprefix(f"{path}: ").partition(":")[0] for line in found.faults] == [
        "tasks[0].title", "tasks[2]", "tasks[3].id", "tasks[5].id", "tasks[4].subtasks[1].title",
    ]  # fmt: skip
    assert list(waits(found)) == ["2.1", "4.1", "4.2"]
    assert "dependency on 1 of 2: there is no such task" in found.left_out


@pytest.mark.parametrize(
    ("content", "tag", "told"),
    [
        ("{", None, "not JSON"),
        ("[]", None, "not an object"),
        ({"master": {}}, None, "there is no tag `master` (it has none"),
        ({"a": {"tasks": []}, "b": {"tasks": []}}, None, "there is no tag `master` (it has a, b)"),
        ({"login": {"tasks": []}}, "logon", "did you mean `login`?"),
        ({"tasks": []}, "master", "has no tags"),
    ],
    ids=["torn", "list", "no list", "many tags", "near tag", "flat"],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: object, tag: str | None, told: str) -> None:
    """One line says which file and what is wrong with it."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, content, tag)

    assert str(caught.value).startswith(str(tmp_path / "tasks.json")) and told in str(caught.value)
