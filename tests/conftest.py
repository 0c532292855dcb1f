"""What every test stands on: a clean environment, a fresh home, and one Prefect server for the whole session.

A test that needs Prefect asks for `prefect_server` and imports what uses Prefect inside its own body: Prefect reads
its settings from the environment when it is imported, and the server's address is known only by then.

Where several processes share the tests, they share that server and the toolchains as well: they lie in one folder,
which the first process makes and removes.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import server
from orchestrator.home import Home
from orchestrator.server import Server
from tests.zygote import Zygote

SHARED = "TESTS_SHARED_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all processes of the session share; where there will be several, begin their server."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="tests-")
        if config.getoption("numprocesses", default=None):
            server.begin(_server_home())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the session's server, whichever process started it, and remove what they shared."""
    if not hasattr(config, "workerinput"):
        server.down(_server_home())
        shutil.rmtree(os.environ.pop(SHARED))


def _server_home() -> Home:
    return Home(Path(os.environ[SHARED]) / "home")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings out of every test, and every test out of the user's folders."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("MBO_", "PREFECT_", "GIT_", "XDG_")) or name in ("COLUMNS", "NO_COLOR"):
                patch.delenv(name)
        patch.setenv("HOME", str(folder))
        patch.setenv("XDG_CACHE_HOME", str(Path(os.environ[SHARED]) / "cache"))
        yield


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home that no other test has seen; its folders are made by what writes to them."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def prefect_server(clean_environment: None) -> Iterator[Server]:
    """Run one Prefect server from the first test that asks until the session's end, and point the environment at it."""
    assert "prefect" not in sys.modules, "import Prefect inside the tests that ask for prefect_server, not before"
    shared = _server_home()
    running = server.up(shared)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(shared, running).items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="session")
def zygote(prefect_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Keep one process at hand that forks commands to be killed."""
    with Zygote(tmp_path_factory.mktemp("commands")) as zygote:
        yield zygote
