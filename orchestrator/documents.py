"""JSON documents held against the JSON Schemas of contracts.

Run as a program of its own, bounded in time by whoever starts it: a schema's patterns may take for ever. It reads the
request as JSON from its standard input and prints one fault a line; nothing is fetched, whatever a schema refers to.
"""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry

TEXT_LIMIT = 300
FAULTS = 100
"""So many faults are told."""


def schema_fault(schema: dict[str, Any]) -> str | None:
    """Say where a JSON Schema is none and why, or None."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        return _clause(error.path, error.message)
    except Exception as error:  # noqa: BLE001 - whatever the library does with a schema that an agent wrote is its fault
        return _clause((), f"{type(error).__name__}: {error}")
    return None


def document_fault(text: str, schema: dict[str, Any]) -> str | None:
    """Say where a document's text does not match a schema and why, or None."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"is no JSON: {error}"
    validator = validator_for(schema, default=Draft202012Validator)
    try:
        error = best_match(validator(schema, registry=Registry()).iter_errors(document))
    except Exception as error_:  # noqa: BLE001 - as above: a reference that leads nowhere, a schema that never ends
        return f"cannot be held against its schema: {type(error_).__name__}: {error_}"[:TEXT_LIMIT]
    return _clause(error.absolute_path, error.message) if error else None


def faults(schemas: dict[str, dict[str, Any]], documents: list[tuple[str, str, str]]) -> Iterator[str]:
    """Yield one line a fault: of each schema, by its name, then of each document (path, text, name of its schema)."""
    broken = {name: fault for name, schema in schemas.items() if (fault := schema_fault(schema))}
    yield from (f"{name}: {fault}" for name, fault in broken.items())
    for path, text, name in documents:
        fault = None if name in broken else document_fault(text, schemas[name])
        if fault:
            yield f"{path}: {fault}"


def _clause(path: Any, message: str) -> str:
    place = ".".join(str(step) for step in path)
    words = " ".join(message.split())
    short = words if len(words) <= TEXT_LIMIT else f"{words[:TEXT_LIMIT]} […]"
    return f"at {place}: {short}" if place else short


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(list(islice(faults(given["schemas"], given["documents"]), FAULTS))))  # noqa: T201 - its answer
