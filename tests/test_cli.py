"""What people type and what they get: help, data, refusals, runs, exit codes, and nothing left half done."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml

from orchestrator import home as homes
from orchestrator import plan as plans
from orchestrator import settings
from orchestrator.cli.main import COMMANDS, commands
from orchestrator.git import require
from orchestrator.home import Home
from orchestrator.server import Server
from tests.scenario import OTHER, SECURITY, Done, Scenario, bash, create, finish, git, mbo

ROOT = settings.BUNDLED_PLAN.parents[2]
DEFINITION = "---\nname: mcp-functional-server\ndescription: ours\n---\nYou work.\n"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every command print for a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """Return a plan of two tasks in a row, written but not set up."""
    made = Scenario(tmp_path)
    made.simple("1.1", "alpha")
    made.simple("1.2", "beta", deps=["1.1"], agent=OTHER)
    made.write()
    return made


def command(name: str) -> click.Command:
    """Return a command by its name."""
    found = commands.get_command(click.Context(commands), name)
    assert found is not None
    return found


def refused(done: Done, code: int = 2) -> str:
    """Return the one line with which a command refused to work, without its `mbo: `."""
    assert done.code == code, done
    assert done.out == ""
    told = [line for line in done.err.splitlines() if line.startswith("mbo: ")]
    assert len(told) == 1
    assert done.err.splitlines()[-1] == told[0]
    assert "Traceback" not in done.err
    return told[0].removeprefix("mbo: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_page_of_the_manual(name: str) -> None:
    """Every command says what it does, its first line is the overview's, every option is explained, in 80 columns."""
    done = mbo(name, "--help")
    found = command(name)

    assert done.code == 0
    assert (found.help or "").splitlines()[0] == COMMANDS[name].about
    assert COMMANDS[name].about in done.out
    options = [item for item in found.params if isinstance(item, click.Option)]
    assert {option.name: bool(option.help) for option in options} == {option.name: True for option in options}
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_overview_names_every_command_and_exit_code() -> None:
    """`mbo` alone and `mbo --help` show every command, where to begin and what the exit codes mean."""
    done = mbo("--help")

    assert done.code == 0
    assert mbo() == done
    assert [name for name in COMMANDS if not re.search(rf"^  {name} +\S", done.out, re.MULTILINE)] == []
    assert re.findall(r"^    (\d+) ", done.out, re.MULTILINE) == ["0", "1", "2", "130"]
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_typed(name: str) -> None:
    """The examples of a command take options that there are, and agents of the bundled plan."""
    found = command(name)
    examples = [
        line.split(" | ")[0].split(" > ")[0] for line in re.findall(r"^ +mbo (.*)", found.help or "", re.MULTILINE)
    ]
    for first, *typed in map(shlex.split, examples):
        asked = command(first)
        if isinstance(asked, click.Group) and typed and typed[0] in asked.commands:
            asked = asked.commands[typed.pop(0)]
        given = asked.make_context(first, typed).params
        for agent in filter(None, (given.get("agent"), *(given.get("agents") or "ALL").split(","))):
            assert agent == "ALL" or plans.agent(plans.load(settings.BUNDLED_PLAN), agent)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_home_and_plan_can_be_named_everywhere(name: str) -> None:
    """Every command of a home takes --home and --plan."""
    given = {option for item in command(name).params for option in item.opts}

    assert {"--home", "--plan", "--no-color"} <= given


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("plan",),
        ("status",),
        ("build", "--help"),
        ("messages",),
        ("knowledge", "x"),
        ("agents",),
        ("decisions",),
        ("conflicts",),
    ],
    ids=" ".join,
)
def test_looking_loads_no_heavy_library(scenario: Scenario, words: tuple[str, ...]) -> None:
    """Help, the plan and the status answer at once: they import neither Prefect nor any other big library."""
    scenario.init()
    line = scenario.line(*words) if words != ("--help",) else words
    program = textwrap.dedent("""
        import sys
        from orchestrator.cli.main import main
        main(sys.argv[1:])
        print(*sys.modules, file=sys.stderr)
    """)
    done = subprocess.run([sys.executable, "-c", program, *line], cwd=ROOT, capture_output=True, text=True, check=True)

    loaded = {module.partition(".")[0] for module in done.stderr.split()}
    assert "click" in loaded
    assert loaded & {"prefect", "anthropic", "duckdb", "rich", "jinja2", "slack_sdk", "asyncio"} == set()


