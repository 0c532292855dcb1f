"""Settle: bring records, projections and the checkout in step with what stands, as far as a kill kept a run from it.

The one commit point of a merge is the branch's ref; all that follows from it is made up for here, from the branch and
the journal alone.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from agents.context import dependencies, knowledge, state
from orchestrator.checkout import fast_forward
from orchestrator.errors import DamagedError
from orchestrator.events import Events
from orchestrator.home import Home
from orchestrator.landing import Landing
from orchestrator.models import Answer, Outcome, Plan
from orchestrator.workspace import Repository
from tasks.record import TESTS, merge_id, record_merge, record_outcome, save_contracts


def settle(home: Home, project: Path, agents: Collection[str], events: Events, repository: Repository) -> bool:
    """Make up for what a killed run left undone; tell whether there was any merge to make up for.

    Only while the home is held, and before any task of this run is under way.
    """
    _mend_index(home, agents, events)
    ended = {event["key"] for event in events.all("outcome") if event["data"]["status"] == "merged"}
    landed = repository.landed()
    late = [landing for key, landing in landed.items() if key not in ended or events.recall(merge_id(key)) is None]
    for landing in reversed(late):
        settle_merge(home, events, repository, landing)
        _settle_outcome(home, events, landing)
    fast_forward(project, repository.path, repository.branch)
    return bool(late)


def settle_merge(home: Home, events: Events, repository: Repository, landing: Landing) -> None:
    """Record a merge that landed just before its run was killed, if it is not recorded."""
    answers = _answers(events, landing.key)
    if events.recall(merge_id(landing.key)) is None and answers:
        tests = repository.trailer(landing.commit, TESTS)
        save_contracts(home, repository, answers[-1])
        record_merge(home, events, answers[-1], landing.commit, repository.tree(landing.commit), tests)


def publish(home: Home, plan: Plan, agents: Collection[str], merged: Collection[str], events: Events) -> None:
    """Write what people and other programs read of the journal: each agent's state and the plan's graph."""
    fields = Outcome.model_fields
    ended = [
        Outcome.model_validate({name: value for name, value in event["data"].items() if name in fields})
        for event in events.all("outcome")
    ]
    state.rebuild(home, agents, ended)
    states: Mapping[str, str] = {outcome.task: outcome.status for outcome in ended} | dict.fromkeys(merged, "merged")
    dependencies.write(home, plan, states)


def _settle_outcome(home: Home, events: Events, landing: Landing) -> None:
    answers = _answers(events, landing.key)
    if not answers:
        return
    session = answers[-1].session
    outcome = Outcome(
        task=landing.task,
        key=landing.key,
        status="merged",
        reason=f"merged as {landing.commit[:12]}",
        agent=session.agent,
        commit=landing.commit,
        attempts=session.attempt,
        rounds=len(answers),
    )
    record_outcome(home, events, outcome, 0.0)


def _answers(events: Events, key: str) -> list[Answer]:
    return [Answer.model_validate(event["data"]) for event in events.all("answer") if event["key"] == key]


def _mend_index(home: Home, agents: Collection[str], events: Events) -> None:
    """Make the search of what agents learned anew from the journal, where it is damaged."""
    try:
        knowledge.search(home, agents, "anything", limit=1)
    except DamagedError:
        knowledge.rebuild(home, knowledge.recorded(events.everything()))
