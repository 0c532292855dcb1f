"""The roster reads every definition as Claude Code would, and says in one line what is wrong with a bad one."""

import re
from pathlib import Path

import pytest

from agents import roster
from orchestrator import taskkey
from orchestrator.errors import InputError
from orchestrator.models import Agent, Limits, Policy

OWNED = {
    "mcp-architecture-agent": "2.1 3.1 4.1 15.5",
    "mcp-claude-sdk-expert": "3.2 4.2 21.2",
    "mcp-python-server-expert": "2.2 3.4 6.2 7.1 7.2",
    "mcp-functional-server": "2.5 3.5 4.3 6.4 9.2 10.4 13.1 24.1",
    "mcp-database-storage": "4.5 6.1 8.2 11.4 12.2 16.2",
    "mcp-streaming-concurrency": "2.4 5.1 5.4",
    "mcp-jsonl-streaming": "5.2",
    "mcp-process-management": "4.4 9.3 12.1 12.3",
    "mcp-filesystem-monitor": "10.2 13.2",
    "mcp-platform-compatibility": "3.3 8.3 12.5 14.5",
    "mcp-storage-algorithms": "8.1 22.1",
    "mcp-security-validation": "9.1 10.3 13.3 17.1 17.2 23.1",
    "mcp-testing-quality": "1.3 5.5 8.5 9.5 11.5 14.1",
    "mcp-error-handling": "1.4 2.3 5.3 7.5 14.4 15.3",
    "mcp-performance-optimizer": "12.4 14.3 16.1 24.2",
    "mcp-documentation": "1.5 10.5 15.1 15.2",
    "mcp-devops-deployment": "1.2 15.4 18.1 18.2",
    "mcp-telemetry-otel": "11.1 19.1",
    "mcp-analytics-monitoring": "11.2 11.3 19.2 23.2",
    "mcp-integration-specialist": "6.5 7.4 14.2 21.1",
    "mcp-project-coordinator": "1.1 20.2",
    "mcp-migration-specialist": "8.4 13.4",
    "mcp-sse-transport": "7.3 22.2",
    "mcp-resources-specialist": "13.5 25.2",
    "mcp-prompts-engineer": "6.3 10.1",
    "mcp-plugin-architect": "9.4 20.1 25.1",
}
CATEGORIES = {"core-architecture": 4, "infrastructure": 7, "quality-security": 6, "specialised": 9}
HOLDERS = {
    "mcp-architecture-agent": ("design",),
    "mcp-security-validation": ("veto",),
    "mcp-testing-quality": ("block",),
    "mcp-project-coordinator": ("deadlock",),
}
SECTIONS = ("you know", "you own", "you work", "you refuse", "you review", "you talk to")
POLICY = Policy(
    planning_approver="mcp-project-coordinator",
    design_final_say="mcp-architecture-agent",
    implementation_veto="mcp-security-validation",
    release_block="mcp-testing-quality",
    deadlock="mcp-project-coordinator",
    integration="mcp-integration-specialist",
)
GOOD = "---\nname: reviewer\ndescription: Reviews.\n---\nYou review.\n"


@pytest.fixture(scope="module")
def bundle() -> dict[str, Agent]:
    """All bundled agents."""
    return roster.load()


