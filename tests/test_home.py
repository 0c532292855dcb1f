"""Promises about the home: one run at a time, and files that are replaced whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import HomeBusyError, InputError, StorageError
from orchestrator.home import Home, exclusive, holder, read_json, write_atomically, write_json

ROOT = Path(__file__).parent.parent
HOLD = """
import sys
from pathlib import Path
from orchestrator.home import Home, exclusive
with exclusive(Home(Path(sys.argv[1])), "mbo build"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that holds the home at `tmp_path` until its input ends."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_run_is_told_who_holds_the_home(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    """A second run exits at once and names the process and its command."""
    with (
        pytest.raises(HomeBusyError, match=rf"{tmp_path}: held by `mbo build` \(process {running.pid}, since 20"),
        exclusive(Home(tmp_path), "mbo build again"),
    ):
        pass


def test_holder_tells_what_runs(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    """Commands beside a run learn its pid and command."""
    claim = holder(Home(tmp_path))

    assert claim is not None
    assert (claim["pid"], claim["command"]) == (running.pid, "mbo build")


def test_kill_9_frees_the_home(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    """No repair after a kill: the next run takes the home, and until then nobody holds it."""
    os.kill(running.pid, signal.SIGKILL)
    running.wait()

    assert holder(Home(tmp_path)) is None
    with exclusive(Home(tmp_path), "mbo resume"):
        assert (holder(Home(tmp_path)) or {})["pid"] == os.getpid()


def test_home_is_free_again_after_a_failed_run(tmp_path: Path) -> None:
    """A run that ends with an exception lets go."""
    home = Home(tmp_path)
    with pytest.raises(RuntimeError), exclusive(home, "one"):
        raise RuntimeError

    assert holder(home) is None


def test_nobody_holds_a_home_that_is_not_there(tmp_path: Path) -> None:
    """Looking for the holder makes no files."""
    assert holder(Home(tmp_path / "none")) is None
    assert list(tmp_path.iterdir()) == []


def test_looking_never_stops_a_run(tmp_path: Path) -> None:
    """`status`, asked over and over, is never taken for a run that holds the home."""
    home = Home(tmp_path)
    stop = threading.Event()
    seen: list[object] = []

    def look() -> None:
        while not stop.is_set():
            seen.append(holder(home))

    with exclusive(home, "first"):
        pass
    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(200):
            with exclusive(home, "next"):
                pass
    finally:
        stop.set()
        for looker in lookers:
            looker.join()

    assert seen


def test_place_that_cannot_be_a_home_is_the_users_error(tmp_path: Path) -> None:
    """A home below a file is refused in one line that says what to change."""
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(InputError, match="file/home: Not a directory; use another --home"),
        exclusive(Home(tmp_path / "file" / "home"), "mbo build"),
    ):
        pass


def test_readers_see_the_old_or_the_new_file(tmp_path: Path) -> None:
    """However often a file is replaced, nobody reads half of it."""
    path = tmp_path / "state.json"
    write_json(path, {"text": ""})
    stop = threading.Event()
    read: list[object] = []

    def look() -> None:
        while not stop.is_set():
            read.append((read_json(path) or {})["text"])

    looker = threading.Thread(target=look)
    looker.start()
    for number in range(60):
        write_json(path, {"text": str(number % 10) * 20_000})
    stop.set()
    looker.join()

    assert set(read) <= {"", *(str(number) * 20_000 for number in range(10))}
    assert read_json(path) == {"text": "9" * 20_000}


def test_threads_may_replace_one_file_at_once(tmp_path: Path) -> None:
    """Writers side by side do not break each other: one of them is last, and no scrap is left."""
    path = tmp_path / "state.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_json(path, {"number": number}), range(200)))

    assert (read_json(path) or {})["number"] in range(200)
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the disk takes only part of the new text, the old text stands and the error says what to do."""
    path = tmp_path / "state.json"
    write_atomically(path, "old")
    code = f"""
import resource
from pathlib import Path
from orchestrator.home import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_atomically(Path({str(path)!r}), "x" * 5000)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert f"StorageError: {path}: File too large; free the disk" in ended.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    """A file in the way of a folder is told in one line, not as a crash."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=str(tmp_path / "file" / "state.json")):
        write_atomically(tmp_path / "file" / "state.json", "text")


REPLACER = """
import sys
from pathlib import Path
from orchestrator.home import write_atomically
for number in range(10**9):
    write_atomically(Path(sys.argv[1]), str(number % 10) * 100_000)
    print(number, flush=True)
"""


def test_kill_9_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed in the middle of replacing, the file holds one of the two texts whole."""
    path = tmp_path / "file"
    process = subprocess.Popen([sys.executable, "-c", REPLACER, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    for _ in range(20):
        process.stdout.readline()
    process.kill()
    process.communicate()
    text = path.read_text()

    assert text == text[0] * 100_000


@pytest.mark.parametrize("text", ["{", "[1]", '"text"', ""], ids=["torn", "list", "string", "empty"])
def test_file_that_is_no_json_object_is_named(tmp_path: Path, text: str) -> None:
    """A file mended badly by hand is the user's error, with its path."""
    (tmp_path / "file.json").write_text(text)

    with pytest.raises(InputError, match=rf"{tmp_path}/file.json: not .*mend or delete it"):
        read_json(tmp_path / "file.json")


def test_no_file_is_no_value(tmp_path: Path) -> None:
    """A file that was never written reads as None."""
    assert read_json(tmp_path / "none.json") is None


def test_home_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every place stays where it was when the process changes its folder."""
    monkeypatch.chdir(tmp_path)
    home = Home(Path("home"))
    monkeypatch.chdir("/")

    assert home.transcript("key") == tmp_path / "home" / "shared" / "journal" / "key.jsonl"
    assert home.agent("mcp-testing") == tmp_path / "home" / "agents" / "mcp-testing"
