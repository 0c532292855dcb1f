"""Promises of the import from Spec Kit: phases, order and files come over, and what does not is said."""

from pathlib import Path

import pytest

from orchestrator import speckit
from orchestrator.errors import InputError
from orchestrator.foreign import Foreign

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
    assert found.left_out == (
        "check mark of T004: left out as done; what waits for them no longer does",
        f"order tests first of T010: {late}",
        "label US1 of T010, T012: a plan has no place for it",
        "label US2 of T018, T019: a plan has no place for it",
        "dependency of T018 on T099: no task before T018 is that",
        "dependency of T018 on T019: no task before T018 is that",
    )
    assert "check mark of T004: every task of a plan begins anew" in everything.left_out
    assert {item.id: item.deps for item in everything.items}["2.2"] == ("2.1",)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("- [ ] Do it", "10: a task without an id such as T001; left out"),
        ("- [ ] TXXX [P] Do it", "10: a task without an id such as T001; left out"),
        ("- [ ] T002 [P]", "10: T002 says nothing; left out"),
        ("- [ ] T001 Once more", "10: T001 is in line 9 already; the first one counts"),
        (
            "## Notes\n- [ ] T002 Do it\n## Phase 2: Rest",
            "11: T002 stands under no heading such as `## Phase 1: Setup`; left out",
        ),
    ],
    ids=["no id", "placeholder", "no words", "twice", "no phase"],
)
def test_a_malformed_line_is_named_and_the_rest_is_read(tmp_path: Path, line: str, told: str) -> None:
    """File, line and fault are told, and every other task comes over."""
    before, after = TASKS.split("- [ ] T002", 1)

    found = read(tmp_path, f"{before}{line}\n{after.partition(chr(10))[2]}")

    assert found.faults == (f"{tmp_path / 'tasks.md'}:{told}",)
    assert len(found.items) >= 7


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
