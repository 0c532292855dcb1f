"""A small plan with scripted turns, built in a test and run through the real engine in the test's own process."""

import gc
import io
import json
import re
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import yaml

from agents import roster
from orchestrator import settings
from orchestrator.cli.main import main
from orchestrator.events import Events, read_events
from orchestrator.home import Home
from orchestrator.journal import read
from orchestrator.models import JsonObject, SessionRef, Verdict, digest

ARCHITECTURE = "mcp-architecture-agent"
COORDINATOR = "mcp-project-coordinator"
SECURITY = "mcp-security-validation"
TESTING = "mcp-testing-quality"
WORKER = "mcp-functional-server"
OTHER = "mcp-python-server-expert"

_TESTS = [
    "{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "-o",
    "junit_family=xunit1", "-q", "--junitxml={report}", "tests",
]  # fmt: skip
_PACKAGES = ("iniconfig", "packaging", "pluggy", "pygments", "pytest")

Turn = Sequence[Mapping[str, Any]]


def create(path: str, text: str) -> dict[str, Any]:
    """Return the tool call that writes a file."""
    given = {"command": "create", "path": path, "file_text": text}
    return {"type": "tool_use", "name": "str_replace_based_edit_tool", "input": given}


def bash(command: str) -> dict[str, Any]:
    """Return the tool call that runs a shell command."""
    return {"type": "tool_use", "name": "bash", "input": {"command": command}}


def call(tool: str, **given: Any) -> dict[str, Any]:
    """Return the call of any tool."""
    return {"type": "tool_use", "name": tool, "input": given}


def words(text: str) -> Turn:
    """Return a turn without a tool call."""
    return [{"type": "text", "text": text}]


def finish(summary: str = "Done.") -> dict[str, Any]:
    """Return the call that hands the work over."""
    return call("finish", summary=summary)


def approve(summary: str = "Read and approved.") -> list[Turn]:
    """Return a review that approves in one turn."""
    return [[call("submit_verdict", decision="approve", summary=summary)]]


def object_to(decision: str, text: str) -> list[Turn]:
    """Return a review that objects with one finding."""
    finding = {"severity": "high", "path": "src/x.py", "line": 1, "text": text}
    return [[call("submit_verdict", decision=decision, summary=text, findings=[finding])]]


def module(name: str, value: int = 1, *, expected: int | None = None) -> Turn:
    """Return the turn that writes a module with one function, and its test; red where another value is `expected`."""
    wanted = value if expected is None else expected
    code = f'"""A module."""\n\n\ndef value() -> int:\n    """Return the value."""\n    return {value}\n'
    test = f"from {name} import value\n\n\ndef test_{name}():\n    assert value() == {wanted}\n"
    return [create(f"src/{name}.py", code), create(f"tests/test_{name}.py", test)]