def test_the_plan_as_a_table_fits_and_loses_nothing() -> None:
    """At 80 columns the table shows every task with its whole title, agent and dependencies."""
    done = mbo("plan")

    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    assert len(re.findall(r"^\d+\.\d ", done.out, re.MULTILINE)) == 95
    assert "…" not in done.out
    assert "agents are named without `mcp-`" in done.out


def test_the_plan_as_json_is_for_programs() -> None:
    """The JSON holds the tasks asked for, whole, and nothing else is printed."""
    done = mbo("plan", "--phase", "1", "--workflow", "binary-manager", "--format", "json")
    told = json.loads(done.out)

    assert done.err == ""
    assert [task["id"] for task in told["tasks"]] == ["3.1", "3.2", "3.3", "3.4", "3.5"]
    assert told["tasks"][1]["agent"] == "mcp-claude-sdk-expert"
    assert {"phases", "components", "workflows", "agents", "policy", "gates"} <= told.keys()


def test_the_plan_as_markdown_is_a_document() -> None:
    """The Markdown has a table for each phase, with what each task is accepted by."""
    done = mbo("plan", "--phase", "1", "--format", "markdown")

    assert done.out.startswith("# claude-code-mcp\n\n## Phase 1: Core Infrastructure\n")
    assert {line.count(" | ") for line in done.out.splitlines() if line.startswith("| ")} == {6}


def test_the_plan_shows_who_keeps_which_contract(scenario: Scenario) -> None:
    """Each contract stands below the tasks with all its parties, in 80 columns; a plan without any says nothing."""
    bare = scenario.mbo("plan").out
    design = {"kind": "design", "declares": ["lookup", "formats", "command-line-of-the-server"]}
    scenario.simple("1.3", "gamma", **design)
    scenario.simple("1.4", "delta", deps=["1.3"], produces=["lookup", "formats"])
    for number in range(5, 25):
        scenario.simple(f"1.{number}", f"part{number}", deps=["1.3"], consumes=["lookup"])
    scenario.write()

    done = scenario.mbo("plan")
    told = json.loads(scenario.mbo("plan", "--format", "json").out)["contracts"]
    consumers = [f"1.{number}" for number in range(5, 25)]

    assert "ontract" not in bare
    assert max(map(len, done.out.splitlines())) <= 80
    assert re.findall(r"^(\S+) +1\.3 +(1\.4|-) +(1\.5 .*|-)$", done.out, re.MULTILINE) == [
        ("lookup", "1.4", " ".join(consumers[:6])),
        ("formats", "1.4", "-"),
        ("command-line-of-the-server", "-", "-"),
    ]
    assert told[0] == {
        "name": "lookup",
        "path": "contracts/lookup.yaml",
        "declared_by": ["1.3"],
        "produced_by": ["1.4"],
        "consumed_by": consumers,
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pan",), "no such command 'pan'; did you mean 'plan'? (see `mbo --help`)"),
        (("plan", "--phse", "1"), "no such option '--phse'; did you mean '--phase'? (see `mbo plan --help`)"),
        (("status", "--phase", "1"), "no such option '--phase'; did you mean '--plan'? (see `mbo status --help`)"),
        (("plan", "--phase", "x"), "invalid value for '--phase'"),
        (("plan", "--home", ""), "invalid value for '--home': it is empty"),
        (("plan", "--phase", "9"), "there is no phase 9 in claude-code-mcp (it has 1, 2, 3, 4, 5, 6)"),
        (("messages",), "no project here yet; run `mbo init"),
        (("knowledge", "x"), "no project here yet; run `mbo init"),
        (("plan", "--workflow", "binary-manger"), "did you mean `binary-manager`?"),
        (("plan", "--plan", "nowhere.yaml"), "nowhere.yaml: No such file or directory"),
        (("init",), "missing option '--project-path'"),
        (("status",), "no project here yet; run `mbo init"),
        (("report",), "no project here yet; run `mbo init"),
        (("up",), "no project here yet; run `mbo init"),
        (("build",), "no project here yet; run `mbo init"),
        (("phase",), "missing argument"),
        (("execute", "--task-id", "1.1", "--slots", "0"), "invalid value for '--slots'"),
        (("sync", "--agents", "ALL", "--slots", "2"), "no such option '--slots'"),
        (("review", "--component", "1", "--approve", "ask"), "no such option '--approve'"),
    ],
    ids=" ".join,
)
def test_wrong_words_are_told_in_one_line(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """What is wrong with the words typed is one line that says what to type instead, and makes nothing."""
    home = () if "--home" in words or words == ("pan",) else ("--home", str(tmp_path / "home"))

    assert told in refused(mbo(*words, *home))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("execute", "--task-id", "1.3"), "there is no task `1.3` in scenario"),
        (("execute", "--task-id", "1.2"), "task 1.2 needs tasks that are not merged yet: 1.1"),
        (("execute", "--task-id", "1.1", "--agent", "sdk-expart"), "did you mean `mcp-claude-sdk-expert`?"),
        (("coordinate", "--workflow", "x"), "there is no workflow `x` in scenario"),
        (("phase", "2"), "there is no phase 2"),
        (("build", "--playbook", "nowhere"), "nowhere: no such playbook folder"),
    ],
    ids=" ".join,
)
def test_a_run_of_what_is_not_there_is_refused(scenario: Scenario, words: tuple[str, ...], told: str) -> None:
    """A run that cannot be is refused before anything starts: no server, no journal."""
    scenario.init()

    assert told in refused(scenario.mbo(*words))
    assert not scenario.home.prefect.exists()
    assert not scenario.home.metrics.exists()


