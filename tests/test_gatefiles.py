"""Promises about the files that a gate command names, in each of the ways in which it may."""

import pytest

from orchestrator.models import GateCommand, Plan
from orchestrator.protection import gatefiles
from tests.workbench import POLICY

PYTEST = ("{python}", "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-q", "--junitxml={report}", "tests/")


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (("sh", "scripts/gate.sh"), "scripts/gate.sh"),
        (("./scripts/gate.sh",), "scripts/gate.sh"),
        (("{python}", "tools/check.py"), "tools/check.py"),
        (("{python}", "tools"), "tools/__main__.py"),
        (("sh", "-c", "set -e; ./a.sh && tools/b.sh>log"), "tools/b.sh"),
        (("sh", "my gate.sh"), "my gate.sh"),
        (("tool", "--config=conf/gate.toml"), "conf/gate.toml"),
        (("sh", "-c", "cd tools && sh gate.sh"), "tools/gate.sh"),
        (("{python}", "-m", "tools.check"), "tools/check.py"),
        (("{python}", "-m", "tools.check"), "tools/check/__main__.py"),
        (("{python}", "-m", "tools.check"), "tools/__init__.py"),
        (("{python}", "-m", "check"), "src/check.py"),
        (("sh", "-c", "PYTHONPATH=lib python -m check"), "lib/check.py"),
        (PYTEST, "pytest.py"),
        (PYTEST, "src/pytest/__init__.py"),
        (("{python}", "-m", "pytest", "-p", "plugins.gate"), "plugins/gate.py"),
        (("make", "check"), "Makefile"),
        (("make", "-C", "build", "check"), "build/makefile"),
        (("/usr/bin/make",), "GNUmakefile"),
        (("sh", "tests/run.sh"), "tests/run.sh"),
    ],
)
def test_what_a_gate_command_names_is_held(run: tuple[str, ...], path: str) -> None:
    """Words that are paths, in a shell's line too, modules where Python finds them, and what a program reads itself."""
    assert named(run).hold(path)


@pytest.mark.parametrize(
    ("run", "path"),
    [
        (PYTEST, "tests/helpers.py"),
        (PYTEST, "tests/test_a.py"),
        (PYTEST, "tests/__init__.py"),
        (("{python}", "-m", "pytest", "tests/test_a.py"), "tests/test_a.py"),
        (("ruff", "check", "src"), "src/a.py"),
        (("{python}", "-m", "compileall", "parts"), "parts/__main__.py"),
        (("sh", "scripts/gate.sh"), "scripts/other.sh"),
        (("sh", "scripts/gate.sh"), "docs/scripts/gate.sh"),
        (("sh", "/usr/bin/gate.sh"), "usr/bin/gate.sh"),
        (("sh", "../gate.sh"), "gate.sh"),
        (("true",), "Makefile"),
    ],
)
def test_what_a_gate_command_does_not_name_is_free(run: tuple[str, ...], path: str) -> None:
    """A folder does not stand for the files in it, and tests are judged by whose they are."""
    assert not named(run).hold(path)


def named(run: tuple[str, ...]) -> gatefiles.GateFiles:
    """Return what a plan with one gate command names, whose modules Python also finds in `src`."""
    gates = {"code": (GateCommand(name="gate", run=run),)}
    empty = {"phases": (), "components": (), "agents": (), "tasks": ()}
    return gatefiles.named(
        Plan.model_validate(
            {"version": 1, "policy": POLICY, "gates": gates, "environment": {"PYTHONPATH": "src"}, **empty}
        )
    )
