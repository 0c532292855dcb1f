"""Promises of `report`: three forms, to the screen or to a file that is written whole or not at all."""

import json
import re
from pathlib import Path

import pytest

from orchestrator.home import Home, write_json
from tests.history import History, everything
from tests.scenario import Done, mbo


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Hold a home with a project and a run; not to be changed."""
    home = Home(tmp_path_factory.mktemp("built"))
    write_json(home.project_file, {"project": "/nowhere", "plan": "/nowhere/plan.yaml", "created": "today"})
    everything(home).end("failed")
    return home


def report(home: Home, *words: str) -> Done:
    """Ask for the report of a home."""
    return mbo("report", "--home", str(home.root), *words)


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        pytest.param((), "# Build report: ends\n", id="markdown"),
        pytest.param(("--format", "json"), "{\n", id="json"),
        pytest.param(("--format", "html", "--phase", "2"), "<!doctype html>\n", id="html"),
    ],
)
def test_a_file_holds_what_the_screen_shows(built: Home, tmp_path: Path, words: tuple[str, ...], begins: str) -> None:
    """With --output nothing goes to stdout, and stderr says where the report is."""
    output = tmp_path / "report"

    shown, written = report(built, *words), report(built, *words, "--output", str(output))

    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(begins)
    assert (written.code, written.out, written.err) == (0, "", f"report: {output}\n")
    assert output.read_text() == shown.out


def test_the_forecast_counts_from_the_last_event(built: Home) -> None:
    """It is made when the journal ends, for all that is left of the plan or of a phase; none where nothing is left."""
    asked = ((), ("--phase", "2"), ("--phase", "1"))
    whole, second, first = (json.loads(report(built, "--format", "json", *words).out) for words in asked)

    (forecast,), (of_phase,) = whole["task_completion"]["forecast"], second["task_completion"]["forecast"]
    assert forecast["left"] == 3
    assert forecast["at"].removesuffix("Z") + ".000Z" == whole["until"]
    assert (forecast["band"][0]["low"], forecast["band"][-1]["high"]) == (4, 7)
    assert {name: of_phase[name] for name in ("p50", "p75", "p90")} == forecast["by_phase"]["2"]
    assert (of_phase["left"], of_phase["band"][0]["low"], of_phase["band"][-1]["high"]) == (3, 1, 4)
    assert first["task_completion"]["forecast"] == []


def test_a_phase_is_told_with_its_forecast_and_without_what_is_of_other_phases(built: Home) -> None:
    """The picture has its band and marks, and no figure or table is about runs that did nothing for the phase."""
    page = report(built, "--format", "html", "--phase", "2").out

    assert "Time in runs" not in page and "Time in sessions" in page
    assert all(f"{share} %: +" in page for share in (50, 75, 90))
    assert "Forecast: 3 tasks left" in " ".join(report(built, "--phase", "2").out.split())


def test_a_phase_without_work_has_no_empty_table(tmp_path: Path) -> None:
    """What nobody has begun is named in a line."""
    home = Home(tmp_path)
    write_json(home.project_file, {"project": "/nowhere", "plan": "/nowhere/plan.yaml", "created": "today"})
    History(home).begin()

    page = report(home, "--format", "html", "--phase", "2").out
    text = report(home, "--phase", "2").out

    assert not re.search(r"<tbody>\s*</tbody>", page)
    assert "Time in" not in page and "Nobody has worked yet." in page
    assert "Nothing to do so far:" in text and "Nothing merged: 3 gamma" in text
    assert not re.search(r"^\| all ", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        pytest.param("", "is a directory", id="a folder"),
        pytest.param("missing/report.md", "there is no folder", id="in no folder"),
        pytest.param("file/report.md", "there is no folder", id="in a file"),
        pytest.param("x" * 300, "name another file", id="a name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(built: Home, tmp_path: Path, output: str, told: str) -> None:
    """It is wrong input, and names the file."""
    (tmp_path / "file").write_text("mine")

    done = report(built, "--output", str(tmp_path / output))

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mbo: ") and done.err.count("\n") == 1
    assert told in done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