def test_every_fault_of_a_plan_is_told_at_once(scenario: Scenario) -> None:
    """A plan with three faults is refused with all three, one a line."""
    plan = yaml.safe_load(scenario.plan.read_text())
    plan["tasks"][0]["kind"] = "poem"
    plan["tasks"][1] |= {"agent": "nobody", "deps": ["7.7"]}
    scenario.plan.write_text(yaml.safe_dump(plan))

    done = scenario.mbo("plan")
    assert done.code == 2
    head, *faults = done.err.splitlines()
    assert head.startswith(f"mbo: {scenario.plan}: ")
    assert len(faults) >= 3
    for word in ("nobody", "poem", "7.7"):
        assert any(word in fault for fault in faults)


def test_a_file_that_is_no_plan_is_refused_with_the_place(tmp_path: Path) -> None:
    """A plan that is not YAML is refused with the line and column of the fault."""
    (tmp_path / "plan.yaml").write_text("version: 1\ntasks: [\n")

    done = mbo("plan", "--plan", str(tmp_path / "plan.yaml"))
    assert done.code == 2
    assert "line 3, column 1" in done.err


def test_init_sets_everything_up_and_once_more_changes_nothing(scenario: Scenario) -> None:
    """A home and a project with the agents' definitions come into being; a second time leaves them as they are."""
    first = scenario.mbo("init", "--project-path", str(scenario.project))
    record = scenario.home.project_file.read_text()
    head = git(scenario.project, "rev-parse", "HEAD")
    second = mbo("init", "--project-path", str(scenario.project), "--home", str(scenario.home.root))

    assert (first.code, second.code, second.err) == (0, 0, first.err)
    assert (scenario.project / ".claude" / "agents" / "mcp-functional-server.md").is_file()
    assert scenario.home.project_file.read_text() == record
    assert git(scenario.project, "rev-parse", "HEAD") == head
    assert json.loads(record)["plan"] == str(scenario.plan)


def _foreign_folder(scenario: Scenario) -> str:
    scenario.project.mkdir()
    (scenario.project / "thesis.txt").write_text("mine")
    return "holds files but is no git repository"


def _malformed_agent(scenario: Scenario) -> str:
    scenario.existing({".claude/agents/own.md": "---\nname: own\n"})
    return "own.md:1: the front matter is not closed by ---"


def _project_in_home(scenario: Scenario) -> str:
    scenario.project = scenario.home.root / "project"
    return "cannot lie in each other"


def _project_is_a_file(scenario: Scenario) -> str:
    scenario.project.write_text("mine")
    return "is a file"


@pytest.mark.parametrize(
    "prepare", [_foreign_folder, _malformed_agent, _project_in_home, _project_is_a_file], ids=lambda f: f.__name__[1:]
)
def test_init_refuses_without_leaving_anything_behind(
    scenario: Scenario, tmp_path: Path, prepare: Callable[[Scenario], str]
) -> None:
    """Where a project cannot be set up, one line says why, and neither home nor project is touched."""
    told = prepare(scenario)
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)

    assert told in refused(scenario.mbo("init", "--project-path", str(scenario.project)))
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


