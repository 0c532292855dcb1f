"""Promises of the toolchain."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from orchestrator import sandbox, toolchain
from orchestrator.errors import InputError, UnsupportedError

PINNED = Path(__file__).parent.parent / "requirements" / "dev.txt"


def pinned(name: str) -> str:
    """Return the pinned lines of one package."""
    found = re.search(rf"^{name}==(?:.*\\\n)+.*\n", PINNED.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found.group()


def prepare(requirements: Path, cache: Path, said: list[str] | None = None) -> toolchain.Toolchain:
    """Prepare a toolchain and keep what is said."""
    return asyncio.run(toolchain.prepare(requirements, cache, (said if said is not None else []).append))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that this module shares."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def requirements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A requirement file of one small package."""
    file = tmp_path_factory.mktemp("plan") / "requirements.txt"
    file.write_text(pinned("iniconfig"), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def half_built(requirements: Path, cache: Path) -> Path:
    """The folder of a toolchain whose building was stopped half-way."""

    async def stop_half_way() -> Path:
        building = asyncio.create_task(toolchain.prepare(requirements, cache, [].append))
        while not (found := list(cache.glob("toolchains/*/bin/python"))):
            await asyncio.sleep(0.01)
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building
        return found[0].parent.parent

    folder = asyncio.run(stop_half_way())
    (folder / "left-behind").touch()
    return folder


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What was said while the toolchain was built."""
    return []


@pytest.fixture(scope="module")
def built(half_built: Path, requirements: Path, cache: Path, said: list[str]) -> tuple[toolchain.Toolchain, ...]:
    """What two callers got that asked at the same time, where half a toolchain stood."""

    async def both() -> list[toolchain.Toolchain]:
        return await asyncio.gather(*(toolchain.prepare(requirements, cache, said.append) for _ in range(2)))

    assert not (half_built / "complete").exists()
    return tuple(asyncio.run(both()))


def test_one_of_two_callers_builds(built: tuple[toolchain.Toolchain, ...], said: list[str]) -> None:
    """Two callers at once get the same toolchain, built once."""
    assert built[0] == built[1]
    assert [line.split(":")[0] for line in said] == ["toolchain", "toolchain"]


def test_half_a_toolchain_is_replaced(built: tuple[toolchain.Toolchain, ...], half_built: Path) -> None:
    """What a stopped build left behind is not used but built again, in the same place."""
    assert built[0].python == half_built / "bin" / "python"
    assert not (half_built / "left-behind").exists()


def test_packages_are_there_in_the_sandbox(built: tuple[toolchain.Toolchain, ...], tmp_path: Path) -> None:
    """Inside the sandbox the interpreter starts, finds the package compiled, and cannot change it."""
    place = sandbox.detect()
    if (owner := place.owner(1)) is not None:
        os.chown(tmp_path, owner, owner)
    program = (
        "import iniconfig, os, sys; print(os.path.exists(iniconfig.__cached__))\n"
        "try: open(iniconfig.__file__, 'a')\n"
        "except OSError: print('refused')"
    )

    finished = asyncio.run(
        place.run(
            [str(built[0].python), "-c", program],
            worktree=tmp_path,
            writable=True,
            slot=1,
            seconds=20,
            read_only=built[0].read_only,
        )
    )

    assert finished.output == "True\nrefused\n"


def test_second_run_builds_nothing(built: tuple[toolchain.Toolchain, ...], requirements: Path, cache: Path) -> None:
    """A toolchain that is there is used without a word."""
    said_again: list[str] = []

    assert prepare(requirements, cache, said_again) == built[0]
    assert said_again == []


def test_wrong_hash_is_refused(tmp_path: Path) -> None:
    """A package that does not match its hash is refused in one line, and nothing whole is left."""
    file = tmp_path / "requirements.txt"
    file.write_text(re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, pinned("iniconfig")), encoding="utf-8")

    with pytest.raises(UnsupportedError) as caught:
        prepare(file, tmp_path / "cache")

    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.rglob("complete")) == []


def test_missing_file_says_so(tmp_path: Path) -> None:
    """A requirement file that is not there is the user's input to mend."""
    with pytest.raises(InputError, match="cannot be read"):
        prepare(tmp_path / "none.txt", tmp_path)


def test_interpreter_brings_all_that_it_needs() -> None:
    """The running interpreter lies in the folders named, or below `/usr`."""
    places = (*toolchain.interpreter(), Path("/usr"))

    assert any(Path(sys.executable).resolve().is_relative_to(place) for place in places)
