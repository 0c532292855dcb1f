"""Promises about the user's own project folder, kept with real git."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import git
from orchestrator.checkout import fast_forward, inspect, prepare
from orchestrator.errors import InputError
from orchestrator.home import Home
from orchestrator.workspace import Repository

FILES = {"README.md": "hello\n", "src/a.py": "a = 1\n", "src/old.py": "old\n"}


@pytest.fixture(autouse=True)
def _no_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the configuration of whoever runs the tests out of them."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds a prepared project and the home made from it, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder / "project", FILES)
    Repository(Home(folder / "home")).create(folder / "project")
    return folder


@pytest.fixture
def project(tmp_path: Path, prepared: Path) -> Path:
    """Return a prepared project."""
    project = shutil.copytree(prepared / "project", tmp_path / "project", symlinks=True)
    subprocess.run(["git", "-C", project, "update-index", "-q", "--refresh"], check=True)
    return project


@pytest.fixture
def repository(tmp_path: Path, prepared: Path) -> Repository:
    """Return the integration repository made from the project."""
    shutil.copytree(prepared / "home", tmp_path / "home")
    return Repository(Home(tmp_path / "home"))


def in_git(project: Path, *arguments: str) -> str:
    """Return what git prints in the project, run as its user would."""
    identity = ["-c", "user.name=u", "-c", "user.email=u@example.org"]
    done = subprocess.run(["git", *identity, "-C", project, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def land(repository: Repository, files: dict[str, str | None], key: str = "key") -> str:
    """Land one task that writes `files`, or removes those that are None."""
    head = repository.head()
    worktree = repository.open_slot(0, head)
    for name, content in files.items():
        (worktree / name).parent.mkdir(parents=True, exist_ok=True)
        (worktree / name).unlink(missing_ok=True) if content is None else (worktree / name).write_text(content)
    commit = repository.snapshot(0, f"refs/mbo/{key}", head)
    tree = repository.merge(head, commit).tree
    return repository.land(tree, onto=head, commit=commit, agent="a", task="1.1", key=key, title="t", trailers={})


def update(project: Path, repository: Repository) -> str:
    """Fast-forward the project's `main`."""
    return fast_forward(project, repository.path, "main")


def everything(project: Path) -> dict[str, bytes]:
    """Return every file of the project and where its branch stands."""
    files = (path for path in sorted(project.rglob("*")) if ".git" not in path.parts and path.is_file())
    return {str(path): path.read_bytes() for path in files} | {"main": in_git(project, "rev-parse", "main").encode()}


def test_what_stands_in_a_folder_is_told_apart(tmp_path: Path, project: Path) -> None:
    """A folder is absent, empty, a repository, or something else; only its own `.git` counts."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (project / "src/a.py").write_text("changed\n")
    (project / "untracked").touch()

    state = inspect(project)

    assert [inspect(tmp_path / name).kind for name in ("absent", "empty", "file")] == ["absent", "empty", "other"]
    assert inspect(project / "src").kind == "other"
    assert (state.kind, state.branch, state.head) == ("repository", "main", in_git(project, "rev-parse", "HEAD"))
    assert state.dirty == ("src/a.py",)


def test_a_fresh_project_is_one_commit(tmp_path: Path) -> None:
    """A new folder becomes a clean repository with the files given; doing it again changes nothing."""
    project = tmp_path / "below" / "project"

    head = prepare(project, FILES)

    assert in_git(project, "ls-files").split() == sorted(FILES)
    assert (in_git(project, "rev-list", "--count", "HEAD"), in_git(project, "status", "--porcelain")) == ("1", "")
    assert prepare(project, FILES) == head


@pytest.mark.parametrize(
    ("configuration", "author"),
    [
        pytest.param("[user]\n\tname = Ada\n\temail = ada@example.org\n", "Ada <ada@example.org>", id="the user's"),
        pytest.param("[user]\n\tname = Ada\n", "mbo <mbo@agents.invalid>", id="half a name"),
        pytest.param("", "mbo <mbo@agents.invalid>", id="none"),
    ],
)
def test_the_first_commit_bears_the_users_name(tmp_path: Path, configuration: str, author: str) -> None:
    """The user's identity is the author where git knows it."""
    (tmp_path / ".gitconfig").write_text(configuration)

    prepare(tmp_path / "project", FILES)

    assert in_git(tmp_path / "project", "show", "-s", "--format=%an <%ae>") == author


def test_preparation_that_was_killed_is_taken_up_again(tmp_path: Path) -> None:
    """A repository without a commit, with some of the files, gets its root commit."""
    subprocess.run(["git", "init", "--quiet", "-b", "main", tmp_path / "project"], check=True)
    (tmp_path / "project/README.md").write_text("hello\n")

    prepare(tmp_path / "project", FILES)

    assert in_git(tmp_path / "project", "status", "--porcelain") == ""


