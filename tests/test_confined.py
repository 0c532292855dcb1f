"""Promises of the confined files."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from orchestrator import confined
from orchestrator.confined import SIZE_LIMIT, ConfinedError, Folder


@pytest.fixture(params=["one-call", "name-by-name"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worktree beside a secret, on a kernel with openat2 and on one without."""
    if request.param == "name-by-name":
        monkeypatch.setattr(confined, "_OPENAT2", 100_000)  # a number that no kernel knows
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "k").write_text("canary")
    (tmp_path / "secret" / "below").mkdir()
    (tmp_path / "secret" / "below" / "k").write_text("canary")
    (tmp_path / "work_evil").mkdir()
    (tmp_path / "work_evil" / "k").write_text("canary")
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / ".git").write_text("gitdir: /nowhere\n")
    (work / "sub" / "a.txt").write_text("inside")
    (work / "folder-link").symlink_to(tmp_path / "secret")
    (work / "file-link").symlink_to(tmp_path / "secret" / "k")
    (work / "inner-link").symlink_to("sub/a.txt")
    os.mkfifo(work / "fifo")
    return work


ESCAPES = [
    pytest.param("../secret/k", id="up"),
    pytest.param("sub/../../secret/k", id="up-from-below"),
    pytest.param("../work_evil/k", id="prefix"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("/workspace/../etc/passwd", id="up-from-workspace"),
    pytest.param("/proc/self/environ", id="proc"),
    pytest.param("folder-link/k", id="folder-link"),
    pytest.param("folder-link/below/k", id="folder-link-above"),
    pytest.param("file-link", id="file-link"),
    pytest.param("inner-link", id="inner-link"),
    pytest.param("sub/a.txt/x", id="file-as-folder"),
    pytest.param(".git", id="git"),
    pytest.param(".git/config", id="below-git"),
    pytest.param("sub/.GIT/config", id="git-in-capitals"),
    pytest.param("sub/a.txt\0.png", id="nul"),
    pytest.param("\ud800", id="half-a-character"),
    pytest.param("fifo", id="fifo"),
    pytest.param("sub", id="folder"),
    pytest.param("", id="empty"),
    pytest.param("x" * 300, id="too-long"),
]


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_outside_is_read(root: Path, path: str) -> None:
    """Every way out of the folder is refused for reading, in one line."""
    with pytest.raises(ConfinedError) as caught:
        Folder(root, None).read(path)

    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_outside_is_written(root: Path, path: str) -> None:
    """Every way out of the folder is refused for writing, and nothing changes anywhere."""
    before = {place: place.read_text() for place in sorted(root.parent.rglob("*")) if place.is_file()}

    with pytest.raises(ConfinedError):
        Folder(root, None).write(path, "changed")

    assert {place: place.read_text() for place in sorted(root.parent.rglob("*")) if place.is_file()} == before


@pytest.mark.parametrize("path", ["sub/a.txt", "/workspace/sub/a.txt", "./sub//a.txt", "sub/../sub/a.txt"])
def test_one_file_has_several_names(root: Path, path: str) -> None:
    """A path may be relative or below `/workspace`, and needs not be tidy."""
    assert Folder(root, None).read(path) == "inside"


def test_the_own_place_is_a_name_too(root: Path) -> None:
    """A path below the folder's own place means the same file."""
    assert Folder(root, None).read(f"{root}/sub/a.txt") == "inside"


def test_text_comes_back_as_written(root: Path) -> None:
    """What is written is read again, byte for byte, and missing folders are made."""
    text = "line\r\n\N{SNOWMAN}\ttab, no end"

    Folder(root, None).write("new/deep/file.txt", text)

    assert Folder(root, None).read("new/deep/file.txt") == text
    assert (root / "new/deep/file.txt").read_bytes() == text.encode()


def test_mode_is_kept_and_no_trace_is_left(root: Path) -> None:
    """A program stays executable when it is replaced, and no temporary file remains."""
    (root / "run").write_text("old")
    (root / "run").chmod(0o755)

    Folder(root, None).write("run", "new")

    assert stat.S_IMODE((root / "run").stat().st_mode) == 0o755
    assert [place.name for place in root.rglob("*.part")] == []


def test_what_is_written_belongs_to_the_owner(root: Path) -> None:
    """Files and new folders belong to the uid that was named."""
    owner = 61_001 if os.geteuid() == 0 else os.geteuid()

    Folder(root, owner).write("mine/a.txt", "x")

    assert {(root / place).stat().st_uid for place in ("mine", "mine/a.txt")} == {owner}


def test_large_files_are_refused(root: Path) -> None:
    """A file over the limit is neither read nor written, and a huge one costs nothing."""
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 40)

    with pytest.raises(ConfinedError, match="larger than 2 MiB"):
        Folder(root, None).read("huge")
    with pytest.raises(ConfinedError, match="larger than 2 MiB"):
        Folder(root, None).write("big", "x" * (SIZE_LIMIT + 1))

    assert not (root / "big").exists()


