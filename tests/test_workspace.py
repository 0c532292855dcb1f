"""Promises of the integration repository and its worktrees, kept with real git."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.errors import GitError
from orchestrator.home import Home
from orchestrator.workspace import Repository, StaleHead

WIP = "refs/mbo/key/wip"
KEY = "k" * 64
NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a fresh home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose branch holds `a.txt`, `run.sh` and `deep/b.txt`, to be copied."""
    home = Home(tmp_path_factory.mktemp("prepared"))
    fresh = Repository(home)
    head = fresh.create(None)
    worktree = fresh.open_slot(9, head)
    write(worktree, {"a.txt": "one\n", "run.sh": "#!/bin/sh\n", "deep/b.txt": "two\n"})
    (worktree / "run.sh").chmod(0o755)
    land(fresh, fresh.snapshot(9, "refs/mbo/base", head), key="base")
    shutil.rmtree(home.repository / "worktrees")
    return home.repository


@pytest.fixture
def repository(home: Home, prepared: Path) -> Repository:
    """Return a repository whose branch holds `a.txt`, `run.sh` and `deep/b.txt`."""
    shutil.copytree(prepared, home.repository)
    return Repository(home)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def work(repository: Repository, slot: int, files: dict[str, str], ref: str = WIP) -> str:
    """Return the commit of one agent's work on the current head."""
    head = repository.head()
    write(repository.open_slot(slot, head), files)
    return repository.snapshot(slot, ref, head)


def land(
    repository: Repository,
    commit: str,
    *,
    key: str = KEY,
    task: str = "1.2",
    title: str = "Do it",
    onto: str | None = None,
) -> str:
    """Merge and land a commit."""
    onto = onto or repository.head()
    tree = repository.merge(onto, commit).tree
    return repository.land(
        tree, onto=onto, commit=commit, agent="mcp-core", task=task, key=key, title=title, trailers={"Gate": "g"}
    )


