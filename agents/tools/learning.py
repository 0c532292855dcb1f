"""The tools by which agents remember: what one learned, and the search of what all have learned."""

import asyncio
from typing import Annotated

from pydantic import StringConstraints

from agents.bench import Bench
from agents.context import knowledge, shared_knowledge
from agents.tools import Result, Tool, Words, accept, custom
from agents.tools.talk import identity
from orchestrator.models import Frozen, JsonObject, Knowledge, now
from orchestrator.models.talk import KnowledgeType
from orchestrator.precedence import may_supersede

TITLE_LIMIT = 200
BUDGET = 12_000
"""Characters of what one search gives."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=TITLE_LIMIT, strip_whitespace=True)]


class ShareKnowledge(Frozen):
    """The input of `share_knowledge`."""

    type: KnowledgeType
    title: Title
    text: Words
    solution: Words | None = None
    is_open: bool = False
    """Says of an issue that nobody has solved it yet."""
    references: tuple[Words, ...] = ()
    supersedes: tuple[Title, ...] = ()


class ApproveKnowledge(Frozen):
    """The input of `approve_knowledge`."""

    record: Title


class SearchKnowledge(Frozen):
    """The input of `search_knowledge`."""

    query: Words


def share_knowledge(bench: Bench) -> Tool:
    """Return the tool that keeps what the agent learned, for all to search."""
    session = bench.session

    async def run(given: JsonObject, call: str) -> Result:
        checked = accept(ShareKnowledge, given)
        if isinstance(checked, Result):
            return checked
        fault = _misstated(checked) or await asyncio.to_thread(_unfit_to_supersede, bench, checked)
        if fault:
            return Result(fault, is_error=True)
        name = f"knowledge/{identity(session, call)}"
        about = {"id": name, "time": now(), "task_id": session.task, "agent": session.agent}
        learned = Knowledge.model_validate({**about, **checked.model_dump(exclude={"is_open"})})
        stands = bench.record("knowledge", name, learned.model_dump(mode="json"), session=session)
        await asyncio.to_thread(knowledge.learn, bench.home, session.agent, Knowledge.model_validate(stands))
        return Result(f"Kept as {name}.")

    text = (
        "Keep something worth knowing for the others. An issue needs its solution, or `is_open`; the title of an "
        "interface is its name. `supersedes` lists the ids of records that this one takes the place of."
    )
    return Tool("share_knowledge", custom("share_knowledge", text, ShareKnowledge), run)


def approve_knowledge(bench: Bench) -> Tool:
    """Return the tool by which an agent vouches for what another learned; the first one to do so is its approver."""
    session = bench.session

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(ApproveKnowledge, given)
        if isinstance(checked, Result):
            return checked
        record = await asyncio.to_thread(knowledge.find, bench.home, checked.record)
        if record is None:
            return Result(f"`record`: there is no record `{checked.record}`; `search_knowledge` tells the ids.", True)
        if record.agent == session.agent:
            return Result("`record`: another agent vouches for what you learned, not you.", is_error=True)
        if not may_supersede(session.agent, record.agent, record.title, bench.policy):
            fault = f"`record`: {record.id} is {record.agent}'s, whose word ranks no lower than yours on it."
            return Result(fault, is_error=True)
        about = {"record": record.id, "by": session.agent}
        stands = bench.record("knowledge_approved", f"{record.id}/approved", about, session=session)
        await asyncio.to_thread(knowledge.approve, bench.home, record, stands["by"])
        return Result(f"{record.id} is approved by {stands['by']}.")

    text = (
        "Vouch for what another agent shared, once you have made sure that it is right. Others read who approved a "
        "record; `search_knowledge` tells its id."
    )
    return Tool("approve_knowledge", custom("approve_knowledge", text, ApproveKnowledge), run)


def search_knowledge(bench: Bench) -> Tool:
    """Return the tool that searches what all agents learned."""

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(SearchKnowledge, given)
        if isinstance(checked, Result):
            return checked
        found = await asyncio.to_thread(knowledge.search, bench.home, tuple(bench.agents), checked.query)
        found = shared_knowledge.once(bench.home, found)
        if not found:
            return Result("Nothing is known about that.")
        kept = knowledge.fitting(found, BUDGET)
        lines = [_told(record) for record in kept]
        if len(kept) < len(found):
            lines.append(f"[{len(found) - len(kept)} more left out for their length: ask more narrowly]")
        return Result("\n".join(lines))

    text = "Search what all agents have learned so far, in plain words."
    return Tool("search_knowledge", custom("search_knowledge", text, SearchKnowledge), run, reads=lambda _: True)


def _misstated(given: ShareKnowledge) -> str | None:
    """Say what a record lacks or claims falsely, or None."""
    if given.type == "issue" and given.is_open == bool(given.solution):
        return "`solution`: an issue has either its solution or `is_open: true`, so that nobody takes it for solved."
    if given.type != "issue" and given.is_open:
        return "`is_open`: only an issue is open."
    if given.type == "interface" and "\n" in given.title:
        return "`title`: the title of an interface is its name, on one line."
    return None


def _unfit_to_supersede(bench: Bench, given: ShareKnowledge) -> str | None:
    """Say which record the agent cannot take the place of, or None."""
    for record_id in given.supersedes:
        record = knowledge.find(bench.home, record_id)
        if record is None:
            return f"`supersedes`: there is no record `{record_id}`; `search_knowledge` tells the ids."
        if not may_supersede(bench.session.agent, record.agent, record.title, bench.policy):
            return f"`supersedes`: {record_id} is {record.agent}'s, and you cannot overrule them; send them a message."
    return None


def _told(record: Knowledge) -> str:
    solved = f" Solution: {record.solution}" if record.solution else ""
    vouched = f", approved by {record.approver}" if record.approver else ""
    return f"- {record.title} ({record.type}, {record.agent}{vouched}): {record.text}{solved} [{record.id}]"
