"""A small plan with scripted turns, built in a test and run through the real engine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agents import roster
from orchestrator import settings
from orchestrator.events import read_events
from orchestrator.home import Home

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


def module(name: str, value: int = 1) -> Turn:
    """Return the turn that writes a module with one function, and its test."""
    code = f'"""A module."""\n\n\ndef value() -> int:\n    """Return the value."""\n    return {value}\n'
    test = f"from {name} import value\n\n\ndef test_{name}():\n    assert value() == {value}\n"
    return [create(f"src/{name}.py", code), create(f"tests/test_{name}.py", test)]


class Scenario:
    """A plan file, its playbook, and a home and project to run it in."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty plan in `folder`."""
        self.folder = folder / "plan"
        self.folder.mkdir(parents=True)
        self.home = Home(folder / "home")
        self.project = folder / "project"
        self.tasks: list[dict[str, Any]] = []
        self.workflows: list[dict[str, Any]] = []
        self.policy: dict[str, Any] = {}
        shutil.copy(settings.BUNDLED_PLAN.parent / "toolchain.txt", self.folder)

    @property
    def plan(self) -> Path:
        """Return the plan's file."""
        return self.folder / "plan.yaml"

    def task(self, task_id: str, *, deps: Sequence[str] = (), reviewers: Sequence[str] = (), **more: Any) -> None:
        """Add a task; it is code by the functional server agent unless `more` says otherwise."""
        about = {"kind": "code", "effort": 1, "agent": WORKER, "title": f"Part {task_id}", "accept": ["it works"]}
        place = {"id": task_id, "phase": 1, "component": 1, "component_name": "parts"}
        self.tasks.append({**place, **about, "deps": list(deps), "reviewers": list(reviewers), **more})

    def turns(self, task_id: str, name: str, turns: Sequence[Turn]) -> None:
        """Write the turns of one round of a task, such as `work` or `review.mcp-security-validation`."""
        file = self.folder / "playbook" / task_id / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        documents = [{"role": "assistant", "content": [dict(block) for block in turn]} for turn in turns]
        file.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")

    def simple(self, task_id: str, name: str, **more: Any) -> None:
        """Add a task that writes one module with its test and is approved by whoever reviews it."""
        self.task(task_id, **more)
        self.turns(task_id, "work", [module(name), [finish(f"Wrote {name}.")]])
        for reviewer in more.get("reviewers", ()):
            self.turns(task_id, f"review.{reviewer}", approve())

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
            "name": "scenario",
            "toolchain": "toolchain.txt",
            "playbook": "playbook",
            "environment": {"PYTHONPATH": "src"},
            "phases": [{"number": 1, "name": "Only", "tasks": len(self.tasks)}],
            "components": [{"number": 1, "name": "parts", "phase": 1}],
            "agents": agents,
            "policy": policy | self.policy,
            "workflows": self.workflows,
            "gates": dict.fromkeys(("design", "code", "test", "doc"), gate),
            "tasks": self.tasks,
        }
        self.plan.write_text(yaml.safe_dump(json.loads(json.dumps(plan)), sort_keys=False), encoding="utf-8")

    def mbo(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the product on this home, and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", "orchestrator.cli", *words, "--home", str(self.home.root), "--plan", str(self.plan)],
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env={**os.environ, "PYTHONPATH": str(settings.BUNDLED_PLAN.parents[2])},
        )

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Write the plan, set up the home if need be, and run the whole plan."""
        self.write()
        if not self.home.project_file.exists():
            done = self.mbo("init", "--project-path", str(self.project))
            assert done.returncode == 0, done.stderr
        return self.mbo("build", *options)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind, in the order written."""
        return [event for event in read_events(self.home) if event["kind"] == kind]

    def statuses(self) -> dict[str, str]:
        """Return how each task ended last."""
        return {event["task"]: event["data"]["status"] for event in self.events("outcome")}
