"""What ended a Prefect run, if it was an error, and what it returned, if it was none."""

from typing import Any


def raised(state: Any) -> BaseException | None:
    """Return the exception that ended a run, which Prefect keeps in the state or in a record within it."""
    result = returned(state)
    return result if isinstance(result, BaseException) else None


def returned(state: Any) -> Any:
    """Return what a run's end state holds, which Prefect keeps in the state or in a record within it."""
    return getattr(state.data, "result", state.data)
