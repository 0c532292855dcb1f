"""Promises of the import from Spec Kit: phases, order and files come over, and what does not is said."""

from pathlib import Path

import pytest

from orchestrator.errors import InputError
from orchestrator.foreign import Foreign, speckit

TASKS = """# Tasks: Photo albums

## Format: `[ID] [P?] [Story] Description`

- **[P]**: side by side

## Phase 1: Setup (Shared Infrastructure)

- [ ] T001 Create the project
- [ ] T002 [P] Set up linting in `pyproject.toml`
- [ ] T003 [P] Set up the schema in src/db.py

## Phase 2: Foundational

- [x] T004 Base models
- [ ] T005 Routing in src/routing.py

## Phase 3: User Story 1 - See an album (Priority: P1) 🎯 MVP

**Goal**: Photos are seen.

**Independent Test**: Open an album and see its photos.

### Tests for User Story 1

- [ ] T010 [P] [US1] Test the album
      in tests/contract/test_album.py
  - with ten photos
    or more
- [ ] T012 [US1] Write the album in src/album.py (depends on T003, T010)

## Phase 4: User Story 2 - Share (P2)

- [ ] T018 [US2] Say how in docs/share.md, depends on T099 and T019
- [ ] T019 [US2] Share, depends on T001-T003

## Phase N: Polish & Cross-Cutting Concerns

- [ ] T020 Clean up

## Notes

```
- [ ] T777 an example
```
"""

OTHERS = (
    *("Input (line 2)", "CRITICAL (line 9)", "NOTE (line 15)", "text (line 20)"),
    *('section "Dependencies" (line 28)', "comment (line 34)", "code block (line 39)"),
)


def read(folder: Path, text: str = TASKS, *, with_done: bool = False) -> Foreign:
    """Return what a tasks.md of this text asks for."""
    path = folder / "tasks.md"
    path.write_text(text, encoding="utf-8")
    return speckit.read(path, with_done=with_done)


def test_phases_and_marks_become_an_order(tmp_path: Path) -> None:
    """`[P]` tasks run side by side, stories wait for what all share and not for each other, the end for everything."""
    found = read(tmp_path)

    assert found.name == "Photo albums" and found.faults == ()
    assert found.phases == (
        "Setup (Shared Infrastructure)",
        "Foundational",
        "User Story 1 - See an album",
        "User Story 2 - Share",
        "Polish & Cross-Cutting Concerns",
    )
    assert {item.id: item.deps for item in found.items} == {
        "1.1": (),
        "1.2": ("1.1",),
        "1.3": ("1.1",),
        "2.2": ("1.2", "1.3"),
        "3.1": ("2.2",),
        "3.2": ("3.1", "1.3"),
        "4.1": ("2.2",),
        "4.2": ("4.1", "1.1", "1.2", "1.3"),
        "5.1": ("2.2", "3.2", "4.2"),
    }


def test_a_task_keeps_its_id_words_files_and_kind(tmp_path: Path) -> None:
    """Wrapped lines and points under a task belong to it; its files say what kind of work it is."""
    items = {item.id: item for item in read(tmp_path).items}

    assert items["3.1"].title == "T010 Test the album in tests/contract/test_album.py"
    assert items["3.1"].accept == ("Test the album in tests/contract/test_album.py", "with ten photos or more")
    assert items["3.2"].accept[1:] == ("Open an album and see its photos.",)
    assert [items[name].kind for name in ("1.1", "3.1", "3.2", "4.1")] == ["code", "test", "code", "doc"]
    assert items["1.2"].paths == ("pyproject.toml",)
    assert items["3.2"].paths == ("src/album.py",)


def test_what_has_no_place_is_said_line_by_line(tmp_path: Path) -> None:
    """Checked-off tasks, story labels, tests that come first and dependencies forward are each told."""
    found, everything = read(tmp_path), read(tmp_path, with_done=True)

    late = "a gate is red while tests fail; let them wait for what they test, or make one task of the two"
    not_carried_over = (
        'not carried over: section "Format: `[ID] [P?] [Story] Description`" (line 3), '
        "priority or signs in a heading (lines 18, 32), Goal (line 20), "
        'heading (line 24), section "Notes" (line 41)'
    )
    assert found.left_out == (
        "check mark of T004: left out as done; what waits for it no longer does",
        f"order tests first of T010: {late}",
        "label US1 of T010, T012: a plan has no place for it",
        "label US2 of T018, T019: a plan has no place for it",
        "dependency on T099 of T018: no task before it is that",
        "dependency on T019 of T018: no task before it is that",
        not_carried_over,
    )
    assert "check mark of T004: every task of a plan begins anew" in everything.left_out
    assert {item.id: item.deps for item in everything.items}["2.2"] == ("2.1",)


