"""Promises of `report`: three forms, to the screen or to a file that is written whole or not at all."""

import json
from pathlib import Path

import pytest

from orchestrator.home import Home, write_json
from tests.history import everything
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
    """It is made when the journal ends, for all that is left, and a single phase has none."""
    whole, phase = (json.loads(report(built, "--format", "json", *w).out) for w in ((), ("--phase", "2")))

    (forecast,) = whole["task_completion"]["forecast"]
    assert forecast["left"] == 3
    assert forecast["at"].removesuffix("Z") + ".000Z" == whole["until"]
    assert (forecast["band"][0]["low"], forecast["band"][-1]["high"]) == (4, 7)
    assert phase["task_completion"]["forecast"] == []


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


def test_what_is_there_already_stays_what_it_is(built: Home, tmp_path: Path) -> None:
    """A link stays a link, and the private file that it points to stays private."""
    private, link = tmp_path / "private.md", tmp_path / "report.md"
    private.write_text("old")
    private.chmod(0o600)
    link.symlink_to(private)

    done = report(built, "--output", str(link))

    assert (done.code, done.err) == (0, f"report: {link}\n")
    assert link.is_symlink() and private.read_text().startswith("# Build report: ends\n")
    assert private.stat().st_mode & 0o777 == 0o600
