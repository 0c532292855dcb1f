"""Promises of `mbo agents`: who is there and where from, and others' subagents taken in without losing a word."""

import json
from pathlib import Path

import pytest

from orchestrator.home import Home, write_json
from orchestrator.settings import BUNDLED_PLAN
from tests.scenario import Done, mbo

DEFINITION = "---\nname: {}\ndescription: One.\n{}\n---\nYou work.\n"


@pytest.fixture
def place(home: Home, tmp_path: Path) -> Home:
    """Return a home of the bundled plan whose project has no agents of its own yet."""
    (tmp_path / "project").mkdir()
    write_json(home.project_file, {"project": str(tmp_path / "project"), "plan": str(BUNDLED_PLAN), "created": ""})
    return home


def run(home: Home, *words: str) -> Done:
    """Return what `mbo agents` says."""
    return mbo("agents", *words, "--home", str(home.root))


def put(folder: Path, name: str, text: str) -> Path:
    """Write a subagent's file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_the_roster_is_listed_with_powers_backups_and_origin(place: Home, tmp_path: Path) -> None:
    """Each of the plan's agents and the project's own stand with where they are defined; disagreements are said."""
    own = tmp_path / "project" / ".claude" / "agents"
    put(own, "mcp-documentation.md", DEFINITION.format("mcp-documentation", "authority: veto"))
    put(own, "lint.md", DEFINITION.format("lint", "category: ours"))

    done = run(place)
    rows = {line.split()[0]: line for line in done.out.splitlines() if line and line[0].islower()}
    told = json.loads(run(place, "--format", "json").out)

    assert done.code == 0
    assert "quality-security" in rows["security-validation"] and " veto " in rows["security-validation"]
    assert rows["documentation"].endswith(".claude/agents/mcp-documentation.md")
    assert "ours" in rows["lint"] and rows["testing-quality"].endswith("bundled")
    assert "note      mcp-documentation claims the power veto, which the plan gives to mcp-security" in done.err
    assert len(told) == 27 and {"name", "authority", "backups", "category", "source"} <= told[0].keys()


def test_a_folder_of_subagents_is_taken_in(place: Home, tmp_path: Path) -> None:
    """Every valid file comes over as it is, under its agent's name; once more changes nothing."""
    folder = tmp_path / "theirs"
    text = "\ufeff" + DEFINITION.format("reviewer", "color: cyan").replace("\n", "\r\n")
    first = put(folder, "a.md", "")
    first.write_bytes(text.encode())
    put(folder / "more", "b.md", DEFINITION.format("tester", ""))
    put(folder, "README.md", "# Ours")

    done, again = run(place, "import", str(folder)), run(place, "import", str(folder))

    into = tmp_path / "project" / ".claude" / "agents"
    assert (done.code, again.code) == (0, 0)
    assert sorted(file.name for file in into.iterdir()) == ["reviewer.md", "tester.md"]
    assert (into / "reviewer.md").read_bytes() == text.encode()
    assert again.err.count("is there already") == 2


def test_the_home_may_be_named_before_the_subcommand(place: Home, tmp_path: Path) -> None:
    """What is named for `mbo agents` holds for `import`; what is named behind it goes before that."""
    put(tmp_path / "theirs", "a.md", DEFINITION.format("reviewer", ""))
    command, home = ("import", str(tmp_path / "theirs")), ("--home", str(place.root))

    before = mbo("agents", *home, *command)
    behind = mbo("agents", "--home", str(tmp_path / "nowhere"), *command, *home)

    assert (before.code, behind.code) == (0, 0), before.err
    assert (tmp_path / "project" / ".claude" / "agents" / "reviewer.md").is_file()
    assert "is there already" in behind.err


def test_a_malformed_file_is_named_and_the_rest_is_taken_in(place: Home, tmp_path: Path) -> None:
    """A file that is no subagent is one line with file, line and fault; a different agent of a name stays as it is."""
    folder, into = tmp_path / "theirs", tmp_path / "project" / ".claude" / "agents"
    bad = put(folder, "bad.md", "---\nname: [x\n---\nWords.\n")
    clash = put(folder, "clash.md", DEFINITION.format("tester", "model: haiku"))
    put(folder, "good.md", DEFINITION.format("reviewer", ""))
    kept = put(into, "ours.md", DEFINITION.format("tester", ""))

    done = run(place, "import", str(folder), "--project-path", str(tmp_path / "project"))

    assert done.code == 2
    assert f"{bad}:3: not YAML" in done.err
    assert f"{clash}: tester would replace {kept}, which differs" in done.err
    assert done.err.splitlines()[-1] == f"mbo: {folder}: 2 faults, named above; all the rest was taken in"
    assert sorted(file.name for file in into.iterdir()) == ["ours.md", "reviewer.md"]
    assert kept.read_text(encoding="utf-8") == DEFINITION.format("tester", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [(("import", "nowhere"), "holds no Markdown files"), (("impart",), "did you mean 'import'?")],
    ids=["no folder", "no command"],
)
def test_nothing_to_take_in_is_refused(place: Home, words: tuple[str, ...], told: str) -> None:
    """A wrong word or folder is one line."""
    done = run(place, *words) if words[0] == "import" else mbo("agents", *words)

    assert done.code == 2 and told in done.err


def test_without_a_project_it_must_be_named(tmp_path: Path) -> None:
    """Where no home knows a project, the option is asked for, and nothing is written."""
    put(tmp_path / "theirs", "a.md", DEFINITION.format("reviewer", ""))

    done = mbo("agents", "import", str(tmp_path / "theirs"), "--home", str(tmp_path / "home"))

    assert done.code == 2 and "name one by --project-path" in done.err
