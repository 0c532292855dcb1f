"""Every error this product raises on purpose.

OrchestratorError                 one clear line for a person: what, where, what to do
├── InputError                    the user's input is wrong; exit code 2, no task was begun
│   ├── PlanError                 a plan with problems, all of them listed
│   ├── HomeBusyError             another run holds the home
│   └── UnsupportedError          this machine lacks something (git, bubblewrap, a toolchain)
├── WorkError                     the work itself failed; exit code 1
│   ├── StorageError              the disk refused a write (full, read-only); the run stops and can be resumed
│   │   └── DamagedError          a file is damaged that the next run makes anew from the journal
│   ├── SandboxError              the sandbox did not start a command
│   ├── GitError                  a git command failed where it should not
│   │   └── UnfitError            a worktree holds what cannot be kept; whoever left it there can mend it
│   ├── JournalError              a journal is damaged in a place that is not its torn tail
│   └── ModelError                a model gave no usable turn
│       └── PlaybookExhausted     the playbook has no turns for this round
└── TransientError                may pass on another try; Prefect retries the step
"""

from collections.abc import Sequence


class OrchestratorError(Exception):
    """Be the root of the tree; `str(error)` is one line for a person."""

    exit_code = 1


class InputError(OrchestratorError):
    """Say that the user's input is wrong, where, and what to do."""

    exit_code = 2


class PlanError(InputError):
    """Say everything that is wrong with a plan, one problem a line."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  - {' '.join(problem.splitlines())}" for problem in self.problems)
        super().__init__(f"{source}: {count} in this plan; mend and try again{lines}")


class HomeBusyError(InputError):
    """Say which process holds the home."""


class UnsupportedError(InputError):
    """Say what this machine lacks and how to get it."""


class WorkError(OrchestratorError):
    """Say that the work failed, not the input."""


class StorageError(WorkError):
    """Say that the disk refused a write; what is on disk is whole and the run can be resumed."""


class DamagedError(StorageError):
    """Say which file is damaged that whoever holds the home can make anew from the journal."""


class SandboxError(WorkError):
    """Say that a command could not be started in the sandbox."""


class GitError(WorkError):
    """Say which git command failed and what it printed."""


class UnfitError(GitError):
    """Say what in a worktree cannot be kept, and what to do about it."""


class JournalError(WorkError):
    """Say which line of which journal is damaged."""


class ModelError(WorkError):
    """Say that a model gave no usable turn."""


class NoVerdict(ModelError):
    """Say that a reviewer gave no verdict, which is no fault of the answer nor of who wrote it."""


class PlaybookExhausted(ModelError):
    """Say that a playbook holds no turns for this round."""


class TransientError(OrchestratorError):
    """Say that the same step may succeed on another try."""
