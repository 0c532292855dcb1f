"""Promises about large outputs kept by their digest."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import JournalError, StorageError
from orchestrator.home import Home
from orchestrator.kept import keep, load

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "text",
    ["", "one\ntwo\r\nthree\r", "naïve 東京 🚧\0", "x" * 3_000_000],
    ids=["empty", "newlines", "unicode", "large"],
)
def test_gives_back_every_character(tmp_path: Path, text: str) -> None:
    """What was kept is what is loaded, line endings included."""
    home = Home(tmp_path)

    assert load(home, keep(home, text)) == text


def test_half_a_surrogate_pair_is_kept_as_its_escape(tmp_path: Path) -> None:
    """Text that UTF-8 cannot hold does not stop a task."""
    home = Home(tmp_path)

    assert load(home, keep(home, "cut \ud83d here")) == r"cut \ud83d here"


def test_lies_under_the_digest_of_its_bytes(tmp_path: Path) -> None:
    """Any other tool can find and verify a kept output: its name is its SHA-256."""
    home = Home(tmp_path)
    name = hashlib.sha256(b"output").hexdigest()

    assert keep(home, "output") == name
    assert (home.kept / name[:2] / name).read_bytes() == b"output"


def test_keeping_again_changes_nothing(tmp_path: Path) -> None:
    """The same text is stored once; its file is not even touched the second time."""
    home = Home(tmp_path)
    path = home.kept / (name := keep(home, "output"))[:2] / name
    before = path.stat()

    assert keep(home, "output") == name
    assert path.stat() == before


def test_keeping_again_mends_an_altered_file(tmp_path: Path) -> None:
    """A file that lost its content, as after a power cut, is written anew when the text is kept again."""
    home = Home(tmp_path)
    name = keep(home, "output")
    (home.kept / name[:2] / name).write_text("")

    keep(home, "output")

    assert load(home, name) == "output"


@pytest.mark.parametrize("fault", ["missing", "altered"])
def test_never_gives_back_anything_else(tmp_path: Path, fault: str) -> None:
    """A reference in the journal yields what it meant or an error that names the file, never other text."""
    home = Home(tmp_path)
    name = keep(home, "output")
    path = home.kept / name[:2] / name
    path.unlink() if fault == "missing" else path.write_text("another")

    with pytest.raises(JournalError, match=rf"{name}.*{fault}"):
        load(home, name)


def test_threads_may_keep_the_same_text_at_once(tmp_path: Path) -> None:
    """Checks that run side by side often print the same; none of them fails for it, and no scrap is left."""
    home = Home(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda number: keep(home, f"output {number % 2}"), range(64)))

    assert len(names) == 2
    assert {file.name for file in home.kept.rglob("*") if file.is_file()} == names


def test_a_full_disk_is_a_storage_error(tmp_path: Path) -> None:
    """Where the disk takes only part of the text, nothing is kept and the error says so."""
    code = f"""
import resource
from pathlib import Path
from orchestrator.home import Home
from orchestrator.kept import keep
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
keep(Home(Path({str(tmp_path)!r})), "x" * 5000)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert StorageError.__name__ in ended.stderr
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []
