"""What every model is made of: a frozen base, one JSON form, one digest, one clock."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

JsonObject = dict[str, Any]
"""A decoded JSON object; its values are whatever JSON can hold."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hexadecimal."""


class Frozen(BaseModel):
    """Be a value: immutable, and refusing fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # a schema is built at its first use


def canonical_json(value: Mapping[str, Any] | list[Any] | str) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 left as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Mapping[str, Any] | list[Any] | str) -> str:
    """Return the SHA-256 of a value's canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode(errors="backslashreplace")).hexdigest()


def now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)