def put(project: Path, text: str, name: str = "one.md") -> Path:
    """Write one file into a project's folder of agents."""
    path = project / ".claude" / "agents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def sections(persona: str) -> dict[str, str]:
    """Split a persona by its headings; a heading's last words stand for it."""
    parts = re.split(r"^## (.+)$", persona, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(persona: str) -> list[str]:
    """Return a persona's paragraphs and list items, spaces flattened."""
    items = re.split(r"\n\s*\n|\n(?=- |\d+\. )", persona)
    return [" ".join(item.split()) for item in items if not item.startswith("#")]


def test_bundled_are_the_catalogue(bundle: dict[str, Agent]) -> None:
    """The 26 bundled definitions are those of the catalogue, each in the file that bears its name."""
    assert set(roster.bundled()) == set(OWNED) == set(bundle)
    assert [agent.source.stem for agent in bundle.values()] == [agent.name for agent in bundle.values()]


def test_categories_and_powers_are_the_catalogues(bundle: dict[str, Agent]) -> None:
    """Each agent stands in its category, and the four powers are held by one agent each."""
    counted = [agent.category for agent in bundle.values()]

    assert {category: counted.count(category) for category in set(counted)} == CATEGORIES
    assert {agent.name: agent.authority for agent in bundle.values() if agent.authority} == HOLDERS


@pytest.mark.parametrize("name", sorted(OWNED))
def test_persona_has_substance(bundle: dict[str, Agent], name: str) -> None:
    """A persona says what its agent knows, owns, does, refuses, looks for and asks, and names every task it owns."""
    found = sections(bundle[name].persona)

    missing = [end for end in SECTIONS if not any(heading.endswith(end) for heading in found)]
    assert missing == []
    assert min(len(text.split()) for text in found.values()) >= 30
    assert 600 <= len(bundle[name].persona.split()) <= 1100
    owned = next(text for heading, text in found.items() if heading.endswith("you own"))
    assert [task for task in OWNED[name].split() if not re.search(rf"(?<![\d.]){re.escape(task)}(?!\d)", owned)] == []


def test_no_two_personas_share_a_paragraph(bundle: dict[str, Agent]) -> None:
    """Each persona is written for its agent: no paragraph or list item stands in two of them."""
    seen: dict[str, str] = {}
    shared = [
        (seen[block], agent.name)
        for agent in bundle.values()
        for block in set(blocks(agent.persona))
        if seen.setdefault(block, agent.name) != agent.name
    ]

    assert shared == []


def test_personas_name_only_agents_that_exist(bundle: dict[str, Agent]) -> None:
    """Every agent that a persona mentions is on the roster."""
    mentioned = {name for agent in bundle.values() for name in re.findall(r"\bmcp-[a-z]+(?:-[a-z]+)+", agent.persona)}

    assert mentioned <= set(bundle)


def test_bundle_agrees_with_the_plan(bundle: dict[str, Agent]) -> None:
    """No bundled definition claims a foreign power; each has two other agents as backups and all working tools."""
    assert roster.disagreements(bundle, POLICY) == []
    assert {len(set(agent.backups) - {agent.name}) for agent in bundle.values()} == {2}
    assert {agent.tools for agent in bundle.values()} == {("Read", "Write", "Edit", "Bash", "Grep", "Glob")}


def test_load_keeps_the_order_of_names() -> None:
    """Named agents come in the order asked for, once each."""
    wanted = ["mcp-testing-quality", "mcp-documentation", "mcp-testing-quality"]

    assert list(roster.load(wanted)) == ["mcp-testing-quality", "mcp-documentation"]


def test_unknown_name_says_where_to_write_it() -> None:
    """An agent that nobody defined is refused with the place for its definition."""
    with pytest.raises(InputError, match=r"agent ghost; write \.claude/agents/ghost\.md"):
        roster.load(["ghost"])


def test_project_overrides_and_adds(tmp_path: Path) -> None:
    """A project's file replaces the bundled agent of its name, whatever the file is called; others are added."""
    put(tmp_path, "---\nname: mcp-documentation\ndescription: Ours.\n---\nWrite less.\n", "deep/ours.md")
    put(tmp_path, GOOD, "two.md")

    agents = roster.load(project=tmp_path)

    assert (agents["mcp-documentation"].persona, agents["mcp-documentation"].backups) == ("Write less.", ())
    assert set(agents) == {*OWNED, "reviewer"}


def test_project_is_not_needed(tmp_path: Path) -> None:
    """A project without agents has the bundled ones; a README among agents is no agent."""
    put(tmp_path, "# Our agents\n", "README.md")

    assert set(roster.load(project=tmp_path)) == set(OWNED)


def test_two_files_of_one_name_are_both_named(tmp_path: Path) -> None:
    """Two project files that bear one name are refused, and the message names both."""
    first, second = put(tmp_path, GOOD, "a.md"), put(tmp_path, GOOD, "b.md")

    with pytest.raises(InputError) as caught:
        roster.load(project=tmp_path)

    assert str(first) in str(caught.value) and str(second) in str(caught.value)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param("", (), id="no-tools"),
        pytest.param("tools:", (), id="empty"),
        pytest.param("tools: '*'", (), id="all"),
        pytest.param("tools: *", (), id="all-unquoted"),
        pytest.param("tools: Read, Grep , Glob,", ("Read", "Grep", "Glob"), id="comma-string"),
        pytest.param("tools: [Read, Bash]", ("Read", "Bash"), id="flow-list"),
        pytest.param("tools:\n  - Read\n  - Bash(git diff *)", ("Read", "Bash(git diff *)"), id="block-list"),
        pytest.param(
            "tools: Read, Bash(git log *, git diff *), mcp__db__query",
            ("Read", "Bash(git log *, git diff *)", "mcp__db__query"),
            id="comma-in-parentheses",
        ),
    ],
)
def test_tools_in_every_form(tmp_path: Path, head: str, expected: tuple[str, ...]) -> None:
    """Tools are read from a comma string or a YAML list; a comma inside parentheses does not split."""
    path = put(tmp_path, f"---\nname: reviewer\ndescription: Reviews.\n{head}\n---\nYou review.\n")

    assert roster.read(path).tools == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param("", None, id="absent"),
        pytest.param("model: inherit", None, id="inherit"),
        pytest.param("model:", None, id="empty"),
        pytest.param("model: sonnet", "sonnet", id="alias"),
        pytest.param("model: claude-opus-5-5", "claude-opus-5-5", id="full"),
    ],
)
def test_model(tmp_path: Path, head: str, expected: str | None) -> None:
    """A model is a name, or None where the run decides."""
    path = put(tmp_path, f"---\nname: reviewer\ndescription: Reviews.\n{head}\n---\nYou review.\n")

    assert roster.read(path).model == expected