def test_a_home_serves_one_project(scenario: Scenario, tmp_path: Path) -> None:
    """A home that was set up for one project refuses another, and keeps the first."""
    scenario.init()
    record = scenario.home.project_file.read_text()

    assert "this home serves" in refused(scenario.mbo("init", "--project-path", str(tmp_path / "other")))
    assert scenario.home.project_file.read_text() == record
    assert not (tmp_path / "other").exists()


def test_a_home_where_there_can_be_none_is_refused(scenario: Scenario, tmp_path: Path) -> None:
    """A home below a file is refused, and no project is begun for it."""
    (tmp_path / "file").write_text("")

    done = mbo("init", "--project-path", str(scenario.project), "--home", str(tmp_path / "file" / "home"))
    assert "use another --home" in refused(done)
    assert not scenario.project.exists()


def test_a_dirty_checkout_is_left_alone_and_said(scenario: Scenario) -> None:
    """Uncommitted changes are named, and neither they nor the commit under them are touched."""
    head = scenario.existing({"a.py": "one\n"})
    (scenario.project / "a.py").write_text("two\n")
    done = scenario.mbo("init", "--project-path", str(scenario.project))

    assert done.code == 0
    assert "uncommitted changes in a.py" in done.err
    assert (scenario.project / "a.py").read_text() == "two\n"
    assert git(scenario.project, "rev-parse", "HEAD") == head


def test_a_projects_own_agent_is_used_and_not_doubled(scenario: Scenario) -> None:
    """An agent that the project defines, in a file of any name, is kept; no second definition is put beside it."""
    scenario.existing({".claude/agents/team/ours.md": DEFINITION})
    scenario.init()

    assert not (scenario.project / ".claude" / "agents" / "mcp-functional-server.md").exists()
    assert scenario.mbo("init", "--project-path", str(scenario.project)).code == 0


def test_a_malformed_agent_stops_a_run_before_it_begins(scenario: Scenario) -> None:
    """An agent file that was broken after `init` is named with its line, and nothing runs."""
    scenario.init()
    (scenario.project / ".claude" / "agents" / "mcp-functional-server.md").write_text("no front matter")

    assert "mcp-functional-server.md:1: no front matter" in refused(scenario.mbo("build"))
    assert not scenario.home.metrics.exists()


def test_a_playbook_that_does_not_cover_the_tasks_is_refused(scenario: Scenario) -> None:
    """Tasks for which there are no turns are named before anything starts."""
    scenario.init()
    shutil.rmtree(scenario.folder / "playbook" / "1.2")

    assert "the playbook has no turns for 1.2" in refused(scenario.mbo("build"))


def test_a_home_that_another_run_holds_is_refused(scenario: Scenario) -> None:
    """Where another run holds the home, the refusal says which; status and report work beside it."""
    scenario.init()
    with homes.exclusive(scenario.home, "build"):
        told = refused(scenario.mbo("build"))
        status = scenario.mbo("status")

    assert f"held by `build` (process {os.getpid()}, since " in told
    assert (status.code, status.err) == (0, "")
    assert "`build` holds the home" in status.out


