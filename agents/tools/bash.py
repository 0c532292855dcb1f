"""The `bash` tool: a shell command in the sandbox, a new shell each time, in the worktree."""

from agents.bench import Bench
from agents.tools import Result, Tool
from orchestrator.errors import SandboxError
from orchestrator.models import JsonObject

SECONDS = 300
OUTPUT_LIMIT = 30_000


def tool(bench: Bench) -> Tool:
    """Return the tool for one bench."""

    async def run(given: JsonObject, _call: str) -> Result:
        if given.get("restart"):
            return Result("Every command starts in a new shell in the worktree; there is nothing to restart.")
        command = given.get("command")
        if not isinstance(command, str) or not command.strip():
            return Result("`command` must be a shell command.", is_error=True)
        try:
            finished = await bench.shell(command, SECONDS)
        except SandboxError as error:
            return Result(str(error), is_error=True)
        return Result(_report(finished.output, finished.exit_code, finished.timed_out), is_error=finished.timed_out)

    definition = {"type": "bash_20250124", "name": "bash"}
    return Tool("bash", definition, run, reads=lambda _: not bench.writable)


def _report(output: str, exit_code: int, timed_out: bool) -> str:
    if len(output) > OUTPUT_LIMIT:
        half = OUTPUT_LIMIT // 2
        output = f"{output[:half]}\n[… {len(output) - OUTPUT_LIMIT} characters left out …]\n{output[-half:]}"
    if timed_out:
        return f"{output}\n[ended after {SECONDS} s]"
    return output if exit_code == 0 else f"{output}\n[exit code {exit_code}]"