@pytest.mark.parametrize(
    ("text", "description", "persona"),
    [
        pytest.param(GOOD.replace("\n", "\r\n"), "Reviews.", "You review.", id="crlf"),
        pytest.param("\ufeff" + GOOD, "Reviews.", "You review.", id="bom"),
        pytest.param(
            "---\nname: reviewer\ndescription: >\n  Reviews\n  code.\ncolor: cyan\nmaxTurns: 9\n"
            "mcpServers: {db: {type: http}}\nhooks: {Stop: []}\n---\n\nYou review.",
            "Reviews code.",
            "You review.",
            id="unknown-keys-folded-text-no-final-newline",
        ),
        pytest.param(
            '---\nname: reviewer\ndescription: Use this when code changed. Example: user: "it\'s done" # not a comment'
            "\nmodel: inherit\n---\nYou review.\n",
            'Use this when code changed. Example: user: "it\'s done" # not a comment',
            "You review.",
            id="colons-in-plain-description",
        ),
        pytest.param(
            "---\nname: reviewer\ndescription: Use this when: code changed.\n\n<example>\nContext: it's done\n"
            'user: "look: here"\nname: of us\n</example>\n\ntools: [Read, Bash]\nmodel: inherit\n---\nYou review.\n',
            'Use this when: code changed. <example> Context: it\'s done user: "look: here" name: of us </example>',
            "You review.",
            id="colons-in-a-description-of-many-lines",
        ),
        pytest.param(
            GOOD.replace("Reviews.", "Use this\n  when: code changed,\n  so: often.\ncolor: red"),
            "Use this when: code changed, so: often.",
            "You review.",
            id="colons-in-an-indented-description",
        ),
        pytest.param(
            "--- \nname: reviewer\ndescription: Reviews.\n---\nFirst.\n\n---\n\nSecond.\n",
            "Reviews.",
            "First.\n\n---\n\nSecond.",
            id="rule-in-body",
        ),
        pytest.param("---\nname: reviewer\ndescription: Prüft — 検査\n---\nJa.\n", "Prüft — 検査", "Ja.", id="unicode"),
    ],
)
def test_foreign_subagents_load(tmp_path: Path, text: str, description: str, persona: str) -> None:
    """Files written for Claude Code by others load as they are."""
    agent = roster.read(put(tmp_path, text))

    assert (agent.name, agent.description, agent.persona) == ("reviewer", description, persona)
    assert (agent.category, agent.authority, agent.backups, agent.limits) == ("project", (), (), Limits())


