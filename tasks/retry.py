"""The one retry policy: what is transient is tried again by Prefect, with back-off; nothing else is."""

from typing import Any

from orchestrator.errors import TransientError

DELAYS_SECONDS = [2.0, 10.0, 60.0]


def is_transient(_task: Any, _task_run: Any, state: Any) -> bool:
    """Tell Prefect whether a failed step may succeed on another try."""
    return isinstance(state.data, TransientError)


POLICY: dict[str, Any] = {
    "retries": len(DELAYS_SECONDS),
    "retry_delay_seconds": DELAYS_SECONDS,
    "retry_condition_fn": is_transient,
}
"""What every step hands to `@task`."""
