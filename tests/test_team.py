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
    assert rows["documentation"].endswith(".claude/agents/mcp-documentation.md") and "n *" in rows["documentation"]
    assert done.out.endswith("`*` stands in the place of a bundled agent\n")
    assert "note      mcp-documentation replaces the bundled agent\n" in done.err
    assert "ours" in rows["lint"] and rows["testing-quality"].endswith("bundled")
    assert "note      mcp-documentation claims the power veto, which the plan gives to mcp-security" in done.err
    assert [agent["name"] for agent in told if agent["replaces_bundled"]] == ["mcp-documentation"]
    assert len(told) == 27 and {"name", "authority", "backups", "category", "source"} <= told[0].keys()


def test_a_folder_of_subagents_is_taken_in(place: Home, tmp_path: Path) -> None:
    """Every valid file comes over as it is, under its agent's name; once more changes nothing."""
    folder = tmp_path / "theirs"
    text = "\ufeff" + DEFINITION.format("reviewer", "color: cyan").replace("\n", "\r\n")
    first = put(folder, "a.md", "")
    first.write_bytes(text.encode())
    put(folder / "more", "b.md", DEFINITION.format("tester", ""))
    put(folder, "README.md", "# Ours")
    put(folder / "more", "CLAUDE.md", "# Ours")
    put(tmp_path / "project" / ".claude" / "agents", "README.md", "# Ours")

    done, again = run(place, "import", str(folder)), run(place, "import", str(folder))

    into = tmp_path / "project" / ".claude" / "agents"
    assert (done.code, again.code) == (0, 0)
    assert sorted(file.name for file in into.iterdir()) == ["README.md", "reviewer.md", "tester.md"]
    assert (into / "reviewer.md").read_bytes() == text.encode()
    assert again.err.count("is there already") == 2
    assert "README.md, more/CLAUDE.md: no agent; left where it is\n" in done.err
    assert "field color of reviewer: nothing here reads it\n" in done.err
    assert "name each in a plan, under `agents` and as the `agent` of its tasks" in done.err
    assert "next" not in again.err


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
    assert f"{bad}:2: not YAML" in done.err
    assert f"{clash}: tester would replace {kept}, which differs" in done.err
    assert done.err.splitlines()[-1] == f"mbo: {folder}: 2 faults, named above; all the rest was taken in"
    assert sorted(file.name for file in into.iterdir()) == ["ours.md", "reviewer.md"]
    assert kept.read_text(encoding="utf-8") == DEFINITION.format("tester", "")


def test_none_takes_the_place_of_another_unless_it_is_asked_for(place: Home, tmp_path: Path) -> None:
    """Neither a bundled agent, whose powers are told, nor one of the project is replaced without a word."""
    folder, into = tmp_path / "theirs", tmp_path / "project" / ".claude" / "agents"
    holder = put(folder, "a.md", DEFINITION.format("mcp-security-validation", "model: haiku"))
    tester = put(folder, "b.md", DEFINITION.format("tester", "model: haiku"))
    twice = put(folder, "c.md", DEFINITION.format("tester", "model: opus"))
    put(folder, "d.md", DEFINITION.format("User", ""))
    kept = put(into, "ours.md", DEFINITION.format("tester", ""))

    refused = run(place, "import", str(folder))
    before = [file.name for file in into.iterdir()]
    done = run(place, "import", str(folder), "--replace")
    told = run(place).err

    power = "the bundled agent, which holds the power veto"
    assert (
        f"{holder}: mcp-security-validation would replace {power}; merge the two by hand, or let it by" in refused.err
    )
    assert f"{tester}: tester would replace {kept}, which differs; merge" in refused.err
    assert before == ["ours.md"]
    assert f"taken in as {into / 'mcp-security-validation.md'}, in place of {power}\n" in done.err
    assert f"{twice}: tester is in {tester} as well; the first one counts\n" in done.err
    assert "d.md:2: `name` is 'User', reserved as user, mbo, ALL are" in done.err
    assert kept.read_text(encoding="utf-8") == tester.read_text(encoding="utf-8")
    assert f"note      mcp-security-validation replaces {power}\n" in told


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("model: gpt-9", "model gpt-9 of one: it is no model of Claude that we know"),
        ("model: us.anthropic.claude-opus-5-v1", None),
        ("model: sonnet\ntools: Read, Edit, Bash", None),
        ("tools: Read, Edit, Bash, mcp__db__query", "tool mcp__db__query of one: a session has a shell and an editor"),
        ("tools: Read, Grep", "limits on tools of one: every session has a shell and an editor"),
        ("tools: Read, Edit, Bash(git diff *)", "limits on tools of one: every session has a shell and an editor"),
        ("hooks: {Stop: []}", "field hooks of one: nothing here reads it"),
    ],
    ids=["model", "known model", "known tools", "tool", "fewer tools", "some commands", "field"],
)
def test_what_has_no_effect_here_is_said(place: Home, tmp_path: Path, head: str, told: str | None) -> None:
    """A model, tool or field that is nothing to us is named, and the agent is taken in all the same."""
    put(tmp_path / "theirs", "a.md", DEFINITION.format("one", head))

    done = run(place, "import", str(tmp_path / "theirs"))

    assert done.code == 0
    assert told in done.err if told else " of one: " not in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("import", "nowhere"), "nowhere: there is no such folder"),
        (("import", "theirs"), "theirs: holds no Markdown files that define an agent"),
        (("import", "full", "--project-path", "nowhere"), "nowhere: there is no such folder"),
        (("impart",), "did you mean 'import'?"),
    ],
    ids=["no folder", "no agent", "no project", "no command"],
)
def test_nothing_to_take_in_is_refused(
    place: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    """A wrong word or folder is one line, and no folder is made."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "theirs", "README.md", "# Ours")
    put(tmp_path / "full", "a.md", DEFINITION.format("one", ""))

    done = run(place, *words) if words[0] == "import" else mbo("agents", *words)

    assert done.code == 2 and told in done.err
    assert not (tmp_path / "nowhere").exists()


def test_without_a_project_it_must_be_named(tmp_path: Path) -> None:
    """Where no home knows a project, the option is asked for, and nothing is written."""
    put(tmp_path / "theirs", "a.md", DEFINITION.format("reviewer", ""))

    done = mbo("agents", "import", str(tmp_path / "theirs"), "--home", str(tmp_path / "home"))

    assert done.code == 2 and "name one by --project-path" in done.err
