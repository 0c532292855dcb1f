"""The integration repository: a bare repository in the home that agents cannot write, and the pool of worktrees.

    refs/heads/<branch>   the integration branch; one compare-and-swap of this ref is how work lands
    refs/mbo/...          everything else worth keeping: snapshots, answers, candidates

Objects are synced when written, so a commit that is named anywhere outlives a power cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator import changes, git, landing, project, slots
from orchestrator.changes import Change, Changes
from orchestrator.errors import GitError
from orchestrator.home import Home, write_atomically
from orchestrator.landing import Landing, Merge, StaleHead
from orchestrator.protection.testfiles import BASE

__all__ = ["Change", "Changes", "Landing", "Merge", "Repository", "StaleHead"]

KEPT = "refs/mbo/"
_ATTRIBUTES = "* !merge !filter !diff !ident !working-tree-encoding !export-subst\n"
_IGNORED = (
    "__pycache__/",
    "*.py[cod]",
    "*.egg-info/",
    ".venv/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".mypy_cache/",
    ".hypothesis/",
    ".coverage",
    "node_modules/",
    ".DS_Store",
)
_CONFIG = {"gc.auto": "0", "maintenance.auto": "false", "core.hooksPath": "/dev/null"}


class Repository:
    """Know the integration repository of one home; every method may be killed at any instant and called again."""

    def __init__(self, home: Home, branch: str = "main") -> None:
        """Stand for the repository of `home`, which need not exist; `branch` names the branch of a new one."""
        self.path = home.repository
        self._worktrees = home.worktrees
        self._first_branch = branch
        self._guard = home.shared / "git-running"  # out of the agents' sight: whoever can read it could hold it
        self._place = git.Place(git_dir=self.path, guard=self._guard)

    @property
    def branch(self) -> str:
        """Return the name of the integration branch."""
        if not (self.path / "HEAD").is_file():
            return self._first_branch
        return git.text(self._place, "symbolic-ref", "HEAD").removeprefix("refs/heads/")

    def create(self, source: Path | None = None) -> str:
        """Make the repository where there is none and return the head of its branch.

        The history begins at the HEAD of `source` when that is a git repository with commits, under its branch's
        name; otherwise at an empty root commit. Must be called while the home is held.

        Raises:
            UnsupportedError: git is missing or too old.
        """
        git.require()
        self.path.mkdir(parents=True, exist_ok=True)
        self._unlock()
        self._initialise()
        head = self._resolve(f"refs/heads/{self.branch}")
        if head is None:
            self._begin(source)
        return head or self.head()

    def sweep(self) -> tuple[str, ...]:
        """Mend what a killed run left behind and say what was mended; only while the home is held.

        Raises:
            GitError: objects are missing; the message names the first.
        """
        if not (self.path / "HEAD").is_file():
            return ()
        mended = self._unlock()
        pruned = git.text(self._place, "worktree", "prune", "--verbose").splitlines()
        git.run(self._place, "fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        return (*mended, *pruned)

    def head(self) -> str:
        """Return the commit at the head of the integration branch."""
        return git.text(self._place, "rev-parse", "--verify", f"refs/heads/{self.branch}^{{commit}}")

    def tree(self, commit: str) -> str:
        """Return the tree of a commit."""
        return git.text(self._place, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").splitlines()[-1]

    def landed(self, at: str | None = None) -> dict[str, Landing]:
        """Return every task that landed on the integration branch, up to the commit `at` of it, by task key."""
        return landing.landed(self._place, at or f"refs/heads/{self.branch}")

    def owners(self, commit: str) -> dict[str, str]:
        """Return every file of a commit of the integration branch, and the task that added it or `BASE`."""
        added = landing.added(self._place, commit)
        return {path: added.get(path, BASE) for path in self.files(commit)}

    def trailer(self, commit: str, name: str) -> str:
        """Return the value of one trailer of a commit; empty where it has none."""
        form = f"--format=%(trailers:key={name},valueonly,separator=%x2C)"
        return git.text(self._place, "show", "--no-patch", form, "--end-of-options", commit)

    def open_slot(self, slot: int, commit: str, owner: int | None = None) -> Path:
        """Return worktree `slot` holding exactly `commit` (or a tree), and nothing else.

        When we are root, its files are handed to the user and group `owner`. One thread at a time uses a slot.
        """
        tree = self.tree(commit)
        known = self._resolve(f"{commit}^{{commit}}")
        there = self._slot(slot)
        slots.open_at(there, tree, known or self.head(), owner)
        return there.path

    def snapshot(self, slot: int, ref: str, parent: str) -> str:
        """Keep everything in worktree `slot` that is not ignored as a commit on `parent`, at `ref`, and return it.

        Where nothing changed since `parent`, or since the commit that `ref` keeps, that commit is returned.

        Raises:
            UnfitError: the worktree holds a nested repository or names that cannot be kept.
        """
        tree, before = slots.write_tree(self._slot(slot)), self.tree(parent)
        if tree == before:
            self.keep(ref, parent)
            return parent
        kept = self._resolve(ref)
        if kept is not None and git.text(self._place, "show", "-s", "--format=%T %P", kept) == f"{tree} {parent}":
            return kept
        slots.refuse_unfit(self._place, before, tree)
        commit = self.commit_tree(tree, [parent], git.IDENTITY[0], f"Snapshot for {ref}")
        self.keep(ref, commit)
        return commit

    def commit_tree(self, tree: str, parents: Sequence[str], author: str, message: str, date: str | None = None) -> str:
        """Store a commit and return it; the same arguments with the same `date` give the same commit."""
        words = [word for parent in parents for word in ("-p", parent)]
        signature = git.signature(author, f"{author}@agents.invalid", date)
        done = git.run(self._place, "commit-tree", tree, *words, stdin=message.encode(), variables=signature)
        return done.stdout.decode().strip()

    def diff(self, base: str, commit: str, limit: int = 200_000, paths: Sequence[str] = ()) -> str:
        """Return the textual difference between two commits, or of some paths in them.

        One longer than `limit` bytes is cut and says so.
        """
        return changes.diff(self._place, base, commit, limit, paths)

    def changes(self, base: str, commit: str) -> Changes:
        """Return the paths, modes and line counts that differ between two commits."""
        return changes.between(self._place, base, commit)

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's content in a commit (a link's target if it is one), or None where there is no such file."""
        entries = git.listing(self._place, "ls-tree", "-z", "--full-tree", commit, "--", path)
        found = [
            entry.partition(b"\t")[0].decode().split() for entry in entries if entry.split(b"\t")[1] == path.encode()
        ]
        if not found or found[0][1] != "blob":
            return None
        return git.run(self._place, "cat-file", "blob", found[0][2]).stdout

    def files(self, commit: str) -> tuple[str, ...]:
        """Return the path of every file in a commit."""
        return tuple(
            changes.name(path) for path in git.listing(self._place, "ls-tree", "-r", "-z", "--name-only", commit)
        )

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits without touching any worktree; conflicts are a result, not an error."""
        return landing.merge(self._place, ours, theirs)

    def land(
        self,
        tree: str,
        *,
        onto: str,
        commit: str,
        agent: str,
        task: str,
        key: str,
        title: str,
        trailers: Mapping[str, str] | None = None,
    ) -> str:
        """Put `tree`, the merge of `commit` onto `onto`, at the head of the integration branch and return its commit.

        A key that has landed before lands nothing: its commit is returned.

        Raises:
            StaleHead: the branch is no longer at `onto`.
        """
        before = self.landed().get(key)
        if before is not None:
            return before.commit
        message = landing.message(task, title, {"Task": task, "Task-Key": key, **(trailers or {})})
        merged = self.commit_tree(tree, [onto, commit], agent, message)
        try:
            git.run(self._place, "update-ref", f"refs/heads/{self.branch}", merged, onto)
        except GitError as error:
            if self.head() != onto:
                raise StaleHead(f"{self.branch} moved on from {onto[:12]}; merge {task} again onto its head") from error
            raise
        return merged

    def keep(self, ref: str, commit: str) -> None:
        """Keep a commit, and all it is made of, at `ref` under `refs/mbo/`."""
        if not ref.startswith(KEPT):
            raise GitError(f"{ref}: kept commits stand under {KEPT}")
        git.run(self._place, "update-ref", ref, commit)

    def kept(self, ref: str) -> str | None:
        """Return the commit kept at `ref`, if any."""
        return self._resolve(ref)

    def fsck(self) -> None:
        """Check every object.

        Raises:
            GitError: the repository is damaged.
        """
        git.run(self._place, "fsck", "--full", "--no-dangling", "--no-progress")

    def _slot(self, number: int) -> slots.Slot:
        return slots.Slot(path=self._worktrees / f"slot-{number}", repository=self.path, guard=self._guard)

    def _resolve(self, name: str) -> str | None:
        done = git.run(self._place, "rev-parse", "--verify", "--quiet", "--end-of-options", name, accept=(0, 1, 128))
        return done.stdout.decode().split()[-1] if done.returncode == 0 else None

    def _initialise(self) -> None:
        if not (self.path / "HEAD").is_file():
            git.run(self._place, "init", "--quiet", "--bare", "--template=", f"--initial-branch={self._first_branch}")
        for key, value in _CONFIG.items():
            git.run(self._place, "config", key, value)
        information = self.path / "info"
        write_atomically(information / "attributes", _ATTRIBUTES)
        write_atomically(information / "exclude", "\n".join(_IGNORED) + "\n")

    def _begin(self, source: Path | None) -> None:
        state = project.inspect(source) if source else None
        if source and state and state.head:
            branch = state.branch or self._first_branch
            git.run(self._place, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
            git.fetch(self._place, source, state.head, f"refs/heads/{branch}")
            return
        empty = git.run(self._place, "mktree", stdin=b"").stdout.decode().strip()
        root = self.commit_tree(empty, [], git.IDENTITY[0], "Begin\n")
        git.run(self._place, "update-ref", f"refs/heads/{self.branch}", root, "")

    def _unlock(self) -> tuple[str, ...]:
        """Remove the lock files of git commands that were killed, once those still running have ended."""
        git.wait_for_orphans(self._guard)
        stale = sorted(_lock_files(self.path))
        for path in stale:
            path.unlink(missing_ok=True)
        return tuple(f"removed the stale lock {path.relative_to(self.path)}" for path in stale)


def _lock_files(repository: Path) -> Iterator[Path]:
    yield from repository.glob("*.lock")
    for folder in ("refs", "logs", "worktrees", "info", "objects/info", "objects/pack"):
        yield from (repository / folder).rglob("*.lock")