@pytest.mark.parametrize("name", ["a", "Code Reviewer", "v2.1_db-expert", "plugin:reviewer", "prüfer"])
def test_names_of_every_kind(tmp_path: Path, name: str) -> None:
    """A name may be whatever Claude Code takes, as long as it is safe as the name of a folder."""
    assert roster.read(put(tmp_path, GOOD.replace("name: reviewer", f"name: {name}"))).name == name


def test_own_keys_are_read(tmp_path: Path) -> None:
    """Category, powers, backups and limits come from the front matter; a limit left out has its default."""
    head = "category: ours\nauthority: veto, block\nbackups: [one, two]\nlimits: {turns: 7}"
    agent = roster.read(put(tmp_path, f"---\nname: reviewer\ndescription: Reviews.\n{head}\n---\nYou review.\n"))

    assert (agent.category, agent.authority, agent.backups) == ("ours", ("veto", "block"), ("one", "two"))
    assert agent.limits == Limits(turns=7)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("You review.\n", "1: no front matter", id="no-front-matter"),
        pytest.param("", "1: no front matter", id="empty-file"),
        pytest.param("---\nname: a\ndescription: b\n", "1: the front matter is not closed", id="not-closed"),
        pytest.param("---\n---\nBody\n", "1: the front matter is not a list", id="empty-front-matter"),
        pytest.param("---\n- a\n---\nBody\n", "1: the front matter is not a list", id="list"),
        pytest.param("---\nname: a\ndescription: 'b\ntools: c\n---\nBody\n", "3: not YAML", id="open-quote"),
        pytest.param("---\nname: a\ntools: [Read\nmodel: x\n---\nBody\n", "3: not YAML", id="open-list"),
        pytest.param("---\nname: a\nx: b: c\ntools: 'd\n---\nBody\n", "4: not YAML", id="open-quote-below-a-colon"),
        pytest.param("---\n- a: b: c\nname: a\n---\nBody\n", "2: not YAML", id="no-key"),
        pytest.param(f"---\nname: {'[' * 60_000}\n---\nBody\n", "1: the front matter is longer", id="deep"),
        pytest.param("---\nname: a\x07\n---\nBody\n", "1: not YAML (", id="control-character"),
        pytest.param("---\nname: a\nsince: 2026-13-45\n---\nBody\n", "1: not YAML (month", id="no-such-date"),
        pytest.param("---\ndescription: b\n---\nBody\n", "1: no `name`", id="no-name"),
        pytest.param("---\nname: a\n---\nBody\n", "1: no `description`", id="no-description"),
        pytest.param("---\nname: a\ndescription: ''\n---\nBody\n", "3: `description` is empty", id="no-words"),
        pytest.param("---\nname: on\ndescription: b\n---\nBody\n", "2: `name` is True", id="yaml-boolean"),
        pytest.param("---\ndescription: b\nname: ../../x\n---\nBody\n", "3: `name` is '../../x'", id="path-as-name"),
        pytest.param("---\nname: ALL\ndescription: b\n---\nBody\n", "2: `name` is 'ALL'", id="reserved-name"),
        pytest.param("---\nname: User\ndescription: b\n---\nBody\n", "2: `name` is 'User', reserved", id="user"),
        pytest.param("---\nname: mbo\ndescription: b\n---\nBody\n", "2: `name` is 'mbo', reserved", id="ourselves"),
        pytest.param("---\nname: a\ndescription: b\n---\n \n", "1: no persona", id="no-persona"),
        pytest.param("---\nname: a\ndescription: b\ntools: 3\n---\nB\n", "4: `tools` is 3", id="tools-number"),
        pytest.param("---\nname: a\ndescription: b\ntools: [1]\n---\nB\n", "4: `tools` is [1]", id="tools-not-text"),
        pytest.param("---\nname: a\ndescription: b\nmodel: [x]\n---\nB\n", "4: `model` is ['x']", id="model-list"),
        pytest.param(
            "---\nname: a\ndescription: b\nauthority: [king]\n---\nB\n", "4: `authority` names 'king'", id="power"
        ),
        pytest.param(
            "---\nname: a\ndescription: b\nlimits:\n  turns: 0\n---\nB\n", "4: `limits.turns`: Input should", id="limit"
        ),
        pytest.param(
            "---\nname: a\ndescription: b\nlimits: {x: 1}\n---\nB\n", "4: `limits.x`: Extra", id="unknown-limit"
        ),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, text: str, fault: str) -> None:
    """A malformed definition is refused in one line that names the file, the line and the fault."""
    path = put(tmp_path, text)

    with pytest.raises(InputError) as caught:
        roster.load(project=tmp_path)

    assert str(caught.value).startswith(f"{path}:{fault}")
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """A file that is no UTF-8, and one that is not there, are refused by name."""
    path = put(tmp_path, "")
    path.write_bytes(b"---\nname: \xff\n---\n")

    with pytest.raises(InputError, match=r"one\.md: byte 10 is not UTF-8"):
        roster.read(path)
    with pytest.raises(InputError, match=r"gone\.md: No such file"):
        roster.read(tmp_path / "gone.md")


