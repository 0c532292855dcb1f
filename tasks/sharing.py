"""Sharing: bring what one agent of a team knows to the others who lack it, and merge what they learned.

What is shared is recorded first, in `shared` events; each agent's `shared.json` and the shared knowledge base are made
from these, so that a sync that was killed is made whole by the next one.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agents.context import knowledge as learned
from agents.context import ledger, messages, shared_knowledge, shares
from agents.context.shares import Shares
from orchestrator import plan as plans
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import Decision, JsonObject, Knowledge, Message, Plan, digest
from orchestrator.supersession import successors
from orchestrator.team import Team
from tasks.moves import Move


class Known(NamedTuple):
    """Everything that agents decided and learned, and what took the place of what."""

    decisions: list[Decision]
    knowledge: list[Knowledge]
    successor: Mapping[str, str]


def known(events: Events) -> Known:
    """Return everything that agents decided and learned, from the journal, in the order recorded."""
    decisions = [Decision.model_validate(event["data"]) for event in events.all("decision")]
    knowledge = learned.recorded(events.everything())
    return Known(decisions, knowledge, successors([*decisions, *knowledge]))


def share(home: Home, plan: Plan, events: Events, team: Team) -> list[Move]:
    """Deliver messages that are missing, share decisions and knowledge among the team, and return what moved."""
    delivered, before = _deliver(home, events, team), _given(events)
    news = _news(plan, events, team)
    if news:
        events.record("shared", f"shared/{digest(news)[:16]}", news)
    project(home, events)
    return [*delivered, *_moves(events, before, news)]


def is_behind(home: Home, plan: Plan, events: Events, team: Team) -> bool:
    """Tell whether there is anything to share or to deliver."""
    return bool(_news(plan, events, team)) or any(True for _ in _undelivered(home, events, team))


def project(home: Home, events: Events) -> None:
    """Write all that follows from the journal: the decisions' log, each agent's shares, the shared knowledge base."""
    everything = known(events)
    ledger.add(home.decisions, (decision.model_dump(mode="json") for decision in everything.decisions))
    for agent, given in _given(events).items():
        shares.write(home, agent, given)
    merged = _merged(events)
    records = (record for record in everything.knowledge if record.id in merged)
    shared_knowledge.write(home, shared_knowledge.merge(records, everything.successor))


def _deliver(home: Home, events: Events, team: Team) -> list[Move]:
    moves: list[Move] = []
    for message, receivers in list(_undelivered(home, events, team)):
        messages.deliver(home, message, receivers)
        moves += (Move("messages", receiver, str(message.message_id)) for receiver in receivers)
    return moves


def _undelivered(home: Home, events: Events, team: Team) -> Iterable[tuple[Message, list[str]]]:
    """Yield each message within the team with those of its receivers whose folder lacks it."""
    there = {agent: messages.delivered(home, agent) for agent in team.agents}
    for event in events.all("message"):
        message = Message.model_validate(event["data"])
        to_all = message.to_agent == messages.EVERYONE
        receivers = [a for a in team.agents if (to_all and a != message.from_agent) or a == message.to_agent]
        lacking = [agent for agent in receivers if str(message.message_id) not in there[agent]]
        if lacking and message.from_agent in team.agents:
            yield message, lacking


def _news(plan: Plan, events: Events, team: Team) -> JsonObject:
    """Return what is to be shared that is not yet, or nothing.

    `decisions` are for everyone in `to` but their own author; `knowledge` names the records for each agent whose tasks
    depend on their authors'; `merged` are the records new to the shared base.
    """
    everything, given, merged = known(events), _given(events), _merged(events)
    mates = {agent: given.get(agent, Shares()).ids for agent in team.agents}
    decisions = [d.id for d in _for_others(everything) if d.agent in mates and any(_lacks(mates, d.agent, d.id))]
    records = [record for record in everything.knowledge if record.agent in mates]
    knowledge = {agent: _relevant(plan, agent, records, everything, has) for agent, has in mates.items()}
    news = {
        "to": list(team.agents) if decisions else [],
        "decisions": decisions,
        "knowledge": {agent: ids for agent, ids in knowledge.items() if ids},
        "merged": [record.id for record in records if record.id not in merged],
    }
    return news if any(news.values()) else {}


def _for_others(everything: Known) -> list[Decision]:
    """Return what stands of the decisions that bind more than one answer: agents', and which interfaces stand."""
    interfaces = {record.id for record in everything.knowledge if record.type == "interface"}
    standing = (item for item in everything.decisions if item.id not in everything.successor)
    return [item for item in standing if item.authority == "agent" or not interfaces.isdisjoint(item.supersedes)]


def _lacks(mates: Mapping[str, frozenset[str]], author: str, decision: str) -> Iterable[str]:
    return (agent for agent, has in mates.items() if agent != author and decision not in has)


def _relevant(
    plan: Plan, agent: str, records: Iterable[Knowledge], everything: Known, has: frozenset[str]
) -> list[str]:
    """Return the records that an agent lacks of those from tasks before the ones that it owns or reviews."""
    own = [task.id for task in plan.tasks if agent in (task.agent, *task.reviewers)]
    before = plans.prerequisites(plan, own)
    lacking = (r for r in records if r.agent != agent and r.task_id in before and r.id not in has)
    return [record.id for record in lacking if record.id not in everything.successor]


def _moves(events: Events, before: Mapping[str, Shares], news: JsonObject) -> list[Move]:
    """Return what moved to whom, given what each agent had before."""
    after = _given(events)
    authors = {event["id"]: event["data"]["agent"] for event in events.all("knowledge")}
    moves = [Move("records", authors[name], name) for name in news.get("merged", ())]
    for agent, has in after.items():
        had = before.get(agent, Shares()).ids
        moves += (Move("decisions", agent, name) for name in has.decisions if name not in had)
        moves += (Move("knowledge", agent, name) for name in has.knowledge if name not in had)
    return moves


def _given(events: Events) -> dict[str, Shares]:
    """Return what syncs have shared with each agent so far."""
    authors = {event["id"]: event["data"]["agent"] for event in events.all("decision")}
    given: dict[str, Shares] = {}
    for data in (event["data"] for event in events.all("shared")):
        for agent in {**dict.fromkeys(data["to"]), **data["knowledge"]}:
            decisions = (name for name in data["decisions"] if agent in data["to"] and authors[name] != agent)
            knowledge = data["knowledge"].get(agent, ())
            given[agent] = given.get(agent, Shares()).with_more(decisions, knowledge)
    return given


def _merged(events: Events) -> set[str]:
    return {name for event in events.all("shared") for name in event["data"]["merged"]}
