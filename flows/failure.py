"""What ended a Prefect run, if it was an error."""

from typing import Any


def raised(state: Any) -> BaseException | None:
    """Return the exception that ended a run, which Prefect keeps in the state or in a record within it."""
    result = getattr(state.data, "result", state.data)
    return result if isinstance(result, BaseException) else None
