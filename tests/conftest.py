"""What every test stands on: a clean environment, a fresh home, and one Prefect server for the whole session.

A test that needs Prefect asks for `prefect_server` and imports what uses Prefect inside its own body: Prefect reads
its settings from the environment when it is imported, and the server's address is known only by then.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import server
from orchestrator.home import Home
from orchestrator.server import Server


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings out of every test, and every test out of the user's folders."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("MBO_", "PREFECT_", "GIT_", "XDG_")):
                patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home that no other test has seen; its folders are made by what writes to them."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def prefect_server(clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run one Prefect server from the first test that asks until the session's end, and point the environment at it."""
    assert "prefect" not in sys.modules, "import Prefect inside the tests that ask for prefect_server, not before"
    shared = Home(tmp_path_factory.mktemp("server") / "home")
    try:
        running = server.up(shared)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment(shared, running).items():
                patch.setenv(name, value)
            yield running
    finally:
        server.down(shared)
