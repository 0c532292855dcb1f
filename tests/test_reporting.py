"""Promises of `report`: three forms, to the screen or to a file that is written whole or not at all."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from orchestrator.cli.main import commands
from orchestrator.home import Home, write_json
from tests.history import History, everything, use_powers
from tests.scenario import Done, Scenario, mbo, module


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


@pytest.mark.usefixtures("prefect_server")
def test_every_command_in_a_report_can_be_typed(tmp_path: Path) -> None:
    """Whatever it says to type means this home and the plan that ran, and is taken as it stands."""
    scenario = Scenario(tmp_path)
    scenario.work("1.1", module("a", expected=2))
    scenario.simple("1.2", "b", deps=["1.1"])
    scenario.simple("1.3", "c")
    scenario.init()
    other = scenario.plan.with_name("another plan.yaml")
    other.write_text(scenario.plan.read_text())
    assert mbo("build", "--home", str(scenario.home.root), "--plan", str(other)).code == 1

    text = report(scenario.home).out
    page = report(scenario.home, "--format", "html").out

    found = commands_in(text)
    assert ["execute", "--task-id", "1.1"] in [words[:3] for words in found]
    options = ["--home", str(scenario.home.root), "--plan", str(other)]
    assert [words for words in found if words[-4:] != options] == []
    assert f"<code>mbo build --home {scenario.home.root} --plan &#39;{other}&#39;</code>" in page


def test_every_command_in_a_report_on_disputes_can_be_typed(tmp_path: Path) -> None:
    """What lifts holds, vetoes and contradictions, and what goes on after a pause, is named whole."""
    home = Home(tmp_path / "a home")
    history = everything(home)
    use_powers(history)
    history.event("breaker", "b/1", {"failure": "gate", "tasks": ["3.2"], "reason": "3 tasks failed by red gates"})
    history.end("paused")
    write_json(home.project_file, {"project": "/nowhere", "plan": "/nowhere/plan.yaml", "created": "today"})

    found = commands_in(report(home).out)

    assert {"build", "conflicts", "execute", "review", "waive"} <= {words[0] for words in found}
    assert any(words[:2] == ["conflicts", "resolve"] for words in found)
    assert all(words[-2:] == ["--home", str(home.root)] for words in found)


def commands_in(text: str) -> list[list[str]]:
    """Return the words of each command that a text tells people to type, after the command line has taken them."""
    found = [shlex.split(command) for command in re.findall(r"`mbo ([^`]+)`", text)]
    for first, *rest in found:
        words = list(rest)
        asked = commands.get_command(click.Context(commands), first)
        if isinstance(asked, click.Group) and words and words[0] in asked.commands:
            asked = asked.commands[words.pop(0)]
        assert asked is not None, first
        asked.make_context(first, words)
    return found


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
