"""Promises of the one place that starts git."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import git
from orchestrator.errors import GitError, StorageError, UnsupportedError


def repository(path: Path) -> git.Place:
    """Return a fresh repository with a work tree."""
    place = git.Place(git_dir=path / ".git", work_tree=path)
    path.mkdir()
    git.run(place, "init", "--quiet", "--template=")
    return place


def test_a_missing_git_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git on the PATH the user is told to install it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnsupportedError, match="git is not on the PATH; install git"):
        git.text(git.Place(git_dir=tmp_path), "version")


def test_a_failure_names_the_command_the_place_and_gits_own_words(tmp_path: Path) -> None:
    """A failed command is a GitError that says what was tried, where, and why it failed."""
    place = repository(tmp_path / "here")

    with pytest.raises(GitError, match=r"git rev-parse failed at .*here \(exit 128\): fatal: .*single revision"):
        git.text(place, "rev-parse", "--verify", "nowhere")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("No space left on device", id="full"),
        pytest.param("Disk quota exceeded", id="quota"),
        pytest.param("Read-only file system", id="read-only"),
    ],
)
def test_a_refusing_disk_is_a_storage_error(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git prints when the disk refuses a write becomes an error that says the run can be resumed."""
    fake = tmp_path / "git"
    fake.write_text(f"#!/bin/sh\necho 'fatal: write error: {words}' >&2\nexit 128\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(StorageError, match=f"{words}; free the disk"):
        git.run(git.Place(git_dir=tmp_path), "status")


def test_the_users_configuration_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the home or the environment of the user changes what our git does."""
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Someone\n\temail = someone@example.org\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    place = repository(tmp_path / "here")

    assert git.run(place, "config", "--get", "user.name", accept=(1,)).stdout == b""
    assert git.user_identity(place) == ("Someone", "someone@example.org")


def test_every_git_has_a_session_of_its_own(tmp_path: Path) -> None:
    """A signal to the terminal's foreground group does not reach git."""
    place = repository(tmp_path / "here")

    session = git.text(place, "-c", "alias.session=!ps -o sid= -p $$", "session")

    assert int(session) != os.getsid(0)


def test_orphans_are_waited_for(tmp_path: Path) -> None:
    """The guard stays locked as long as a git of a killed run lives."""
    guard, started, done = tmp_path / "guard", tmp_path / "started", tmp_path / "done"
    place = repository(tmp_path / "here")
    script = (
        "import sys; from pathlib import Path; from orchestrator import git\n"
        "place = git.Place(git_dir=Path(sys.argv[1]), guard=Path(sys.argv[2]))\n"
        "git.run(place, '-c', sys.argv[3], 'slow')\n"
    )
    slow = f"alias.slow=!touch {started}; sleep 0.5; touch {done}; :"
    parent = subprocess.Popen([sys.executable, "-c", script, place.git_dir, guard, slow], cwd=Path(__file__).parents[1])
    while not started.exists():
        assert parent.poll() is None
    parent.kill()
    parent.wait()

    git.wait_for_orphans(guard)

    assert done.exists()
