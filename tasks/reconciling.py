"""Reconciling: settle contradictions by rank, or leave them to the coordinator and the user.

A settled one is recorded, then a Decision that puts the side kept in the place of the others; these stay in the log.
"""

from uuid import NAMESPACE_URL, UUID, uuid5

from agents.context import messages
from orchestrator import contradictions, precedence
from orchestrator.contradictions import Contradiction, Judge, Side
from orchestrator.errors import InputError
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.models import Decision, JsonObject, Message, MessageContent, Plan, now
from orchestrator.supersession import standing
from orchestrator.team import Team
from tasks.moves import Move
from tasks.sharing import known, project


def reconcile(home: Home, plan: Plan, events: Events, team: Team) -> list[Move]:
    """Settle the contradictions that an agent of the team has a side in, as far as rank goes; return what moved."""
    moves = [move for found in _found(plan, events, team) for move in _take_up(home, plan, events, found)]
    moves += _close(events)
    if moves:
        project(home, events)
    return moves


def is_behind(home: Home, plan: Plan, events: Events, team: Team) -> bool:
    """Tell whether there is a contradiction to settle, or one to note as settled by what agents did."""
    found = _found(plan, events, team)
    return bool(_over(events)) or any(item.state == "resolved" or not _is_told(home, events, item) for item in found)


def resolve(home: Home, events: Events, conflict: str, keep: str, reason: str) -> Contradiction:
    """Let the user settle an open contradiction: keep one side, named by its number, id, task or agent.

    Raises:
        InputError: no contradiction with this id is open, or `keep` names none or several of its sides.
    """
    found = next((item for item in contradictions.read(events.all("contradiction")) if item.id == conflict), None)
    if found is None or found.state == "resolved":
        raise InputError(
            f"contradiction {conflict} is {'settled already' if found else 'not known'} (see `mbo conflicts`)"
        )
    side = _side(found, keep)
    told = {"state": "resolved", "kept": side.id, "by": precedence.USER, "rule": precedence.TABLE[0].name}
    settled = _settle(events, found.model_copy(update={**told, "reason": reason}))
    _close(events)
    project(home, events)
    return settled


def _found(plan: Plan, events: Events, team: Team) -> list[Contradiction]:
    everything = known(events)
    told = contradictions.read(events.all("contradiction"))
    judge = Judge(
        policy=plan.policy,
        owners={task.id: task.agent for task in plan.tasks},
        chosen={item.kept for item in told if item.kept and item.by == precedence.USER},
    )
    words = contradictions.standing_words(everything.decisions, everything.knowledge)
    found = contradictions.find(words, judge)
    return [item for item in found if any(side.agent in team.agents for side in item.sides)]


def _take_up(home: Home, plan: Plan, events: Events, found: Contradiction) -> list[Move]:
    if found.state == "resolved":
        return _moves(_settle(events, found))
    if _is_told(home, events, found):
        return []
    events.record("contradiction", _place(found), _data(found))
    return [_tell(home, plan, events, found), *_moves(found)]


def _settle(events: Events, found: Contradiction) -> Contradiction:
    """Record how a contradiction ends and the decision that makes it so; what was recorded before a kill stands."""
    data = events.record("contradiction", _place(found), _data(found))
    settled = contradictions.load(data)
    kept = next(side for side in settled.sides if side.id == settled.kept)
    decision = Decision(
        id=f"decision/contradiction/{settled.id}",
        time=now(),
        task_id=kept.task,
        agent=settled.by or kept.agent,
        subject=settled.subject if settled.about == "decision" else f"interface {settled.subject}",
        decision=kept.text,
        reason=settled.reason,
        authority=settled.rule or "agent",
        supersedes=settled.losers,
    )
    events.record("decision", decision.id, decision.model_dump(mode="json"), about={"agent": decision.agent})
    return settled


def _close(events: Events) -> list[Move]:
    """Note those open contradictions as resolved whose sides agree now, since decisions took the place of some."""
    moves: list[Move] = []
    for item in _over(events):
        events.record("contradiction", _place(item), _data(item))
        moves += _moves(item)
    return moves


def _over(events: Events) -> list[Contradiction]:
    everything = known(events)
    opened = (item for item in contradictions.read(events.all("contradiction")) if item.state == "open")
    by_id = {decision.id: decision for decision in everything.decisions}
    over: list[Contradiction] = []
    for item in opened:
        left = [side for side in item.sides if side.id not in everything.successor]
        if len({contradictions.gist(item.about, side.text) for side in left}) > 1:
            continue
        first = next(side for side in item.sides if side.id in everything.successor)
        instead = by_id.get(standing(everything.successor, first.id))
        told = {"by": instead.agent, "rule": instead.authority, "reason": instead.reason} if instead else {}
        kept = left[0].id if left else standing(everything.successor, first.id)
        over.append(item.model_copy(update={"state": "resolved", "kept": kept, **told}))
    return over


def _is_told(home: Home, events: Events, found: Contradiction) -> bool:
    message = _message_id(found)
    stands = events.recall(f"message/{message}")
    return stands is not None and str(message) in messages.delivered(home, stands["to_agent"])


def _message_id(found: Contradiction) -> UUID:
    return uuid5(NAMESPACE_URL, f"contradiction/{found.id}")


def _tell(home: Home, plan: Plan, events: Events, found: Contradiction) -> Move:
    """Send the coordinator a notification of a contradiction that rank does not settle."""
    last = found.sides[-1]
    sides = [side.model_dump(mode="json") for side in found.sides]
    message = Message(
        message_id=_message_id(found),
        from_agent=last.agent,
        to_agent=plan.policy.deadlock,
        message_type="notification",
        task_id=last.task,
        content=MessageContent(
            action="review",
            artifact="design",
            data={"contradiction": found.id, "subject": found.subject, "reason": found.reason, "sides": sides},
        ),
        priority="high",
        timestamp=now(),
    )
    data = message.model_dump(mode="json")
    stands = events.record("message", f"message/{message.message_id}", data, about={"agent": last.agent})
    message = Message.model_validate(stands)
    messages.deliver(home, message, [message.to_agent])
    return Move("messages", message.to_agent, str(message.message_id))


def _side(found: Contradiction, keep: str) -> Side:
    sides = found.sides
    if keep.isdecimal() and 1 <= int(keep) <= len(sides):
        return sides[int(keep) - 1]
    meant = [side for side in sides if keep in (side.id, side.task, side.agent)]
    if len(meant) == 1:
        return meant[0]
    listed = ", ".join(f"{number} ({side.agent}, {side.task})" for number, side in enumerate(sides, start=1))
    raise InputError(f"`{keep}` names {'several' if meant else 'no'} sides of {found.id}; its sides are {listed}")


def _moves(item: Contradiction) -> list[Move]:
    return [Move(item.state, agent, item.id) for agent in sorted({side.agent for side in item.sides})]


def _place(item: Contradiction) -> str:
    return f"contradiction/{item.id}/{item.state}"


def _data(item: Contradiction) -> JsonObject:
    return {"id": item.id, **item.model_dump(mode="json")}
