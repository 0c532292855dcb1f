"""What lifts a failure, by its class."""

from analytics.rows import Row

_BY_CLASS = {
    "transient": "another try",
    "gate": "an answer whose checks are green",
    "stuck": "a clearer task, or another agent",
    "agent": "another agent, or a smaller task",
    "review": "an answer that its reviewers approve",
    "conflict": "an answer on the newest state of the branch",
    "environment": "what this machine lacks",
}
_UNTOLD = "an answer that does not end so"


def failure(row: Row) -> str:
    """Say what lifts the failure of a task."""
    return _BY_CLASS.get(row["failure"] or "", _UNTOLD)


def objection(row: Row) -> str:
    """Say what lifts a veto or a block on a task."""
    return f"an answer without it, or the user's waiver: mbo waive {row['task']} --reason TEXT"