def test_files_that_are_no_text_are_refused(root: Path) -> None:
    """A binary file is not read as text, for it could not be written back, and half a character is not written."""
    (root / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfinedError, match="not a text file"):
        Folder(root, None).read("binary")
    with pytest.raises(ConfinedError, match="half a character"):
        Folder(root, None).write("text", "\ud800")


def test_device_and_socket_are_refused(root: Path) -> None:
    """What is not a plain file is refused at once."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
    if os.geteuid() == 0:
        os.mknod(root / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))

    for name in ("s", "device"):
        with pytest.raises(ConfinedError):
            Folder(root, None).read(name)


def test_entries_are_two_levels_deep(root: Path) -> None:
    """A listing shows two levels, folders with a slash, links as names, hidden ones not at all."""
    (root / "sub" / "deep").mkdir()
    (root / "sub" / "deep" / "deeper.txt").touch()
    (root / ".hidden").touch()

    listed = Folder(root, None).entries(".")

    assert listed == ["fifo", "file-link", "folder-link", "inner-link", "sub/", "sub/a.txt", "sub/deep/"]
    assert Folder(root, None).entries("/workspace/sub") == ["a.txt", "deep/", "deep/deeper.txt"]


@pytest.mark.parametrize("path", ["folder-link", "..", "fifo", ".git", "missing"])
def test_entries_stay_inside(root: Path, path: str) -> None:
    """What is no folder of ours is not listed."""
    with pytest.raises(ConfinedError):
        Folder(root, None).entries(path)


def test_entries_are_bounded_and_text(root: Path) -> None:
    """A folder with very many files is cut, and a name that is no text does no harm."""
    (root / "many").mkdir()
    for number in range(1200):
        (root / "many" / f"{number:04}").touch()
    (root / "odd").mkdir()
    Path(os.fsdecode(bytes(root / "odd") + b"/\xff")).touch()

    many = Folder(root, None).entries("many")

    assert (len(many), many[-1]) == (1001, "...")
    assert Folder(root, None).entries("odd") == ["\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize(
    ("path", "exists", "is_folder"),
    [
        ("sub", True, True),
        ("", True, True),
        ("/workspace", True, True),
        ("sub/a.txt", True, False),
        ("missing", False, False),
        ("missing/a", False, False),
        ("folder-link", False, False),
        ("folder-link/k", False, False),
    ],
)
def test_what_is_there(root: Path, path: str, exists: bool, is_folder: bool) -> None:
    """Existence is told of files and folders, and never of what a link leads to."""
    folder = Folder(root, None)

    assert (folder.exists(path), folder.is_folder(path)) == (exists, is_folder)


@pytest.mark.parametrize("path", ["../secret", "/etc", ".git"])
def test_existence_is_not_told_of_what_is_out_of_reach(root: Path, path: str) -> None:
    """Whether something outside exists is not answered."""
    with pytest.raises(ConfinedError):
        Folder(root, None).exists(path)


SWAP = """
import ctypes, sys
exchange = ctypes.CDLL(None).renameat2
pairs = [tuple(f"{sys.argv[1]}/{name}".encode() for name in pair) for pair in (("d", "d-link"), ("f", "f-link"))]
print("swapping", flush=True)
while True:
    for here, there in pairs:
        exchange(-100, here, -100, there, 2)
"""


def test_races_lead_nowhere(root: Path) -> None:
    """While a folder and a file are exchanged with links to the secret as fast as possible, nothing gets out."""
    secret = root.parent / "secret"
    (root / "d" / "below").mkdir(parents=True)
    (root / "d" / "k").write_text("inside")
    (root / "d" / "below" / "k").write_text("inside")
    (root / "d-link").symlink_to(secret)
    (root / "f").write_text("inside")
    (root / "f-link").symlink_to(secret / "k")
    folder = Folder(root, None)
    attempts = [
        lambda: folder.read("d/k"),
        lambda: folder.read("d/below/k"),
        lambda: folder.read("f"),
        lambda: folder.write("d/k", "inside") or "written",
    ]
    met: list[Counter[str]] = [Counter() for _ in attempts]

    with subprocess.Popen([sys.executable, "-c", SWAP, str(root)], stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        swapper.stdout.readline()
        deadline = time.monotonic() + 0.7
        while time.monotonic() < deadline:
            for counter, attempt in zip(met, attempts, strict=True):
                try:
                    counter[attempt()] += 1
                except ConfinedError:
                    counter["refused"] += 1
        swapper.kill()

    assert [set(counter) for counter in met] == [{"inside", "refused"}] * 3 + [{"written", "refused"}]
    assert sorted(place.name for place in secret.rglob("*")) == ["below", "k", "k"]
    assert (secret / "k").read_text() == "canary"


def test_no_descriptor_is_lost(root: Path) -> None:
    """Reading, writing, listing and refusing leave no descriptor open."""
    folder = Folder(root, None)
    before = len(os.listdir("/proc/self/fd"))

    folder.write("a/b/c.txt", "x")
    folder.entries(".")
    for path in ("a/b/c.txt", "a/b", "fifo", "folder-link/k", "sub/a.txt/x", "missing"):
        try:
            folder.read(path)
        except ConfinedError:
            continue

    assert len(os.listdir("/proc/self/fd")) == before
