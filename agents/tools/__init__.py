"""What an agent can do, one tool a module, each with the Messages API's definition of itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, StringConstraints, ValidationError

from orchestrator.models import JsonObject

FAULTS = 5
"""So many faults of one input are named."""

T = TypeVar("T", bound=BaseModel)

WORDS_LIMIT = 8_000
"""Characters of the longest text that one agent may leave for others in one field."""
Words = Annotated[str, StringConstraints(min_length=1, max_length=WORDS_LIMIT, strip_whitespace=True)]
"""What one agent says to others."""


@dataclass(frozen=True)
class Result:
    """What a tool gives back: text for the agent and, from a closing tool, what the session ends with."""

    text: str
    is_error: bool = False
    closing: JsonObject | None = None


@dataclass(frozen=True)
class Tool:
    """A tool as the loop sees it.

    `run` takes the input and the call's place in the session (`turn.number`), the same when the call is repeated after
    a kill. `reads` tells from the input whether the call only reads; such calls of one turn run side by side.
    """

    name: str
    definition: JsonObject
    run: Callable[[JsonObject, str], Awaitable[Result]]
    reads: Callable[[JsonObject], bool] = lambda _: False


def custom(name: str, description: str, schema: type[BaseModel]) -> JsonObject:
    """Return the definition of a tool of our own, with the JSON Schema of its input."""
    return {"name": name, "description": description, "input_schema": _plain(schema.model_json_schema())}


def accept(schema: type[T], given: JsonObject) -> T | Result:
    """Return the input as `schema` has it, or the one line to answer the agent with."""
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors()[:FAULTS])
        return Result(f"The input does not fit: {faults}", is_error=True)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    schema.pop("title", None)
    schema.pop("description", None)
    return schema
