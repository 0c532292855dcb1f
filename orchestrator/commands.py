"""The command side of contracts: how a command is asked for its usage, and what its answer shows."""

import re

from orchestrator.models import CommandInterface
from orchestrator.process import Finished

SECONDS = 60
"""How long a command may take to say how it is used."""


def question(command: CommandInterface) -> tuple[str, ...]:
    """Return the argument vector to run: with `--help` where a usage is stated."""
    return (*command.run, "--help") if command.usage else command.run


def fault(command: CommandInterface, finished: Finished) -> str | None:
    """Say in one clause how a finished command falls short of what is stated, or None."""
    asked = f"`{' '.join(question(command))}`"
    if finished.timed_out:
        return f"{asked} has not ended after {SECONDS} s"
    if finished.exit_code != command.exit_code:
        return f"{asked} ends with exit code {finished.exit_code}, not {command.exit_code}"
    usage = command.usage
    words = (*usage.options, *usage.arguments) if usage else ()
    missing = [word for word in words if not _names(finished.output, word)]
    return f"{asked} does not name {', '.join(missing)}" if missing else None


def _names(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None
