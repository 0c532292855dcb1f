"""Promises about the home: one run at a time, and files that are replaced whole or not at all."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import HomeBusyError, InputError, StorageError
from orchestrator.home import Home, exclusive, holder, read_json, write_atomically, write_json, write_output

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


def test_output_keeps_the_mode_of_a_file_and_replaces_it_whole(tmp_path: Path) -> None:
    """A private file stays private, a new one gets the mode that all new files get, and no scrap is left."""
    old, new, plain = tmp_path / "old", tmp_path / "new", tmp_path / "plain"
    old.write_text("longer than what comes")
    old.chmod(0o600)
    before = old.stat()
    plain.touch()

    for path in (old, new):
        write_output(path, "text")

    assert (old.read_text(), new.read_text()) == ("text", "text")
    assert (old.stat().st_mode, old.stat().st_uid) == (before.st_mode, before.st_uid)
    assert old.stat().st_ino != before.st_ino
    assert new.stat().st_mode == plain.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old", "plain"]


def test_output_follows_a_link_and_leaves_it(tmp_path: Path) -> None:
    """What the link points to is written, also where that is not there yet, and with the mode that it has."""
    (tmp_path / "deep").mkdir()
    target = tmp_path / "deep" / "target"
    target.write_text("old")
    target.chmod(0o640)
    for name, to in (("link", "deep/target"), ("second", "link"), ("dangling", "deep/new")):
        (tmp_path / name).symlink_to(to)

    for name in ("link", "second", "dangling"):
        write_output(tmp_path / name, name)

    assert all((tmp_path / name).is_symlink() for name in ("link", "second", "dangling"))
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("second", 0o640)
    assert (tmp_path / "deep" / "new").read_text() == "dangling"


@pytest.mark.parametrize("way", ["itself", "link"])
def test_output_to_a_pipe_goes_through_it(tmp_path: Path, way: str) -> None:
    """Whoever reads from a named pipe gets the text, and the pipe is there for the next time."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        write_output(pipe if way == "itself" else tmp_path / "link", "text" * 40_000)

        assert read.result() == "text" * 40_000
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        pytest.param("folder", r"cannot be written \(Is a directory\)", id="a folder"),
        pytest.param("none/file", "there is no folder .*none; make it", id="in no folder"),
        pytest.param("loop", r"cannot be written \(Too many levels of symbolic links\)", id="a loop"),
        pytest.param("lost", r"cannot be written \(No such file or directory\)", id="a link into no folder"),
        pytest.param("x" * 300, r"cannot be written \(File name too long\)", id="a name too long"),
        pytest.param("/proc/file", r"cannot be written \(No such file or directory\)", id="where no file can be"),
    ],
)
def test_output_that_cannot_be_written_is_the_users_error(tmp_path: Path, name: str, cause: str) -> None:
    """It is one line with the path as given and the cause, and nothing is left behind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("none/file")
    path = tmp_path / name

    with pytest.raises(InputError, match=f"^{path}: {cause}.* name another file$"):
        write_output(path, "text")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "loop", "lost"]


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_output_respects_who_may_write(tmp_path: Path, closed: str) -> None:
    """In a folder that the user may not write, and on a file, nothing changes; the error names the file."""
    path = tmp_path / "folder" / "report.md"
    path.parent.mkdir()
    path.write_text("old")
    tmp_path.chmod(0o755)
    path.parent.chmod(0o555 if closed == "folder" else 0o777)
    path.chmod(0o444 if closed == "file" else 0o666)

    ended = _as_ordinary_user(tmp_path, "write_output(Path('folder/report.md'), 'new')")

    assert "InputError: folder/report.md: cannot be written (Permission denied); name another file" in ended
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def _as_ordinary_user(folder: Path, code: str) -> str:
    """Run code in `folder` as a user whom modes keep out, and return what it says on stderr."""
    become = "import os; os.geteuid() or os.seteuid(65_534)"
    code = f"from pathlib import Path\nfrom orchestrator.home import write_output\n{become}\n{code}"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stderr


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
