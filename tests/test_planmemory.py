"""A plan that was read before is remembered, and never taken for one that has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import plan as plans
from orchestrator import planmemory
from orchestrator.errors import InputError, PlanError
from tests.scenario import Scenario


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """Return a plan of one task."""
    made = Scenario(tmp_path)
    made.simple("1.1", "alpha")
    made.write()
    return made


def test_what_is_remembered_is_the_plan_itself(scenario: Scenario, tmp_path: Path) -> None:
    """Read from its file or remembered, a plan is the same in every field and knows where its file lies."""
    first = planmemory.load(scenario.plan, tmp_path / "cache")
    second = planmemory.load(scenario.plan, tmp_path / "cache")

    assert len(list((tmp_path / "cache" / "plans").iterdir())) == 1
    assert first == second == plans.load(scenario.plan)
    assert second.source == scenario.plan


def _edit(scenario: Scenario, _: Path) -> None:
    scenario.simple("1.2", "beta")
    scenario.write()


def _damage(_: Scenario, cache: Path) -> None:
    (file,) = (cache / "plans").iterdir()
    file.write_text(file.read_text(encoding="utf-8")[:-40], encoding="utf-8")


@pytest.mark.parametrize("change", [_edit, _damage], ids=["edited", "damaged"])
def test_what_has_changed_is_read_anew(
    scenario: Scenario, tmp_path: Path, change: Callable[[Scenario, Path], None]
) -> None:
    """An edited plan, or a memory that is damaged, is read from the plan's file."""
    planmemory.load(scenario.plan, tmp_path / "cache")
    change(scenario, tmp_path / "cache")

    assert planmemory.load(scenario.plan, tmp_path / "cache") == plans.load(scenario.plan)


def test_what_is_wrong_is_told_each_time(scenario: Scenario, tmp_path: Path) -> None:
    """A wrong plan is never remembered; one whose files are gone since is wrong; none at all is told as such."""
    planmemory.load(scenario.plan, tmp_path / "cache")
    (scenario.folder / "toolchain.txt").unlink()
    with pytest.raises(PlanError, match="toolchain: there is no file"):
        planmemory.load(scenario.plan, tmp_path / "cache")

    scenario.plan.unlink()
    with pytest.raises(InputError, match="No such file"):
        planmemory.load(scenario.plan, tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_done_without(scenario: Scenario, tmp_path: Path) -> None:
    """Where nothing can be remembered the plan is read all the same."""
    (tmp_path / "cache").write_text("a file", encoding="utf-8")

    assert planmemory.load(scenario.plan, tmp_path / "cache") == plans.load(scenario.plan)