def plain_git(repository: Path, *arguments: str) -> str:
    """Return what git prints, run as any user would."""
    done = subprocess.run(["git", f"--git-dir={repository}", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def contents(worktree: Path) -> dict[str, str]:
    """Return every file of a worktree with its text, `.git` left out."""
    files = (path for path in sorted(worktree.rglob("*")) if not path.is_dir() and path != worktree / ".git")
    return {str(path.relative_to(worktree)): path.read_text() for path in files}


BASE = {"a.txt": "one\n", "deep/b.txt": "two\n", "run.sh": "#!/bin/sh\n"}


def test_a_fresh_history_begins_at_one_root_commit(home: Home) -> None:
    """Creating twice gives the same head; the branch bears the name asked for."""
    repository = Repository(home, branch="trunk")

    first = repository.create(None)

    assert (repository.create(None), repository.head(), repository.branch) == (first, first, "trunk")
    assert repository.files(first) == ()


@pytest.mark.parametrize("left", ["HEAD.lock", "config.lock", "refs/heads/main.lock"])
def test_creation_that_was_killed_is_taken_up_again(home: Home, left: str) -> None:
    """A half-made repository with a stale lock is finished by the next call."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--template=", home.repository], check=True)
    (home.repository / left).touch()

    head = Repository(home).create(None)

    assert Repository(home).head() == head


def test_an_existing_projects_history_is_the_base(home: Home, tmp_path: Path) -> None:
    """The project's head, with its whole history and its branch's name, is where integration begins; no task's yet."""
    project = tmp_path / "project"
    shell = (
        "git init -q -b work . && git config user.name u && git config user.email u@example.org"
        " && echo 1 > f && git add f && git commit -qm one && echo 2 > f && git commit -qam two"
    )
    project.mkdir()
    subprocess.run(shell, shell=True, cwd=project, check=True)
    repository = Repository(home)

    head = repository.create(project)

    assert head == plain_git(project / ".git", "rev-parse", "HEAD")
    assert (repository.branch, repository.read(head, "f")) == ("work", b"2\n")
    assert repository.owners(head) == {"f": "base"}
    assert plain_git(home.repository, "rev-list", "--count", "work") == "2"


def test_a_slot_is_exactly_the_commit_again(repository: Repository) -> None:
    """Deleted, modified, untracked, ignored and renamed files are all put right."""
    worktree = repository.open_slot(1, repository.head())
    (worktree / "a.txt").unlink()
    write(worktree, {"run.sh": "bad", "new.txt": "x", "__pycache__/c.pyc": "x", ".venv/bin/python": "x"})
    (worktree / "run.sh").chmod(0o600)
    (worktree / "deep").rename(worktree / "moved")

    repository.open_slot(1, repository.head())

    assert contents(worktree) == BASE
    assert (worktree / "run.sh").stat().st_mode & stat.S_IXUSR
    assert sorted(path.name for path in worktree.iterdir()) == [".git", "a.txt", "deep", "run.sh"]


def plant_closed_folder(worktree: Path) -> None:
    """Leave a folder nobody may enter, with files in it, and close a tracked one."""
    write(worktree, {"closed/in/f": "x"})
    (worktree / "closed/in").chmod(0)
    (worktree / "closed").chmod(0)
    (worktree / "deep").chmod(0)


def plant_pipes(worktree: Path) -> None:
    """Leave a pipe, a socket, and a pipe where a tracked file was."""
    os.mkfifo(worktree / "pipe")
    (worktree / "a.txt").unlink()
    os.mkfifo(worktree / "a.txt")
    here = os.getcwd()
    os.chdir(worktree)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("socket")
    finally:
        os.chdir(here)


def plant_links(worktree: Path) -> None:
    """Replace tracked things by links that lead out of the worktree."""
    outside = worktree.parent.parent / "outside"
    write(outside, {"b.txt": "precious\n"})
    shutil.rmtree(worktree / "deep")
    (worktree / "deep").symlink_to(outside)
    (worktree / "a.txt").unlink()
    (worktree / "a.txt").symlink_to(outside / "b.txt")
    (worktree / "loop").symlink_to("loop")


def plant_repositories(worktree: Path) -> None:
    """Leave nested repositories, one inside a tracked folder, and a .git of its own at the top."""
    for folder in (worktree / "nested", worktree / "deep"):
        subprocess.run(["git", "init", "--quiet", folder], check=True)
    (worktree / ".git").unlink()
    subprocess.run(["git", "init", "--quiet", worktree], check=True)


def plant_depth(worktree: Path) -> None:
    """Leave folders nested deeper than Python's recursion limit."""
    here = os.getcwd()
    os.chdir(worktree)
    try:
        for _ in range(1200):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)


def plant_swapped_kinds(worktree: Path) -> None:
    """Leave a folder where a file was, and a file where a folder was."""
    (worktree / "a.txt").unlink()
    write(worktree, {"a.txt/inner/f": "x"})
    shutil.rmtree(worktree / "deep")
    (worktree / "deep").write_text("x")


def plant_nothing(worktree: Path) -> None:
    """Remove the whole worktree."""
    shutil.rmtree(worktree)


@pytest.mark.parametrize(
    "plant",
    [
        plant_closed_folder,
        plant_pipes,
        plant_links,
        plant_repositories,
        plant_depth,
        plant_swapped_kinds,
        plant_nothing,
    ],
    ids=lambda plant: plant.__name__.removeprefix("plant_"),
)
def test_whatever_an_agent_leaves_is_gone_from_the_next_slot(
    repository: Repository, plant: Callable[[Path], None]
) -> None:
    """Nothing left in a worktree survives, breaks the next one, or reaches what lies outside."""
    worktree = repository.open_slot(1, repository.head())
    plant(worktree)

    repository.open_slot(1, repository.head())

    assert contents(worktree) == BASE
    assert sorted(path.name for path in worktree.iterdir()) == [".git", "a.txt", "deep", "run.sh"]
    assert [path.name for path in (worktree / "deep").iterdir()] == ["b.txt"]
    outside = worktree.parent.parent / "outside"
    assert not outside.exists() or (outside / "b.txt").read_text() == "precious\n"


@pytest.mark.parametrize("lost", ["HEAD", "commondir", "gitdir", "index", "locked", "index.lock", "all"])
def test_a_slot_whose_record_is_damaged_is_made_anew(repository: Repository, home: Home, lost: str) -> None:
    """A worktree whose git directory is incomplete, or whose index is torn, comes back whole."""
    worktree = repository.open_slot(1, repository.head())
    record = home.repository / "worktrees" / "slot-1"
    if lost == "all":
        shutil.rmtree(record)
    elif lost in ("index", "locked", "index.lock"):
        (record / lost).write_bytes(b"torn")
    else:
        (record / lost).unlink()

    repository.open_slot(1, repository.head())

    assert contents(worktree) == BASE
    assert (worktree / ".git").read_text() == f"gitdir: {record}\n"


def test_a_slot_can_hold_a_merged_tree(repository: Repository) -> None:
    """A tree that is no commit's yet can be checked out for its gate."""
    head = repository.head()
    theirs = work(repository, 1, {"new.txt": "x\n"})
    merged = repository.merge(head, theirs)

    worktree = repository.open_slot(2, merged.tree)

    assert contents(worktree) == BASE | {"new.txt": "x\n"}


def test_agents_can_use_git_in_their_worktree(repository: Repository) -> None:
    """The worktree is a normal one: log, status and diff work in it, seen from its own `.git` file."""
    worktree = repository.open_slot(1, repository.head())
    (worktree / "a.txt").write_text("changed\n")

    command = ["git", "-C", worktree, "-c", "safe.directory=*", "status", "--porcelain"]
    status = subprocess.run(command, capture_output=True, text=True, check=True)

    assert status.stdout == " M a.txt\n"


def test_files_of_a_slot_are_handed_to_their_owner(repository: Repository) -> None:
    """Where we are root, the agent owns its files and not our `.git`; otherwise they stay ours."""
    worktree = repository.open_slot(1, repository.head(), owner=NOBODY)
    owner = NOBODY if os.geteuid() == 0 else os.geteuid()

    paths = [worktree, *(path for path in worktree.rglob("*") if path.name != ".git")]

    assert {path.lstat().st_uid for path in paths} == {owner}
    assert (worktree / ".git").stat().st_uid == os.geteuid()
    assert repository.snapshot(1, WIP, repository.head()) == repository.head()


def test_a_snapshot_keeps_everything_that_is_not_ignored(repository: Repository) -> None:
    """Additions, changes, deletions, modes, links and odd names are in the commit; ignored files are not."""
    head = repository.head()
    worktree = repository.open_slot(1, head)
    write(
        worktree, {'new\nline "quoted" ü.txt': "x\n", "__pycache__/a.pyc": "x", ".gitignore": "*.tmp\n", "a.tmp": "x"}
    )
    (worktree / "deep/b.txt").unlink()
    (worktree / "a.txt").chmod(0o755)
    (worktree / "link").symlink_to("/etc/passwd")
    os.mkfifo(worktree / "pipe")

    commit = repository.snapshot(1, WIP, head)

    changed = repository.changes(head, commit)
    assert {change.path: (change.status, change.mode) for change in changed.files} == {
        ".gitignore": ("added", "100644"),
        "a.txt": ("modified", "100755"),
        "deep/b.txt": ("deleted", "000000"),
        "link": ("added", "120000"),
        'new\nline "quoted" ü.txt': ("added", "100644"),
    }
    assert (
        [change.path for change in changed.files if change.symlink],
        changed.lines_added,
        changed.lines_removed,
    ) == (["link"], 3, 1)
    assert repository.read(commit, "link") == b"/etc/passwd"
    assert repository.kept(WIP) == commit


def test_closed_files_are_kept_too(repository: Repository) -> None:
    """What an agent closed to everyone is in its snapshot all the same, and a tracked folder is not lost."""
    head = repository.head()
    worktree = repository.open_slot(1, head)
    write(worktree, {"closed/f": "x", "secret": "x", "deep/b.txt": "three\n"})
    for name in ("closed", "secret", "deep"):
        (worktree / name).chmod(0)

    commit = repository.snapshot(1, WIP, head)

    assert repository.changes(head, commit).paths == ("closed/f", "deep/b.txt", "secret")


def test_a_snapshot_of_nothing_new_is_the_commit_already_there(repository: Repository) -> None:
    """Unchanged work costs no commit, neither against its parent nor against its last snapshot."""
    head = repository.head()
    worktree = repository.open_slot(1, head)

    unchanged = repository.snapshot(1, WIP, head)
    write(worktree, {"new.txt": "x"})
    changed = repository.snapshot(1, WIP, head)

    assert unchanged == head
    assert repository.snapshot(1, WIP, head) == changed != head


@pytest.mark.parametrize("folder", ["sub", "sub/below", "deep"])
@pytest.mark.parametrize("kind", ["empty", "committed", "pretended", "pointing"])
def test_nested_repositories_are_refused_by_name(
    repository: Repository, home: Home, tmp_path: Path, folder: str, kind: str
) -> None:
    """No repository inside the worktree is followed, skipped or stored as a link; the work goes on once it is gone."""
    head = repository.head()
    worktree = repository.open_slot(1, head)
    write(worktree / folder, {"f": "x"})
    if kind in ("empty", "committed"):
        subprocess.run(["git", "init", "--quiet", worktree / folder], check=True)
    if kind == "committed":
        identity = ["-c", "user.name=u", "-c", "user.email=u@example.org"]
        subprocess.run(
            ["git", *identity, "-C", worktree / folder, "commit", "-q", "--allow-empty", "-m", "x"], check=True
        )
    if kind == "pretended":
        write(worktree / folder, {".git/anything": "x"})
    if kind == "pointing":
        write(worktree / folder, {".git": f"gitdir: {home.repository}\n"})

    with pytest.raises(GitError, match=f"nested repositories cannot be kept: {folder}; remove"):
        repository.snapshot(1, WIP, head)

    planted = worktree / folder / ".git"
    planted.unlink() if planted.is_file() else shutil.rmtree(planted)
    assert f"{folder}/f" in repository.files(repository.snapshot(1, WIP, head))


def test_ignored_folders_may_hold_repositories(repository: Repository) -> None:
    """A clone inside `.venv` is nobody's business."""
    head = repository.head()
    worktree = repository.open_slot(1, head)
    subprocess.run(["git", "init", "--quiet", worktree / ".venv" / "src"], check=True)

    assert repository.snapshot(1, WIP, head) == head


@pytest.mark.parametrize(
    ("name", "words"),
    [(b"caf\xe9.txt", r"file names must be UTF-8: caf\\xe9.txt"), (b".GIT/config", "invalid path")],
    ids=["no UTF-8", "git on another file system"],
)
def test_names_that_others_cannot_use_are_refused(repository: Repository, name: bytes, words: str) -> None:
    """A name that would break a reader or another file system is refused, not stored."""
    head = repository.head()
    worktree = repository.open_slot(1, head)
    path = os.path.join(os.fsencode(worktree), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb"):
        pass

    with pytest.raises(GitError, match=words):
        repository.snapshot(1, WIP, head)


@pytest.mark.parametrize("where", ["worktree", "parent"])
def test_nothing_planted_runs(repository: Repository, tmp_path: Path, where: str) -> None:
    """Filters, hooks, monitors and attributes that an agent plants start nothing of its own in our git."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    head = repository.head()
    worktree = repository.open_slot(1, head)
    planted = worktree if where == "worktree" else worktree.parent
    (planted / ".git").unlink(missing_ok=True)
    subprocess.run(["git", "init", "--quiet", planted], check=True)
    (planted / ".git/config").write_text(
        f"[core]\n\tfsmonitor = {program}\n\thooksPath = {tmp_path}/hooks\n\tsshCommand = {program}\n"
        f'[filter "evil"]\n\tclean = {program}\n\tsmudge = {program}\n\trequired = true\n'
        f'[diff "evil"]\n\tcommand = {program}\n\ttextconv = {program}\n[merge "evil"]\n\tdriver = {program}\n'
    )
    for hook in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change", "post-merge"):
        shutil.copy(program, planted / ".git/hooks" / hook)
        write(tmp_path / "hooks", {hook: program.read_text()})
        (tmp_path / "hooks" / hook).chmod(0o755)
    write(worktree, {".gitattributes": "* filter=evil diff=evil merge=evil\n", "a.txt": "theirs\n"})
    write(worktree, {".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = {tmp_path}\n\tupdate = !{program}\n'})

    commit = repository.snapshot(1, WIP, head)
    other = work(repository, 2, {"a.txt": "ours\n"}, "refs/mbo/other")
    land(repository, commit)
    repository.diff(head, commit)
    conflict = repository.merge(repository.head(), other)
    repository.open_slot(1, repository.head())

    assert not ran.exists()
    assert conflict.conflicts == ("a.txt",)
    assert repository.read(commit, "a.txt") == b"theirs\n"


def test_a_tracked_attribute_cannot_settle_a_conflict(repository: Repository) -> None:
    """`merge=union` in a tracked file does not turn a conflict into a clean merge."""
    land(repository, work(repository, 1, {".gitattributes": "* merge=union\n"}), key="attributes")
    mine = work(repository, 1, {"a.txt": "mine\n"}, "refs/mbo/mine")
    yours = work(repository, 2, {"a.txt": "yours\n"}, "refs/mbo/yours")

    assert repository.merge(mine, yours).conflicts == ("a.txt",)


def test_a_conflict_names_its_paths_and_shows_its_markers(repository: Repository) -> None:
    """A merge that conflicts is a value: the paths in question, and a tree with both sides in it."""
    mine = work(repository, 1, {"a.txt": "mine\n", "deep/b.txt": "mine\n"}, "refs/mbo/mine")
    yours = work(repository, 2, {"a.txt": "yours\n", "deep/b.txt": "yours\n", "c": "c\n"}, "refs/mbo/yours")

    merge = repository.merge(mine, yours)

    text = (repository.read(merge.tree, "a.txt") or b"").decode()
    assert (merge.clean, merge.conflicts) == (False, ("a.txt", "deep/b.txt"))
    assert all(part in text for part in ("<<<<<<<", "mine\n", "=======", "yours\n", ">>>>>>>"))


def test_a_merge_of_what_is_not_there_is_an_error(repository: Repository) -> None:
    """An unknown commit is told apart from a conflict, though git ends with the same exit code."""
    with pytest.raises(GitError, match="merge-tree failed on"):
        repository.merge(repository.head(), "f" * 40)


def test_landing_is_a_merge_in_the_agents_name(repository: Repository, home: Home) -> None:
    """The landed commit has both parents, the agent as author, us as committer, and the trailers asked for."""
    before, commit = repository.head(), work(repository, 1, {"new.txt": "x\n"})

    merged = land(repository, commit, title="Add\n\nTask-Key: forged")

    shown = plain_git(home.repository, "show", "-s", "--format=%P|%an <%ae>|%cn|%s|%(trailers:only,unfold)", merged)
    assert shown == (
        f"{before} {commit}|mcp-core <mcp-core@agents.invalid>|mbo|1.2 Add Task-Key: forged|"
        f"Task: 1.2\nTask-Key: {KEY}\nGate: g"
    )
    assert repository.head() == merged
    assert {key: (item.commit, item.task) for key, item in repository.landed().items() if key == KEY} == {
        KEY: (merged, "1.2")
    }


def test_the_same_key_lands_once(repository: Repository) -> None:
    """A key that landed lands nothing again, and answers with its commit, wherever the branch is by then."""
    commit = work(repository, 1, {"new.txt": "x\n"})
    onto = repository.head()
    first = land(repository, commit, onto=onto)
    land(repository, work(repository, 1, {"more.txt": "x\n"}), key="other")
    head = repository.head()

    again = land(repository, commit, onto=onto)

    assert (again, repository.head()) == (first, head)


def test_every_file_is_the_last_tasks_that_added_it(repository: Repository) -> None:
    """Who landed a path that was not there owns it from then on, whoever changes it later."""
    steps = [
        ("2.1", {"new.txt": "x\n", "gone.txt": "x\n", "\x1eTask: 9.9": "x\n"}, ()),
        ("2.2", {"new.txt": "y\n", "a.txt": "changed\n", "deep/é.txt": "x\n"}, ("gone.txt", "run.sh")),
        ("2.3", {"gone.txt": "back\n", "run.sh": "back\n"}, ()),
    ]
    for number, (task, files, removed) in enumerate(steps):
        worktree = repository.open_slot(1, repository.head())
        write(worktree, files)
        for name in removed:
            (worktree / name).unlink()
        commit = repository.snapshot(1, f"refs/mbo/{number}", repository.head())
        land(repository, commit, key=str(number), task=task)

    assert repository.owners(repository.head()) == {
        "\x1eTask: 9.9": "2.1",
        "a.txt": "1.2",
        "deep/b.txt": "1.2",
        "deep/é.txt": "2.2",
        "gone.txt": "2.3",
        "new.txt": "2.1",
        "run.sh": "2.3",
    }
    assert set(repository.owners(f"{repository.head()}~3").values()) == {"1.2"}


def test_a_stale_head_is_refused(repository: Repository) -> None:
    """Work merged onto a head that is no longer there does not land."""
    onto = repository.head()
    commit = work(repository, 1, {"new.txt": "x\n"})
    landed = land(repository, work(repository, 2, {"more.txt": "x\n"}), key="other")

    with pytest.raises(StaleHead, match=r"merge 1\.2 again"):
        land(repository, commit, onto=onto)
    assert repository.head() == landed


def test_what_is_kept_outlives_a_thorough_cleaning(repository: Repository, home: Home) -> None:
    """Kept commits, which nothing else refers to, are there after git's most eager housekeeping."""
    commit = work(repository, 1, {"new.txt": "x\n"})
    repository.keep("refs/mbo/kept", commit)
    repository.open_slot(1, repository.head())

    plain_git(home.repository, "-c", "safe.bareRepository=all", "gc", "--quiet", "--prune=now", "--aggressive")

    repository.fsck()
    assert repository.read(commit, "new.txt") == b"x\n"
    assert repository.kept("refs/mbo/kept") == commit


def test_nothing_is_kept_outside_its_place(repository: Repository) -> None:
    """A kept commit cannot move a branch."""
    with pytest.raises(GitError, match="kept commits stand under refs/mbo/"):
        repository.keep("refs/heads/main", repository.head())


def test_locks_of_killed_commands_are_swept(repository: Repository, home: Home) -> None:
    """After a kill the sweep says which locks it removed, and all work goes on."""
    repository.open_slot(1, repository.head())
    stale = ["config.lock", "packed-refs.lock", "refs/heads/main.lock", "worktrees/slot-1/index.lock"]
    for name in stale:
        (home.repository / name).touch()

    mended = repository.sweep()

    assert set(mended) == {f"removed the stale lock {name}" for name in stale}
    assert repository.sweep() == ()
    assert land(repository, work(repository, 1, {"new.txt": "x\n"})) == repository.head()


def test_a_sweep_says_that_objects_are_missing(repository: Repository, home: Home) -> None:
    """A repository that lost an object is not built upon."""
    blob = plain_git(home.repository, "rev-parse", "main:a.txt")
    (home.repository / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(GitError, match="fsck"):
        repository.sweep()


def test_there_is_nothing_to_sweep_before_the_first_run(home: Home) -> None:
    """A home without a repository is fine."""
    assert Repository(home).sweep() == ()


KILLING_GIT = """#!/bin/sh
case "$*" in
  *\\ {stage}\\ *|*\\ {stage}) {before}; "{git}" "$@"; {after}; exit 0;;
esac
exec "{git}" "$@"
"""

JOURNEY = """
import sys
from pathlib import Path
from orchestrator.home import Home
from orchestrator.workspace import Repository
repository = Repository(Home(Path(sys.argv[1])))
repository.sweep()
base = repository.create(None) and sys.argv[2]
worktree = repository.open_slot(1, base)
(worktree / "new.txt").write_text("x")
commit = repository.snapshot(1, "refs/mbo/wip", base)
tree = repository.merge(base, commit).tree
print(repository.land(tree, onto=base, commit=commit, agent="a", task="1.1", key="key", title="t", trailers={}))
"""


@pytest.mark.parametrize(
    ("stage", "before"),
    [
        ("config", True),
        ("worktree", False),
        ("read-tree", True),
        ("add", True),
        ("write-tree", False),
        ("merge-tree", True),
        ("commit-tree", False),
        ("update-ref refs/heads/main", True),
        ("update-ref refs/heads/main", False),
    ],
    ids=lambda value: {True: "before", False: "after"}.get(value, value),
)
def test_a_journey_that_was_killed_is_gone_through_again(
    repository: Repository, home: Home, tmp_path: Path, stage: str, before: bool
) -> None:
    """Wherever the kill strikes, and though git itself goes on for a moment, the task then lands exactly once."""
    kill = "kill -9 $PPID; sleep 0.1"
    words = {"stage": stage.replace(" ", "\\ "), "git": shutil.which("git"), "before": kill if before else ":"}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(KILLING_GIT.format(**words, after=":" if before else kill))
    (tmp_path / "bin/git").chmod(0o755)
    command = [sys.executable, "-c", JOURNEY, home.root, repository.head()]
    deadly = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    root = Path(__file__).parents[1]
    count = len(plain_git(home.repository, "rev-list", "--first-parent", "main").split())

    killed = subprocess.run(command, env=deadly, cwd=root, check=False)
    again = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)

    assert killed.returncode == -signal.SIGKILL
    assert again.stdout.strip() == repository.landed()["key"].commit == repository.head()
    assert len(plain_git(home.repository, "rev-list", "--first-parent", "main").split()) == count + 1
    assert repository.read("main", "new.txt") == b"x"
    repository.fsck()


def test_slots_can_be_used_at_once(repository: Repository) -> None:
    """Agents in different worktrees do not hinder each other."""

    def one(slot: int) -> str:
        return work(repository, slot, {f"{slot}.txt": "x\n"}, f"refs/mbo/{slot}")

    with ThreadPoolExecutor(6) as pool:
        commits = list(pool.map(one, range(6)))

    head = repository.head()
    assert [repository.changes(head, commit).paths for commit in commits] == [(f"{slot}.txt",) for slot in range(6)]


def test_a_long_diff_is_cut_and_says_so(repository: Repository) -> None:
    """A difference is text, with whole lines up to the limit and a line that says it was cut."""
    head = repository.head()
    commit = work(repository, 1, {"a.txt": "two\n", "long.txt": "line\n" * 100_000})

    whole, cut = repository.diff(head, commit, limit=10_000_000), repository.diff(head, commit, limit=1000)

    assert "-one\n+two\n" in whole
    assert cut.endswith("+line\n[cut here: the diff is longer than 1000 bytes]\n")
    assert len(cut) < 1100


def test_reading_what_is_not_a_file_gives_nothing(repository: Repository) -> None:
    """A missing path and a folder have no content; a path is never taken for a pattern."""
    head = repository.head()

    found = [repository.read(head, path) for path in ("nowhere", "deep", "*.txt", "deep/b.txt")]

    assert found == [None, None, None, b"two\n"]
    assert repository.files(head) == ("a.txt", "deep/b.txt", "run.sh")


def test_the_same_commit_twice_is_the_same_commit(repository: Repository) -> None:
    """With a date given, a commit depends on its arguments only."""
    tree = repository.tree(repository.head())

    made = {repository.commit_tree(tree, [], "mcp-core", "x", date="2026-01-01T00:00:00Z") for _ in range(2)}

    assert len(made) == 1
