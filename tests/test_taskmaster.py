"""Promises of the import from Task Master: every task comes over with what it waits for, and what does not is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import InputError
from orchestrator.foreign import Foreign, taskmaster


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
    """What is done, cancelled or deferred is left out, unless it is asked for; both ways it is said."""
    raw = [
        entry(1, status="done", subtasks=[]),
        entry(2, 1, subtasks=[entry(1, status="Cancelled"), entry(2, 1)]),
        entry(3, "2.1", 4),
        entry(4, status="deferred", subtasks=[entry(1)]),
    ]

    found, everything = (read(tmp_path, {"tasks": raw}, with_done=flag) for flag in (False, True))

    assert waits(found) == {"2.2": (), "2.3": ("2.2",), "3.1": ()}
    assert "status done of 1: left out; what waits for it no longer does" in found.left_out
    assert "status deferred of 4: left out; what waits for it no longer does" in found.left_out
    assert "work of 4.1: left out with 4, which is deferred" in found.left_out
    assert waits(everything) == {"1.1": (), "2.1": ("1.1",), "2.2": ("1.1", "2.1"), "2.3": ("1.1", "2.1", "2.2"),
                                 "3.1": ("2.1", "4.2"), "4.1": (), "4.2": ("4.1",)}  # fmt: skip
    assert (found.are_done, everything.are_done) == (True, False)
    assert "status done of 1: every task of a plan begins anew" in everything.left_out


def test_what_has_no_place_is_said_line_by_line(tmp_path: Path) -> None:
    """States, priorities, unknown dependencies, fields and tags that nobody reads and strange ids are each told."""
    deep = entry("b", subtasks=[entry(1)])
    raw = [
        entry("A-1", status="in-progress", complexityScore=7, notes=""),
        entry("A-2", "A-1", "B-9", priority="high", subtasks=[deep]),
    ]
    tags = {"login": {"tasks": [entry(1)]}, "meta": {"projectName": "x"}}

    found = read(tmp_path, {"master": {"tasks": raw, "metadata": {"updated": "today"}}, **tags})

    assert waits(found) == {"1.1": (), "2.1": ("1.1",), "2.2": ("1.1", "2.1")}
    assert set(found.left_out) == {
        "id of A-1, A-2, A-2.b: counted anew, in their order",
        "status in-progress of A-1: every task of a plan begins anew",
        "priority medium of A-1, A-2.b: a plan goes by its longest path",
        "priority high of A-2: a plan goes by its longest path",
        "dependency on B-9 of A-2: no such task could be read",
        "field complexityScore of A-1: a plan has no place for it",
        "subtasks of A-2.b: a plan has no place for a third level",
        "list of tag login (1): left out; --tag takes another one",
        "field metadata of tag master: a plan has no place for it",
        "field meta of the file: a plan has no place for it",
    }


@pytest.mark.parametrize(
    ("tag", "title", "name"),
    [(None, "Task 1", "albums"), ("master", "Task 1", "albums"), ("login", "Task 7", "login")],
    ids=["none", "one", "other"],
)
def test_a_tag_chooses_its_list(tmp_path: Path, tag: str | None, title: str, name: str) -> None:
    """Of a file with tags, `master` is read unless another is named; it bears the name of the project's folder."""
    folder = tmp_path / "albums" / ".taskmaster" / "tasks"
    folder.mkdir(parents=True)
    raw = {"master": {"tasks": [entry(1)], "metadata": {}}, "login": {"tasks": [entry(7)]}}

    found = read(folder, raw, tag)

    assert [item.title for item in found.items] == [title]
    assert found.name == name


@pytest.mark.parametrize(
    ("needs", "kept", "fault"),
    [
        ("1", ("1.1",), None),
        ("1, 2.1", ("1.1", "2.1"), None),
        (1, ("1.1",), None),
        ([2.1, " 1 "], ("2.1", "1.1"), None),
        (None, (), None),
        ([1, None, True, {"id": 2}, 2], ("1.1", "2.2"), "dependencies[1]: is null, no id of a task; left out"),
        ({"id": 1}, (), "dependencies: is an object, no list of ids; left out"),
    ],
    ids=["text", "commas", "number", "fraction", "null", "strange ones", "object"],
)
def test_dependencies_in_every_form(tmp_path: Path, needs: object, kept: tuple[str, ...], fault: str | None) -> None:
    """What can only mean a task is one, and an element that cannot costs none of the others."""
    raw = [entry(1), entry(2, subtasks=[entry(1)]), {**entry(3), "dependencies": needs, "status": None}]

    found = read(tmp_path, {"tasks": raw})

    assert waits(found)["3.1"] == kept
    assert [line.removeprefix(f"{tmp_path / 'tasks.json'}: tasks[2].") for line in found.faults[:1]] == (
        [fault] if fault else []
    )