@pytest.fixture
def path_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give a function that takes one program off the PATH."""

    def take(program: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        for place in os.environ["PATH"].split(":"):
            for found in Path(place).glob("*") if place else ():
                if found.name != program and not os.path.lexists(folder / found.name):
                    (folder / found.name).symlink_to(found)
        monkeypatch.setenv("PATH", str(folder))
        require.cache_clear()  # git is looked for once in a process

    yield take
    require.cache_clear()


def test_without_git_nothing_is_begun(scenario: Scenario, path_without: Callable[[str], None]) -> None:
    """Without git one line says so, and neither home nor project comes into being; the plan can still be read."""
    path_without("git")

    assert "git" in refused(scenario.mbo("init", "--project-path", str(scenario.project)))
    assert not scenario.home.root.exists()
    assert not scenario.project.exists()
    assert scenario.mbo("plan").code == 0


def test_without_a_sandbox_a_run_is_refused_with_the_way_out(
    scenario: Scenario, path_without: Callable[[str], None]
) -> None:
    """Without bubblewrap a run is refused before it starts, with what to install and how to do without."""
    scenario.init()
    path_without("bwrap")

    told = refused(scenario.mbo("build"))
    assert "bwrap not found" in told
    assert "apt-get install bubblewrap" in told
    assert "--unsafe-no-sandbox" in told
    assert not scenario.home.prefect.exists()


def test_a_home_that_may_not_be_read_is_one_line(scenario: Scenario) -> None:
    """A home that the user may not read is refused in one line, whichever command meets it."""
    scenario.init()
    assert scenario.mbo("status").code == 0
    if os.geteuid() == 0:  # whom no mode keeps out
        os.seteuid(65_534)
    else:
        scenario.home.root.chmod(0)
    try:
        done = scenario.mbo("status")
    finally:
        os.seteuid(os.getuid())
        scenario.home.root.chmod(0o755)

    assert "permission denied" in refused(done).lower()


def test_what_nobody_foresaw_is_one_line_and_a_log(scenario: Scenario) -> None:
    """An unforeseen error is one line with exit code 1; its whole traceback is in the home's log."""
    scenario.init()
    scenario.home.project_file.write_text('{"project": 5}')

    told = refused(scenario.mbo("status"), code=1)
    assert re.search(r"^unforeseen \w+: .+; the traceback is in ", told)
    log = Path(told.rpartition(" ")[2])
    assert log == scenario.home.root / "errors.log"
    assert "Traceback (most recent call last)" in log.read_text()
    assert "mbo status --home" in log.read_text()


