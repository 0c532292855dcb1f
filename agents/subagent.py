"""What in a subagent's file has no effect where it is run by us."""

import re
from collections.abc import Iterator

from agents import front_matter
from orchestrator.models import Agent

_TOOLS = ("Bash", "Edit", "Glob", "Grep", "LS", "MultiEdit", "Read", "Write")
"""The tools that a shell and an editor stand for; each session has these two."""
_MODELS = re.compile(r"(default|haiku|opus|opusplan|sonnet)(\[1m\])?|.*claude.*", re.IGNORECASE)


def without_effect(agent: Agent) -> Iterator[tuple[str, str]]:
    """Yield each part of an agent's definition that changes nothing, or perhaps not what is meant, and why."""
    head, _ = front_matter.halves(agent.source)
    for key in front_matter.fields(agent.source, head):
        if key not in front_matter.OURS:
            yield f"field {' '.join(str(key).split())}", "nothing here reads it"
    tools = [tool.partition("(")[0].strip() for tool in agent.tools]
    for tool in tools:
        if tool not in _TOOLS:
            yield f"tool {tool}", "a session has a shell and an editor, and the tools to talk, learn and hand over"
    if tools and not ({"Edit", "Write", "MultiEdit"} & {*tools} and "Bash" in agent.tools):
        yield "limits on tools", "every session has a shell and an editor; a reviewer's worktree is read-only"
    if agent.model and not _MODELS.fullmatch(agent.model):
        yield f"model {agent.model}", "it is no model of Claude that we know; it is asked for by this name all the same"