def test_an_existing_repository_keeps_what_it_has(project: Path) -> None:
    """Files that are there stay, missing ones come untracked, nothing is committed."""
    head = in_git(project, "rev-parse", "HEAD")

    prepared = prepare(project, {"README.md": "other\n", "new/file": "new\n"})

    assert prepared == head == in_git(project, "rev-parse", "HEAD")
    assert in_git(project, "status", "--porcelain") == "?? new/"
    assert (project / "README.md").read_text() == "hello\n"


def test_a_folder_of_files_without_a_repository_is_refused(tmp_path: Path) -> None:
    """Nothing is written into a folder whose history we cannot know."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/mine").touch()

    with pytest.raises(InputError, match="no git repository; commit them"):
        prepare(tmp_path / "project", FILES)
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["mine"]


def test_a_clean_checkout_follows_every_merge(project: Path, repository: Repository) -> None:
    """Files are added, changed and removed, the branch moves, and git finds the checkout clean."""
    landed = land(repository, {"src/a.py": "a = 2\n", "src/old.py": None, "new/b.py": "b\n"})

    assert update(project, repository) == f"updated to {landed[:10]}" == update(project, repository)
    assert in_git(project, "rev-parse", "main") == landed
    assert in_git(project, "status", "--porcelain") == ""
    assert (project / "new/b.py").read_text() == "b\n"
    assert not (project / "src/old.py").exists()
    assert sorted(path.name for path in (project / ".git").glob("index*")) == ["index"]


def test_files_that_do_not_collide_do_not_matter(project: Path, repository: Repository) -> None:
    """Untracked files stay where they are while the checkout is updated."""
    (project / "notes.txt").write_text("mine\n")
    (project / "new").mkdir()
    (project / "new/mine").write_text("mine\n")
    landed = land(repository, {"new/b.py": "b\n"})

    assert update(project, repository) == f"updated to {landed[:10]}"
    assert ((project / "notes.txt").read_text(), (project / "new/mine").read_text()) == ("mine\n", "mine\n")


def change(project: Path) -> None:
    """Change a tracked file."""
    (project / "src/old.py").write_text("mine\n")


def change_many(project: Path) -> None:
    """Change four tracked files."""
    for name in ("w", "x", "y", "z"):
        (project / name).write_text("mine\n")
    in_git(project, "add", ".")


def switch(project: Path) -> None:
    """Check out another branch."""
    in_git(project, "switch", "-q", "-c", "other")


def detach(project: Path) -> None:
    """Check out a commit."""
    in_git(project, "switch", "-q", "--detach")


def commit(project: Path) -> None:
    """Commit something of the user's own."""
    in_git(project, "commit", "-q", "--allow-empty", "-m", "mine")


def collide(project: Path) -> None:
    """Leave an untracked file where one will come."""
    (project / "new").mkdir()
    (project / "new/b.py").write_text("mine\n")


def collide_ignored(project: Path) -> None:
    """Leave an ignored file where one will come; git itself would overwrite it."""
    (project / ".git/info").mkdir()
    (project / ".git/info/exclude").write_text("new/\n")
    collide(project)


def collide_above(project: Path) -> None:
    """Leave a file where a folder will come."""
    (project / "new").write_text("mine\n")


def collide_below(project: Path) -> None:
    """Leave a folder where a file will come."""
    (project / "new/b.py").mkdir(parents=True)
    (project / "new/b.py/mine").write_text("mine\n")


def begin_merge(project: Path) -> None:
    """Leave a merge unfinished."""
    (project / ".git/MERGE_HEAD").write_text(in_git(project, "rev-parse", "HEAD") + "\n")


def be_at_work(project: Path) -> None:
    """Hold the index as a git of the user's does."""
    (project / ".git/index.lock").touch()