def test_a_demo_never_removes_what_is_no_demo(tmp_path: Path) -> None:
    """`demo` refuses a folder that holds anything but an earlier demo, and leaves it alone."""
    (tmp_path / "thesis.txt").write_text("mine")

    assert "holds something that is no demo" in refused(mbo("demo", "--directory", str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_demo_does_not_pull_the_rug_from_under_a_running_one(tmp_path: Path) -> None:
    """`demo` in a folder whose demo still runs is refused, and removes nothing."""
    (tmp_path / "demo.json").write_text("{}")
    home = Home(tmp_path / "home")
    with homes.exclusive(home, "coordinate binary-manager"):
        told = refused(mbo("demo", "--directory", str(tmp_path)))

    assert "held by `coordinate binary-manager`" in told
    assert home.lock.exists()


def test_status_before_the_first_run_says_how_to_begin(scenario: Scenario) -> None:
    """A fresh home shows its project and plan, that nothing has run, and what to type."""
    scenario.init()
    done = scenario.mbo("status", "--detailed")

    assert done.err == ""
    assert "scenario: 0 of 2 tasks merged" in done.out
    assert "none yet; begin with `mbo build" in done.out
    assert re.search(r"^1\.2 +waiting +Part 1\.2 +waits for 1\.1$", done.out, re.MULTILINE)


@pytest.fixture(scope="module")
def careless(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Done]:
    """Run one task past a checkout with uncommitted changes, without a sandbox."""
    scenario = Scenario(tmp_path_factory.mktemp("careless"))
    scenario.existing({"a.py": "one = 1\n"})
    (scenario.project / "a.py").write_text("one = 2\n")
    scenario.simple("1.1", "alpha")
    return scenario, scenario.build("--unsafe-no-sandbox")


def test_a_run_without_a_sandbox_is_said_everywhere(careless: tuple[Scenario, Done]) -> None:
    """What ran without isolation is said on the screen, in the journal, by the status and in the report."""
    scenario, done = careless

    assert done.code == 0
    assert "sandbox   none: what agents and gates run is not isolated from this machine" in done.err
    assert scenario.events("run_started")[0]["data"]["sandbox"] == "none"
    assert "none: what agents and gates ran is not isolated" in " ".join(scenario.mbo("status").out.split())
    assert "was not isolated from this machine" in " ".join(scenario.mbo("report").out.split())


def test_a_checkout_that_could_not_follow_is_said_with_the_way_to_do_it(careless: tuple[Scenario, Done]) -> None:
    """A run past a dirty checkout succeeds, leaves it alone, says why, and says how to bring it up to date."""
    scenario, done = careless
    line = next(text.strip() for text in done.err.splitlines() if text.strip().startswith("git -C"))

    assert "left alone: uncommitted changes in a.py" in done.err
    assert (scenario.project / "a.py").read_text() == "one = 2\n"
    git(scenario.project, "checkout", "--quiet", "a.py")
    subprocess.run(shlex.split(line), check=True, capture_output=True)
    assert (scenario.project / "src" / "alpha.py").is_file()


@pytest.fixture(scope="module")
def ended(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, Done]:
    """Run a plan of which one task merges, one fails for good and one is blocked by it."""
    scenario = Scenario(tmp_path_factory.mktemp("ended"))
    scenario.simple("1.1", "alpha", reviewers=[SECURITY])
    scenario.task("1.2", agent="mcp-documentation")
    scenario.turns("1.2", "work", [[create("README.md", "hello\n")], [finish()]])
    scenario.simple("1.3", "gamma", deps=["1.2"], agent=OTHER)
    return scenario, scenario.build()


def test_a_run_that_fails_says_what_merged_what_not_and_why(ended: tuple[Scenario, Done]) -> None:
    """The summary names every task with how it ended, the exit code is 1, and what to type next is there."""
    scenario, done = ended

    assert done.code == 1
    assert re.search(
        r"^plan scenario: 1 of 3 tasks merged in \d+ s(, after \d+ s to get ready)?$", done.out, re.MULTILINE
    )
    assert re.search(r"^  merged +1\.1$", done.out, re.MULTILINE)
    assert re.search(r"^  failed +1\.2 Part 1\.2: .*gate is red", done.out, re.MULTILINE)
    assert re.search(r"^  blocked +1\.3 Part 1\.3: waits for 1\.2, which failed$", done.out, re.MULTILINE)
    assert f"again     mbo build --home {scenario.home.root} --plan {scenario.plan}" in done.err
    assert "mbo report --home" in done.err


def test_a_run_without_a_terminal_is_quiet(ended: tuple[Scenario, Done]) -> None:
    """Where nobody watches there is no bar, no colour and no moving line: one line for each task that ends."""
    done = ended[1]

    assert not re.search(r"\x1b|\r|█", done.out + done.err)
    ends = [line.split()[:3] for line in done.err.splitlines() if line.startswith(("✔", "✘"))]
    assert sorted(ends) == [["✔", "1.1", "merged:"], ["✘", "1.2", "failed:"], ["✘", "1.3", "blocked:"]]


def test_a_run_says_that_its_agents_are_scripted(ended: tuple[Scenario, Done]) -> None:
    """Played turns are never taken for a model's: the screen and the report both say so."""
    scenario, done = ended

    assert "scripted (playbook)" in done.err
    assert "scripted by a playbook" in scenario.mbo("report").out


def test_status_explains_every_task_after_a_run(ended: tuple[Scenario, Done]) -> None:
    """After a run each task says where it stands and why, within 80 columns."""
    scenario, _ = ended
    done = scenario.mbo("status", "--detailed")

    assert done.code == 0
    assert re.search(r"^1\.1 +merged +Part 1\.1 +merged as [0-9a-f]{12}$", done.out, re.MULTILINE)
    assert re.search(r"^1\.2 +failed +Part 1\.2 +\S", done.out, re.MULTILINE)
    assert re.search(r"^1\.3 +waiting +Part 1\.3 +waits for 1\.2, which failed$", done.out, re.MULTILINE)
    assert "1 merged, 1 failed, 1 waiting" in done.out
    table = done.out[done.out.index("id ") :]
    assert max(map(len, table.splitlines())) <= 80


def test_status_says_when_the_plan_has_changed(ended: tuple[Scenario, Done], tmp_path: Path) -> None:
    """When the plan is not the one of the last run, the status says what that means."""
    scenario, _ = ended
    for name in ("plan.yaml", "toolchain.txt"):
        shutil.copy(scenario.folder / name, tmp_path)
    changed = tmp_path / "plan.yaml"
    changed.write_text(changed.read_text().replace("Part 1.3", "Another part"))

    done = mbo("status", "--home", str(scenario.home.root), "--plan", str(changed))
    assert "the plan is not the one of that run" in done.out
    assert "not the one of that run" not in scenario.mbo("status").out


def test_what_is_merged_is_not_done_again(ended: tuple[Scenario, Done]) -> None:
    """A command for what is merged already does nothing, says so, names what is free, and succeeds."""
    scenario, _ = ended
    events = len(scenario.all_events())
    done = scenario.mbo("execute", "--task-id", "1.1")

    assert done.code == 0
    assert "task 1.1: merged already, there is nothing to do" in done.err
    assert "nothing more waits for it" in done.out
    assert len(scenario.all_events()) == events


def test_executing_a_task_names_what_it_sets_free(prefect_server: Server, scenario: Scenario) -> None:
    """One task is done, its dependents are named as ready; with --cascade they are done as well."""
    scenario.simple("1.3", "gamma", deps=["1.2"])
    scenario.init()
    first = scenario.mbo("execute", "--task-id", "1.1")
    second = scenario.mbo("execute", "--task-id", "1.2", "--cascade")

    assert (first.code, second.code) == (0, 0)
    assert "  ready   1.2 Part 1.2\n" in first.out
    assert re.search(r"^  merged +1\.2 1\.3$", second.out, re.MULTILINE)
    assert set(scenario.statuses()) == {"1.1", "1.2", "1.3"}


def test_an_interrupted_run_ends_with_130_and_goes_on(prefect_server: Server, scenario: Scenario) -> None:
    """Ctrl-C ends a run within seconds with exit code 130 and one line; status knows, and the same command goes on."""
    scenario.turns("1.2", "work", [[bash("touch started; sleep 60")], [finish()]])
    scenario.init()
    line = [sys.executable, "-m", "orchestrator.cli", *scenario.line("build")]
    running = subprocess.Popen(
        line, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert running.stderr is not None
    seen = [text for text in iter(running.stderr.readline, "") if _is_merge(text, running)]
    out, _ = running.communicate(timeout=60)

    assert running.returncode == 130
    assert out == ""
    assert [text for text in seen if text.startswith("mbo: ")] == [
        "mbo: interrupted with 1 of 2 tasks merged; run the same command to go on\n"
    ]
    assert "Traceback" not in "".join(seen)
    assert "was stopped; the same command" in scenario.mbo("status").out


def _is_merge(text: str, running: subprocess.Popen[str]) -> bool:
    """Interrupt the run once its first task has merged; every line counts."""
    if text.startswith("✔ 1.1"):
        running.send_signal(signal.SIGINT)
    return True


def test_status_shows_what_is_in_the_way_and_when_it_ends(ended: tuple[Scenario, Done]) -> None:
    """Each view of the status says what it is for, within 80 columns: blockers, timeline and forecast."""
    scenario, _ = ended
    done = scenario.mbo("status", "--blockers", "--timeline", "--forecast")
    flat = " ".join(done.out.split())

    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines()[3:])) <= 80
    assert re.search(r"^1 +1\.2 +\S.* {2}another agent, or a smaller$", done.out, re.MULTILINE)
    assert re.search(r"^functional-server +[█1. ]+│", done.out, re.MULTILINE)
    assert re.search(r"^ +.*╷\d+ (s|min|h)", done.out, re.MULTILINE)
    assert re.search(r"^python-server-expert +│.*[░1]", done.out, re.MULTILINE)
    assert re.search(r"^the plan +\d+ \S+.* +\d+ \S+.* +\d+ \S+", done.out, re.MULTILINE)
    assert "2 tasks left; 1 measured tasks of 1 agents" in flat
    assert "no run is under way: counted from when one goes on" in flat


def test_status_as_json_holds_everything(ended: tuple[Scenario, Done]) -> None:
    """The status for programs names every task with its one reason, the risks, the forecast and who did what."""
    scenario, _ = ended
    found = json.loads(scenario.mbo("status", "--json").out)

    assert found["totals"] == {"merged": 1, "running": 0, "failed": 1, "waiting": 1}
    assert [(task["id"], task["state"], bool(task["reason"])) for task in found["tasks"]] == [
        ("1.1", "merged", True),
        ("1.2", "failed", True),
        ("1.3", "waiting", True),
    ]
    assert found["critical_path"] == {"tasks": ["1.2", "1.3"], "points": 2}
    assert found["components"][0]["stage"] == "implementation"
    assert [risk["kind"] for risk in found["risks"]] == ["failed", "rework", "playbook"]
    assert found["run"]["ending"] == "failed"
    assert found["forecast"]["left"] == 2
    assert {span["agent"] for span in found["timeline"]["spans"]} >= {"mcp-functional-server", SECURITY}


def test_a_watch_needs_a_terminal(scenario: Scenario) -> None:
    """Where nothing can be drawn anew, `--watch` is refused with one line."""
    scenario.init()

    assert refused(scenario.mbo("status", "--watch")).startswith("--watch draws on a terminal, and this is none")
