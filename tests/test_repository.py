"""Promises of the repository itself: common package names stay harmless, and what is fetched is pinned."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
REGISTRY = re.compile(r"https?://\S*(pypi|pythonhosted|npmjs|crates\.io|/simple\b|artifactory|devpi)", re.IGNORECASE)


def written_by_us() -> list[Path]:
    """Return every file of the repository that people wrote, as git sees it."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_nobody_can_upload_the_distribution() -> None:
    """The public index refuses a distribution with this classifier, whoever tries."""
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_our_packages_come_first() -> None:
    """Tests and contracts look at this checkout's packages, whatever else is installed."""
    pytest_options = PROJECT["tool"]["pytest"]["ini_options"]

    assert pytest_options["pythonpath"] == ["."]
    assert "--import-mode=importlib" in pytest_options["addopts"]
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == PACKAGES - {"plans"}
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_dependency_brings_one_of_our_packages() -> None:
    """A dependency with a top-level `agents` or `tasks` would shadow ours, or be shadowed."""
    own = PROJECT["project"]["name"]
    foreign = {name: set(brought) - {own} for name, brought in packages_distributions().items() if name in PACKAGES}

    assert {name: brought for name, brought in foreign.items() if brought} == {}


def test_no_flow_bears_the_name_of_a_package() -> None:
    """Prefect puts `flows/` first on the import path, where `flows/tasks.py` would hide the package `tasks`."""
    importable = PACKAGES | set(sys.stdlib_module_names) | set(packages_distributions())
    flows = {path.stem for path in (ROOT / "flows").iterdir() if path.stem != "__init__"} - {"__pycache__"}

    assert flows & importable == set()


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned_by_hash_and_name_no_place(path: Path) -> None:
    """Every line names one version and its hashes; where it is fetched from is the installer's own setting."""
    pins = path.read_text().replace("\\\n", " ").splitlines()
    pin = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?==\S+( ; [^:]+?)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+")

    assert len(pins) > 20
    assert [line for line in pins if not pin.fullmatch(line)] == []


@pytest.mark.parametrize("name", ["run", "dev"])
def test_requirements_hold_every_declared_dependency(name: str) -> None:
    """A dependency added to pyproject.toml is missing from no requirement file."""
    groups = PROJECT["dependency-groups"]
    declared = PROJECT["project"]["dependencies"] + groups["build"] + (groups["dev"] if name == "dev" else [])
    wanted = {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in declared}
    pinned = set(re.findall(r"^([a-z0-9._-]+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))

    assert wanted - pinned == set()


def test_nothing_we_wrote_names_a_registry() -> None:
    """Where packages come from is the user's setting; no text of ours decides it."""
    named = {
        str(path.relative_to(ROOT)): found.group()
        for path in written_by_us()
        if (found := REGISTRY.search(path.read_text(encoding="utf-8", errors="replace")))
    }

    assert named == {}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])
def test_deployment_names_a_flow_and_its_parameters(deployment: dict[str, Any]) -> None:
    """Each entrypoint is a function that is there, given all that it requires and nothing that it does not know."""
    path, _, name = deployment["entrypoint"].partition(":")
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    flow = next(node for node in nodes if isinstance(node, FUNCTION) and node.name == name)
    arguments = [argument.arg for argument in flow.args.args]
    required = arguments[: len(arguments) - len(flow.args.defaults)]

    assert set(required) <= set(deployment["parameters"]) <= set(arguments)
    assert [schedule for schedule in deployment.get("schedules", []) if schedule["active"]] == []


def test_continuous_integration_runs_the_one_recipe() -> None:
    """What is checked before a merge is what `make test` checks here."""
    recipe = ROOT / ".ci" / "run"

    assert recipe.stat().st_mode & 0o111
    assert [line for line in recipe.read_text().splitlines() if line.startswith("make ")] == ["make test"]