OLD = """# Tasks: Accounts
**Input**: Design documents

## Phase 3.1: Setup
- [ ] T001 Create the project
- [~] T002 [P] Set up linting

## Phase 3.2: Tests First (TDD)
**CRITICAL: These tests MUST fail**
- [ ] T003 [P] Contract test in tests/contract/test_users.py
- [ ] T004 [P] Integration test in tests/integration/test_login.py

## Phase 3.3: Core
- [ ] T005 [P] User model in src/models/user.py, see `.` and ./
> **NOTE**: after T003
1. [ ] T006 Service in src/services/user.py
+ [ ] T007 [The model](docs/model.md)

## Phase 3.4
Any words.
- [ ] T008 Wire it, depends on T005-T099999999

## Phase 3.5: Polish
- [ ] T009 [P] Unit tests in tests/unit/test_rules.py

## Phase 3.6: Nothing yet

## Dependencies
- T003 before T005
- [ ] All of them

<!-- - [ ] T010 no task -->
## Phase 4: 🎯
<!-- begins
- [ ] T011 no task
ends -->
---
- [ ] T012 Ship it
  ~~~text
  - [ ] T777 an example
  ```
  ~~~
"""


def test_the_old_layout_comes_over_and_all_else_is_said(tmp_path: Path) -> None:
    """Tests in a phase before the code are told, lists of every kind are tasks, and each other line is named."""
    found = read(tmp_path, OLD)

    assert found.faults == ()
    assert found.phases == ("Setup", "Tests First (TDD)", "Core", "Phase 3.4", "Polish", "🎯")
    items = {item.title.partition(" ")[0]: item for item in found.items}
    assert list(items) == [f"T{number:03}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12)]
    assert items["T007"].title == "T007 [The model](docs/model.md)"
    assert items["T008"].deps == ("3.3", "3.1", "3.2")
    assert items["T005"].kind == "code"
    assert [line for line in found.left_out if not line.startswith("order")] == [
        'mark "~" of T002: taken as not done',
        "phase of Nothing yet: it holds no task",
        "dependency on T099999999 of T008: no task before it is that",
        f"not carried over: {', '.join(OTHERS)}",
    ]
    assert any(line.startswith("order tests first of T003, T004: a gate is red while") for line in found.left_out)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("- [] T002 Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("-[ ] T002 Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("- [  ] T002 Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("  - [] **T002** Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("[x] T002 Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("* T002 Do it", "10: T002 has no box such as `- [ ]` before it; left out"),
        ("| [ ] | T002 | Do it |", "10: T002 stands in no line such as `- [ ] T001 Words`; left out"),
        ("- [ ] T0123456789 Do it", "10: a task without an id such as T001; left out"),
        ("- [ ] Do it", "10: a task without an id such as T001; left out"),
        ("- [ ] TXXX [P] Do it", "10: a task without an id such as T001; left out"),
        ("- [ ] T002 [P]", "10: T002 says nothing; left out"),
        ("- [ ] T001 Once more", "10: T001 is in line 9 already; the first one counts"),
        (
            "## Notes\n- [ ] T002 Do it\n## Phase 2: Rest",
            "11: T002 stands under no heading such as `## Phase 1: Setup`; left out",
        ),
    ],
    ids=[
        *("no sign", "no space", "two signs", "indented", "no bullet", "no box", "table", "long id"),
        *("no id", "placeholder", "no words", "twice", "no phase"),
    ],
)
def test_a_malformed_line_is_named_and_the_rest_is_read(tmp_path: Path, line: str, told: str) -> None:
    """File, line and fault are told, and every other task comes over."""
    before, after = TASKS.split("- [ ] T002", 1)

    found = read(tmp_path, f"{before}{line}\n{after.partition(chr(10))[2]}")

    assert found.faults == (f"{tmp_path / 'tasks.md'}:{told}",)
    assert len(found.items) >= 7


@pytest.mark.parametrize(("opening", "end"), [("```python", "```"), ("<!-- later", "-->")], ids=["code", "comment"])
def test_a_block_that_never_ends_is_named(tmp_path: Path, opening: str, end: str) -> None:
    """What is swallowed by an open block is not lost in silence."""
    found = read(tmp_path, f"- [ ] T001 One\n{opening}\n- [ ] T002 Two\n")

    assert [item.title for item in found.items] == ["T001 One"]
    assert found.faults == (f"{tmp_path / 'tasks.md'}:2: a block that no {end} ends; what is below is left out",)


def test_tasks_without_phases_are_one_phase(tmp_path: Path) -> None:
    """A bare list is a plan too."""
    found = read(tmp_path, "- [ ] T001 One\n- [ ] T002 Two\n")

    assert [(item.id, item.deps) for item in found.items] == [("1.1", ()), ("1.2", ("1.1",))]
    assert (found.name, found.phases) == (tmp_path.name, ("Tasks",))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """What cannot be read is named."""
    (tmp_path / "tasks.md").write_bytes(b"# \xff")

    for name, told in (("tasks.md", "byte 2 is not UTF-8"), ("gone.md", "No such file")):
        with pytest.raises(InputError, match=f"{name}: {told}"):
            speckit.read(tmp_path / name)
