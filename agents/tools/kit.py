"""The set of tools that each role gets."""

from agents.bench import Bench
from agents.tools import Tool, bash, closing, editor, learning, talk
from orchestrator.precedence import holds_power


def tools(bench: Bench) -> dict[str, Tool]:
    """Return the tools of the session at this bench, by name; who holds a power has one more in every role."""
    both = [bash.tool(bench), editor.tool(bench), talk.send_message(bench), learning.search_knowledge(bench)]
    if holds_power(bench.session.agent, bench.policy):
        both.append(learning.approve_knowledge(bench))
    if bench.session.role == "review":
        own = [closing.submit_verdict(bench)]
    elif bench.session.role == "resolve":
        own = [closing.resolve(bench)]
    else:
        own = [talk.record_decision(bench), learning.share_knowledge(bench), closing.finish()]
    return {tool.name: tool for tool in (*both, *own)}
