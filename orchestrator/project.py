"""The user's project folder: what stands there, and how a fresh one begins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from orchestrator import changes, git
from orchestrator.errors import InputError, StorageError
from orchestrator.models.value import Frozen

FIRST_BRANCH = "main"


class ProjectState(Frozen):
    """What stands in a project folder; only a repository has a branch, a head or dirty files."""

    kind: Literal["absent", "empty", "repository", "other"]
    branch: str | None = None
    """The branch checked out; None where HEAD is detached."""
    head: str | None = None
    """The commit checked out; None where there is no commit yet."""
    dirty: tuple[str, ...] = ()
    """Tracked files that differ from the head."""


def inspect(project: Path) -> ProjectState:
    """Return what stands at `project`, changing nothing; a folder inside another repository is none of its own."""
    if not project.exists():
        return ProjectState(kind="absent")
    if not project.is_dir():
        return ProjectState(kind="other")
    if not (project / ".git").exists():
        return ProjectState(kind="other" if any(project.iterdir()) else "empty")
    here = place(project)
    branch = git.run(here, "symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1, 128)).stdout.decode().strip()
    head = (
        git.run(here, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", accept=(0, 1, 128)).stdout.decode().strip()
    )
    return ProjectState(
        kind="repository", branch=branch or None, head=head or None, dirty=dirty_files(here) if head else ()
    )


def prepare(project: Path, files: Mapping[str, str]) -> str:
    """Make `project` a git repository whose one commit holds `files`, and return its head.

    A repository with commits keeps everything as it is; files it lacks are written, untracked.

    Raises:
        InputError: the folder holds something, but is no git repository.
        StorageError: a file could not be written.
    """
    git.require()
    state = inspect(project)
    if state.kind == "other":
        raise InputError(
            f"{project}: holds files but is no git repository; commit them to one there, or name an empty folder"
        )
    try:
        project.mkdir(parents=True, exist_ok=True)
        if state.kind != "repository":
            fresh = git.Place(git_dir=project / ".git", work_tree=project)
            git.run(fresh, "init", "--quiet", "--template=", f"--initial-branch={FIRST_BRANCH}")
        _write_missing(project, files)
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}; mend that, then run the same command") from error
    return state.head or _first_commit(place(project), files)


def place(project: Path) -> git.Place:
    """Return where git acts on the checkout at `project`, following a `.git` file as linked worktrees have."""
    link = project / ".git"
    if not link.is_file():
        return git.Place(git_dir=link.absolute(), work_tree=project.absolute())
    target = link.read_text(errors="replace").strip().removeprefix("gitdir: ")
    return git.Place(git_dir=(project / target).absolute(), work_tree=project.absolute())


def dirty_files(here: git.Place) -> tuple[str, ...]:
    """Return the tracked files that differ from the index or the head."""
    quiet = ("--untracked-files=no", "--ignore-submodules=all", "--no-renames")
    return tuple(changes.name(entry[3:]) for entry in git.listing(here, "status", "--porcelain=v1", "-z", *quiet))


def _write_missing(project: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = project / name
        if path.is_symlink() or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def _first_commit(here: git.Place, files: Mapping[str, str]) -> str:
    """Commit `files` as the root of the history, in the user's name if git knows it."""
    name, email = git.user_identity(here) or git.IDENTITY
    signature = git.signature(name, email) | {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}
    if files:
        git.run(here, "add", "--force", "--", *files)
    tree = git.text(here, "write-tree")
    done = git.run(here, "commit-tree", tree, stdin=b"Begin the project\n", variables=signature)
    commit = done.stdout.decode().strip()
    git.run(here, "update-ref", "HEAD", commit, "")
    return commit
