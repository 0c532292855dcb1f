"""The report's sections on changes of hand and failures."""

from analytics.markdown import code, item, text
from analytics.rows import Ask
from orchestrator.recovery import lifted_by


def reassignments(ask: Ask) -> list[str]:
    """List the tasks that changed hands, why, and what came of it."""
    return [
        line
        for row in ask("reassignments")
        for line in item(
            f"**{row['task']}** from {code(row['from_agent'])} to {code(row['to_agent'])} "
            f"(attempt {row['attempt']}): {text(row['reason'])}",
            f"The task is {row['state'] or 'not in this plan'}.",
        )
    ] or ["No task changed hands."]


def failures(ask: Ask) -> list[str]:
    """List what failed and why, with what it holds up, then the tasks that are blocked by it."""
    failed = [
        line
        for row in ask("failures")
        for line in item(
            f"**{row['task']}** {text(row['title'], 120)} ({code(row['agent'])}) {row['state']}: {text(row['reason'])}",
            f"Lifted by {lifted_by(row['failure'])}.",
            f"Holds up: {', '.join(row['holds_up'] or []) or 'nothing'}.",
        )
    ]
    blocked = [
        line
        for row in ask("blocked")
        for line in item(f"**{row['task']}** {text(row['title'], 120)} blocked: {text(row['reason'])}")
    ]
    return [*failed, *blocked] or ["Nothing failed, nothing is blocked."]
