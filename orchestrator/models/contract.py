"""Contracts: interfaces that a design task declares, so that those who make and those who use them work side by side.

One contract is a YAML file of the product, `contracts/<name>.yaml`:

    name: lookup
    python:
    - {module: parts.lookup, name: lookup, signature: "(path: str, *, fresh: bool = False) -> Answer"}
    schema:
    - {file: data/parts/*.json, schema: {type: object, required: [id]}}
    command:
    - {run: ["{python}", -m, parts], usage: {options: [--json], arguments: [FILE]}}
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from orchestrator.models.plan import Text
from orchestrator.models.value import Frozen, JsonObject

Dotted = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w*(\.[^\W\d]\w*)*$")]


class PythonInterface(Frozen):
    """A function, a class, `Class.method` or any other name of a module.

    The signature leaves out `self` and begins with `async` where calls are awaited; that of a class is its
    `__init__`'s or its fields'. One of a method that is called on its class begins with `@staticmethod` or
    `@classmethod`. Parameters, their kinds and their defaults must be as stated, where `...` is any default and
    keyword-only ones have no order; annotations only where they are stated. Without a signature the name must only be
    there, which is all that can be asked of what is not defined in the tree itself.
    """

    module: Dotted
    name: Dotted
    signature: Text | None = None


class DocumentInterface(Frozen):
    """JSON documents of the tree, and the JSON Schema that each must match.

    They are named by path or glob from its root; `**` between slashes stands for any folders or none.
    """

    file: Text
    rules: JsonObject = Field(alias="schema")


class CommandUsage(Frozen):
    """The words that a command's `--help` must name."""

    options: tuple[Text, ...] = ()
    arguments: tuple[Text, ...] = ()


class CommandInterface(Frozen):
    """A command and the exit code it ends with; where `usage` is stated, it is run with `--help`."""

    run: tuple[Text, ...] = Field(min_length=1)
    usage: CommandUsage | None = None
    exit_code: int = Field(default=0, ge=0, le=255)


class Contract(Frozen):
    """Everything that one contract states."""

    name: Text
    python: tuple[PythonInterface, ...] = ()
    documents: tuple[DocumentInterface, ...] = Field(default=(), alias="schema")
    commands: tuple[CommandInterface, ...] = Field(default=(), alias="command")