class Done(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


class Landed(NamedTuple):
    """A commit on the integration branch, as `git log` tells of it."""

    commit: str
    author: str
    subject: str
    trailers: dict[str, str]


def mbo(*arguments: str) -> Done:
    """Run the command line with these arguments in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch("sys.argv", ["mbo", *arguments]),
        patch.dict("os.environ"),
        redirect_stdout(out),
        redirect_stderr(err),
        quiet(),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Done(code, out.getvalue(), err.getvalue())


@contextmanager
def quiet() -> Iterator[None]:
    """Pass over the connections to its server that Prefect leaves open; all other warnings are errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"unclosed <socket.* raddr=\('127.0.0.1'", ResourceWarning)
        try:
            yield
        finally:
            gc.collect()


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a folder, as the user would run it."""
    identity = ("-c", "user.name=U", "-c", "user.email=u@example.org", "-c", "init.defaultBranch=main")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Scenario:
    """A plan file, its playbook, and a home and project to run it in."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty plan in `folder`."""
        self.folder = folder / "plan"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.home = Home(folder / "home")
        self.project = folder / "project"
        self.name = "scenario"
        """The plan's name, and in Prefect a tag of its runs."""
        self.tasks: list[dict[str, Any]] = []
        self.gates: dict[str, list[dict[str, Any]]] = {}
        self.policy: dict[str, Any] = {}
        self.workflows: list[dict[str, Any]] = []
        (self.folder / "toolchain.txt").write_text(_requirements(), encoding="utf-8")

    @property
    def plan(self) -> Path:
        """Return the plan's file."""
        return self.folder / "plan.yaml"

    def existing(self, files: Mapping[str, str]) -> str:
        """Make the project a git repository with one commit of these files, and return that commit."""
        for name, text in files.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.project, "init", "--quiet")
        git(self.project, "add", "--all")
        git(self.project, "commit", "--quiet", "--message", "What was there")
        return git(self.project, "rev-parse", "HEAD")

    def task(self, task_id: str, *, deps: Sequence[str] = (), reviewers: Sequence[str] = (), **more: Any) -> None:
        """Add a task; it is code by the functional server agent unless `more` says otherwise."""
        about = {"kind": "code", "effort": 1, "agent": WORKER, "title": f"Part {task_id}", "accept": ["it works"]}
        place = {"id": task_id, "phase": 1, "component": 1, "component_name": "parts"}
        self.tasks.append({**place, **about, "deps": list(deps), "reviewers": list(reviewers), **more})

    def workflow(self, name: str, *tasks: str) -> None:
        """Add a workflow of these tasks, one after the other."""
        stages = [{"label": task, "tasks": [task]} for task in tasks]
        self.workflows.append({"name": name, "chain": list(tasks), "stages": stages, "path": list(tasks)})

    def turns(self, task_id: str, name: str, turns: Sequence[Turn]) -> None:
        """Write the turns of one round of a task, such as `work` or `review.mcp-security-validation`."""
        file = self.folder / "playbook" / task_id / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        documents = [{"role": "assistant", "content": [dict(block) for block in turn]} for turn in turns]
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")

    def work(self, task_id: str, *turns: Turn, **more: Any) -> None:
        """Add a task whose first round plays these turns and then hands the work over."""
        self.task(task_id, **more)
        self.turns(task_id, "work", [*turns, [finish(f"Did {task_id}.")]])
        asked = (COORDINATOR,) if more.get("kind") == "design" else ()  # whose approval a design needs as well
        for reviewer in (*asked, *more.get("reviewers", ())):
            self.turns(task_id, f"review.{reviewer}", approve())

    def simple(self, task_id: str, name: str, **more: Any) -> None:
        """Add a task that writes one module with its test and is approved by whoever reviews it."""
        self.work(task_id, module(name), **more)

    def write(self) -> None:
        """Write the plan file as it stands now."""
        agents = [
            {"id": name, "label": name.removeprefix("mcp-"), "category": "team", "priority": "medium"}
            for name in roster.bundled()
        ]
        policy = {
            "planning_approver": COORDINATOR,
            "design_final_say": ARCHITECTURE,
            "implementation_veto": SECURITY,
            "release_block": TESTING,
            "deadlock": COORDINATOR,
            "integration": "mcp-integration-specialist",
            "protected": [".git", "pyproject.toml", "conftest.py"],
        }
        gate = [{"name": "tests", "run": _TESTS, "tests": True, "seconds": 60}]
        plan = {
            "version": 1,
            "name": self.name,
            "toolchain": "toolchain.txt",
            "playbook": "playbook",
            "environment": {"PYTHONPATH": "src"},
            "phases": [{"number": 1, "name": "Only", "tasks": len(self.tasks)}],
            "components": [{"number": 1, "name": "parts", "phase": 1}],
            "agents": agents,
            "policy": policy | self.policy,
            "gates": dict.fromkeys(("design", "code", "test", "doc"), gate) | self.gates,
            "tasks": self.tasks,
            "workflows": self.workflows,
        }
        self.plan.write_text(yaml.safe_dump(json.loads(json.dumps(plan)), sort_keys=False), encoding="utf-8")

    def mbo(self, *words: str) -> Done:
        """Run a command of the product on this home and plan."""
        return mbo(*self.line(*words))

    def told(self, *words: str) -> str:
        """Return what a command prints, each run of spaces and line breaks as one space."""
        return " ".join(self.mbo(*words).out.split())

    def line(self, *words: str) -> tuple[str, ...]:
        """Return the words of a command on this home and plan."""
        return (*words, "--home", str(self.home.root), "--plan", str(self.plan))

    def init(self) -> None:
        """Write the plan and set up home and project."""
        self.write()
        done = self.mbo("init", "--project-path", str(self.project))
        assert done.code == 0, done.err

    def build(self, *options: str) -> Done:
        """Write the plan, set up the home if need be, and run the whole plan."""
        if self.home.project_file.exists():
            self.write()
        else:
            self.init()
        return self.mbo("build", *options)

    def events(self, kind: str, task: str | None = None) -> list[JsonObject]:
        """Return the events of one kind, of one task or of all, in the order written."""
        return [event for event in self.all_events() if event["kind"] == kind and task in (None, event.get("task"))]

    def all_events(self) -> list[JsonObject]:
        """Return every event of the project journal, in the order written."""
        return list(read_events(self.home))

    def outcome(self, task: str) -> tuple[str, str]:
        """Return how a task ended last, and why."""
        data = self.events("outcome", task)[-1]["data"]
        return data["status"], data["reason"]

    def statuses(self) -> dict[str, str]:
        """Return how each task ended last."""
        return {event["task"]: event["data"]["status"] for event in self.events("outcome")}

    def brief(self, task: str, session: str) -> str:
        """Return what an agent was told at the start of a session, such as `work-1.2`."""
        record = self.transcript(task)[f"{session}/brief"]
        return record["message"]["content"]

    def transcript(self, task: str) -> dict[str, JsonObject]:
        """Return the records of a task's newest key, each by its id without the key."""
        key = self.events("task_started", task)[-1]["key"]
        return {record["id"].partition("/")[2]: record for record in read(self.home.transcript(key))}

    def turns_played(self) -> list[str]:
        """Return the id of every turn in every transcript."""
        files = sorted(self.home.transcripts.glob("*.jsonl"))
        return [record["id"] for file in files for record in read(file) if record["type"] == "turn"]

    def landed(self) -> list[Landed]:
        """Return the commits of the integration branch from the oldest on, along its first parents."""
        form = "--format=%H%x00%an%x00%s%x00%(trailers:only,unfold)%x00"
        fields = git(self.home.repository, "log", "--first-parent", "--reverse", form, "HEAD").split("\0")
        entries = zip(*(iter(fields),) * 4, strict=False)
        return [Landed(commit.strip(), author, subject, _trailers(text)) for commit, author, subject, text in entries]

    def tree(self) -> dict[str, str]:
        """Return the files at the head of the integration branch and their contents."""
        names = git(self.home.repository, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
        return {name: git(self.home.repository, "show", f"HEAD:{name}") for name in names}


def _requirements() -> str:
    """Return what the toolchain of these plans holds: pytest and what it needs, as pinned for the bundled plan."""
    pinned = (settings.BUNDLED_PLAN.parent / "toolchain.txt").read_text(encoding="utf-8")
    found = re.findall(r"^\S+==(?:.*\\\n)+.*\n", pinned, re.MULTILINE)
    return "".join(block for block in found if block.partition("==")[0] in _PACKAGES)


def _trailers(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if line)


def say_of_component(scenario: Scenario, decision: Literal["approve", "block"], review: int = 1) -> None:
    """Record what testing says of component 1, as a review of it does."""
    events = Events(scenario.home, f"review {review}")
    key = digest(f"component-1 {review}")
    session = SessionRef(task="component-1", key=key, role="review", agent=TESTING, round=review)
    verdict = Verdict(session=session, commit="c" * 40, decision=decision, summary="coverage fell")
    events.record("verdict", f"{session.id}/verdict", verdict.model_dump(mode="json"), session=session)
    events.close()
