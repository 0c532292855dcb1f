"""Prove that the built server works: start it, list its tools, and have it find a planted Claude Code CLI.

    python probe.py <planted executable>      in the built project, with PYTHONPATH=src

Prints one JSON object {"tools": […], "answer": {…}, "seconds": …}; exits 1 with one line when anything is off.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

from mcp import Client, StdioServerParameters, stdio_client

TOOLS = {"find_claude_binary", "check_claude_updates"}
SECONDS = 45


class ProbeError(Exception):
    """The server does not do what it should."""


async def probe(planted: Path, home: str, log: TextIO) -> dict[str, Any]:
    """Return what a client sees of the server: its tools, its answer to `find_claude_binary`, and how long it took."""
    began = time.monotonic()
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "claude_code_mcp"],
        env={
            "CLAUDE_CODE_BINARY": str(planted),
            "HOME": home,
            "PYTHONPATH": os.environ.get("PYTHONPATH", "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    async with Client(stdio_client(server, errlog=log)) as client:
        listed = await client.list_tools()
        result = await client.call_tool("find_claude_binary", {})
    if result.is_error or result.structured_content is None:
        raise ProbeError(f"find_claude_binary failed: {' '.join(str(getattr(c, 'text', c)) for c in result.content)}")
    return {
        "tools": sorted(tool.name for tool in listed.tools),
        "answer": result.structured_content,
        "seconds": round(time.monotonic() - began, 3),
    }


def faults(seen: dict[str, Any], planted: Path) -> list[str]:
    """Return what is wrong with what the client saw, a phrase each."""
    answer = seen["answer"]
    missing = TOOLS - set(seen["tools"])
    found = [f"the tools {', '.join(sorted(missing))} are missing"] if missing else []
    if answer.get("binary_path") != str(planted):
        found.append(f"it found {answer.get('binary_path')} instead of {planted}")
    if answer.get("source") != "override":
        found.append(f"the source is {answer.get('source')} instead of override")
    if not str(answer.get("version", "")).count("."):
        found.append(f"{answer.get('version')!r} is no version")
    return found


def main(arguments: list[str]) -> int:
    """Run the probe and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python probe.py <planted executable>\n")
        return 2
    planted = Path(arguments[0]).absolute()
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w") as log:
        try:
            seen = asyncio.run(asyncio.wait_for(probe(planted, home, log), SECONDS))
            wrong = faults(seen, planted)
        except Exception as error:  # noqa: BLE001 - whatever it is, the one line below is the answer
            wrong = [f"{type(error).__name__}: {' '.join(str(error).split())}"]
    if wrong:
        sys.stderr.write(f"the built server is not right: {'; '.join(wrong)}\n")
        return 1
    sys.stdout.write(json.dumps(seen) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