@pytest.mark.parametrize(
    ("raw", "told", "kept"),
    [
        ([entry(1, 1)], "tasks[0].dependencies[0]: 1 waits for itself; left out", {"1.1": ()}),
        (
            [entry(1, 3), entry(2, 1), entry(3, 2)],
            "tasks[0].dependencies[0]: 1 → 3 → 2 → 1 wait for each other; 1 no longer waits for 3",
            {"1.1": (), "2.1": ("1.1",), "3.1": ("2.1",)},
        ),
        (
            [entry(1, subtasks=[entry(1), entry(2, "1.1")]), entry(2, subtasks=[entry(7, 2)])],
            "tasks[1].subtasks[0].dependencies[0]: 2 → 2.7 → 2 wait for each other; 2.7 no longer waits for 2",
            {"1.1": (), "1.2": ("1.1",), "1.3": ("1.1", "1.2"), "2.7": (), "2.8": ("2.7",)},
        ),
    ],
    ids=["itself", "three", "its whole"],
)
def test_a_circle_loses_one_dependency(
    tmp_path: Path, raw: list[object], told: str, kept: dict[str, tuple[str, ...]]
) -> None:
    """Tasks that wait for each other come over; the dependency on what comes last is a fault, in their own ids."""
    found = read(tmp_path, {"tasks": raw})

    assert found.faults == (f"{tmp_path / 'tasks.json'}: {told}",)
    assert waits(found) == kept


def test_signs_that_are_no_text_are_left_out(tmp_path: Path) -> None:
    """Half a pair and what steers a terminal reach no plan, and it is said where they stood."""
    raw = [entry(1, title="a\x1b]0;b\x07 c", details="d \ud800e"), entry(2, title="\ud800\x00 ")]

    found = read(tmp_path, {"tasks": raw})

    assert [(item.title, item.accept[-1]) for item in found.items] == [("a]0;b c", "d e")]
    assert "control characters of tasks[0].title, tasks[0].details: left out" in found.left_out
    assert found.faults == (f"{tmp_path / 'tasks.json'}: tasks[1].title: is blank; the whole entry is left out",)


def test_a_malformed_task_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """File, place and fault of each are one line; what waits for it is told too, and all others come over."""
    raw = [
        {"id": 1},
        entry(2, 1),
        "three",
        entry(2),
        entry(4, details=[{}], subtasks=[entry(1), {"id": 2, "title": ["x"]}]),
        {"title": ""},
        entry(5, status=[], subtasks={"a": 1}),
    ]

    found = read(tmp_path, {"tasks": raw})

    path = tmp_path / "tasks.json"
    assert [line.removeprefix(f"{path}: ").partition(":")[0] for line in found.faults] == [
        "tasks[0].title", "tasks[2]", "tasks[3].id", "tasks[4].details[0]", "tasks[4].subtasks[1].title",
        "tasks[5].id", "tasks[6].status", "tasks[6].subtasks",
    ]  # fmt: skip
    assert list(waits(found)) == ["2.1", "4.1", "4.2", "5.1"]
    assert "dependency on 1 of 2: no such task could be read" in found.left_out


@pytest.mark.parametrize(
    ("content", "tag", "told"),
    [
        ("{", None, "not JSON"),
        ("[]", None, "not an object"),
        ({"master": {}}, None, "holds no list of tasks; name a tasks.json"),
        ({"a": {"tasks": []}, "b": {"tasks": []}}, None, "there is no tag `master` (it has a, b)"),
        ({"login": {"tasks": []}}, "logon", "did you mean `login`?"),
        ({"tasks": []}, "master", "has no tags"),
        ("[" * 100_000, None, "not JSON"),
    ],
    ids=["torn", "list", "no list", "many tags", "near tag", "flat", "deep"],
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, content: object, tag: str | None, told: str) -> None:
    """One line says which file and what is wrong with it."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, content, tag)

    assert str(caught.value).startswith(str(tmp_path / "tasks.json")) and told in str(caught.value)