def test_installed_texts_load_as_the_same_agents(tmp_path: Path, bundle: dict[str, Agent]) -> None:
    """What is installed into a project defines exactly the agent that was bundled."""
    for place, text in roster.texts(OWNED).items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text, "utf-8")

    installed = roster.load(project=tmp_path)

    assert sorted(path.stem for path in (tmp_path / ".claude" / "agents").iterdir()) == sorted(OWNED)
    assert {name: agent.model_dump() for name, agent in installed.items()} == {
        name: agent.model_dump() for name, agent in bundle.items()
    }
    assert {agent.source.parent for agent in installed.values()} == {tmp_path / ".claude" / "agents"}


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        pytest.param({"persona": "Other words."}, True, id="persona"),
        pytest.param({"tools": ("Read",)}, True, id="tools"),
        pytest.param({"model": "haiku"}, True, id="model"),
        pytest.param({"limits": Limits(turns=1)}, True, id="limits"),
        pytest.param({"authority": ("veto",)}, True, id="authority"),
        pytest.param({"backups": ("mcp-documentation",)}, False, id="backups"),
        pytest.param({"description": "Other."}, False, id="description"),
        pytest.param({"source": Path("/elsewhere.md")}, False, id="source"),
    ],
)
def test_fingerprint_holds_what_changes_a_result(
    bundle: dict[str, Agent], change: dict[str, object], counts: bool
) -> None:
    """The fingerprint changes with what can change a result, and with nothing else."""
    agent = bundle["mcp-jsonl-streaming"]

    changed = agent.model_copy(update=change)

    assert (taskkey.person(changed) != taskkey.person(agent)) is counts


def test_line_ends_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    """The same definition saved on Windows is the same agent."""
    unix, windows = put(tmp_path, GOOD, "a.md"), put(tmp_path, "\ufeff" + GOOD.replace("\n", "\r\n"), "b.md")

    assert taskkey.person(roster.read(unix)) == taskkey.person(roster.read(windows))


def test_disagreements_are_told_in_words() -> None:
    """A foreign power, a missing backup and an agent as its own backup are each told in a sentence."""
    own = Agent(name="b", description="d", persona="p")
    agent = own.model_copy(
        update={"name": "a", "authority": ("veto",), "backups": ("ghost", "a", "b", "mcp-documentation")}
    )

    assert roster.disagreements({"a": agent, "b": own}, POLICY) == [
        "a claims the power veto, which the plan gives to mcp-security-validation; the plan counts",
        "a names the backup ghost, which does not exist",
        "a names the backup a, which is the agent itself",
    ]