@pytest.mark.parametrize(
    ("prior", "why"),
    [
        (change, "uncommitted changes in src/old.py"),
        (change_many, "uncommitted changes in w, x, y and 1 more"),
        (switch, "other is checked out, not main"),
        (detach, "a detached commit is checked out, not main"),
        (commit, "diverged: main holds commits that the build does not"),
        (collide, "untracked new/b.py in the way"),
        (collide_ignored, "untracked new/b.py in the way"),
        (collide_above, "untracked new in the way"),
        (collide_below, "untracked new/b.py/mine in the way"),
        (begin_merge, "a merge is not finished there"),
        (be_at_work, "another git is at work there, or was killed"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_could_lose_something_is_left_alone(
    project: Path, repository: Repository, prior: Callable[[Path], None], why: str
) -> None:
    """A checkout that the user works in is not touched, and the reason is said in words."""
    land(repository, {"src/a.py": "a = 2\n", "new/b.py": "b\n"})
    prior(project)
    before = everything(project)

    said = update(project, repository)

    assert said.startswith("left alone: ")
    assert said.endswith(why)
    assert everything(project) == before


def test_a_folder_that_is_no_repository_is_left_alone(tmp_path: Path, repository: Repository) -> None:
    """A project folder that was removed or never was a repository is a reason, not an error."""
    assert update(tmp_path / "gone", repository) == f"left alone: {tmp_path}/gone is no git repository"


def test_a_file_may_become_a_folder_and_back(project: Path, repository: Repository) -> None:
    """What git tracks is never in the way of itself."""
    land(repository, {"README.md": None, "src/a.py": None, "src/old.py": None}, "one")
    land(repository, {"README.md/inner": "x\n", "src": "x\n"}, "two")

    said = update(project, repository)

    assert said.startswith("updated to")
    assert ((project / "README.md/inner").read_text(), (project / "src").read_text()) == ("x\n", "x\n")


def test_no_hook_or_monitor_of_the_project_runs(project: Path, repository: Repository, tmp_path: Path) -> None:
    """What lies in the user's `.git/hooks` is for the user's own git."""
    hooks = project / ".git/hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-merge", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    in_git(project, "config", "core.fsmonitor", str(hooks / "fsmonitor-watchman"))
    (tmp_path / "ran").unlink(missing_ok=True)
    land(repository, {"src/a.py": "a = 2\n"})

    prepare(project, {"more": "x"})
    Repository(Home(tmp_path / "second")).create(project)
    said = update(project, repository)

    assert said.startswith("updated to")
    assert not (tmp_path / "ran").exists()


def test_a_linked_worktree_is_a_checkout_too(project: Path, repository: Repository, tmp_path: Path) -> None:
    """A project whose `.git` is a file is read, and moved, like any other."""
    in_git(project, "switch", "-q", "-c", "aside")
    in_git(project, "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    landed = land(repository, {"src/a.py": "a = 2\n"})

    assert update(tmp_path / "linked", repository) == f"updated to {landed[:10]}"
    assert (tmp_path / "linked/src/a.py").read_text() == "a = 2\n"
    assert Repository(Home(tmp_path / "second")).create(tmp_path / "linked") == landed


SLOW_GIT = """#!/bin/sh
case "$*" in
  *{stage}*) "{git}" "$@"; kill -9 $PPID; sleep 0.2; exit 0;;
esac
exec "{git}" "$@"
"""


def killed(project: Path, repository: Repository, folder: Path, stage: str) -> None:
    """Run an update whose process is killed right after git did `stage`."""
    (folder / "bin").mkdir()
    (folder / "bin/git").write_text(SLOW_GIT.format(stage=stage, git=shutil.which("git")))
    (folder / "bin/git").chmod(0o755)
    script = (
        "import sys; from pathlib import Path; from orchestrator.checkout import fast_forward\n"
        "fast_forward(Path(sys.argv[1]), Path(sys.argv[2]), 'main')\n"
    )
    environment = os.environ | {"PATH": f"{folder}/bin:{os.environ['PATH']}"}
    command = [sys.executable, "-c", script, project, repository.path]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == -signal.SIGKILL
    if (project / ".git/index.lock").exists():
        git.wait_for_orphans(project / ".git/index.lock")  # git itself lives a little longer


@pytest.mark.parametrize("stage", ["fetch", "merge-base", "status", "diff-tree", "read-tree", "update-ref"])
def test_an_update_that_was_killed_is_finished_by_the_next(
    project: Path, repository: Repository, tmp_path: Path, stage: str
) -> None:
    """Wherever the kill strikes, the next update leaves a clean checkout at the head, without any repair."""
    landed = land(repository, {"src/a.py": "a = 2\n", "src/old.py": None, "new/b.py": "b\n"})
    killed(project, repository, tmp_path, stage)

    said = update(project, repository)

    assert said == f"updated to {landed[:10]}"
    assert in_git(project, "status", "--porcelain") == ""
    assert in_git(project, "rev-parse", "main") == landed
    assert (project / "src/a.py").read_text() == "a = 2\n"


def test_a_file_torn_by_a_kill_is_put_right(project: Path, repository: Repository, tmp_path: Path) -> None:
    """A file that git had written only in part, or only removed, is known as our own doing."""
    landed = land(repository, {"src/a.py": "a = 2\n", "src/old.py": "older\n", "new/b.py": "long\n"})
    killed(project, repository, tmp_path, "read-tree")
    (project / "new/b.py").write_text("lo")
    (project / "src/a.py").unlink()
    (project / "src/old.py").write_text("old\n")

    assert update(project, repository) == f"updated to {landed[:10]}"
    assert in_git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["src/a.py", "README.md", "new/b.py"])
def test_what_the_user_wrote_after_a_kill_stays(
    project: Path, repository: Repository, tmp_path: Path, name: str
) -> None:
    """Whatever a cut-off update left, a change of the user's own is not undone, and git can be used again."""
    land(repository, {"src/a.py": "a = 2\n", "new/b.py": "b\n"})
    killed(project, repository, tmp_path, "read-tree")
    (project / name).write_text("mine\n")

    said = update(project, repository)

    assert said.startswith("left alone: ")
    assert (project / name).read_text() == "mine\n"
    assert not (project / ".git/index.lock").exists()
