"""The `bash` tool: a shell command in the sandbox, a new shell each time, in the worktree."""

from agents.bench import Bench
from agents.tools import Result, Tool
from orchestrator.models import JsonObject
from orchestrator.process import Finished

SECONDS = 300
COMMAND_LIMIT = 100_000
"""Bytes of the longest command; Linux takes no argument of 128 KiB or more."""
OUTPUT_LIMIT = 30_000
"""Bytes of output that reach the agent: the first half and the last."""


def tool(bench: Bench) -> Tool:
    """Return the tool for one bench."""

    async def run(given: JsonObject, _call: str) -> Result:
        if given.get("restart"):
            return Result("Every command starts in a new shell in the worktree; there is nothing to restart.")
        command = given.get("command")
        if not isinstance(command, str) or not command.strip():
            return Result("`command` must be a shell command.", is_error=True)
        fault = _fault(command)
        if fault:
            return Result(fault, is_error=True)
        return _result(await bench.shell(command, seconds=SECONDS, output_limit=OUTPUT_LIMIT))

    definition = {"type": "bash_20250124", "name": "bash"}
    return Tool("bash", definition, run, reads=lambda _: not bench.writable)


def _fault(command: str) -> str | None:
    """Say why the text cannot be handed to a shell, or None where it can."""
    data = command.encode()
    if b"\0" in data:
        return "The command holds a NUL byte."
    if len(data) > COMMAND_LIMIT:
        return f"The command is longer than {COMMAND_LIMIT} bytes; write a file and run that."
    return None


def _result(finished: Finished) -> Result:
    if finished.timed_out:
        return Result(f"{finished.output}\n[ended after {SECONDS} s]", is_error=True)
    ending = f"\n[exit code {finished.exit_code}]" if finished.exit_code else ""
    return Result((finished.output + ending) or "[no output]")
