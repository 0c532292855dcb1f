"""Contradictions: decisions on one subject, or interfaces of one name, that say different things; who settles them."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from orchestrator.models import Decision, Frozen, JsonObject, Knowledge, Policy, digest
from orchestrator.precedence import LATER_WORD, TABLE, rank
from orchestrator.supersession import successors

About = Literal["decision", "interface"]


class Side(Frozen):
    """One side of a contradiction: who said what, in which decision or record."""

    id: str
    agent: str
    task: str
    text: str


class Contradiction(Frozen):
    """Sides that cannot all stand; a resolved one names the side kept, by whose power and why."""

    about: About
    subject: str
    sides: tuple[Side, ...]
    state: Literal["resolved", "open"]
    kept: str | None = None
    """The id of the side that stands, or of what took the place of all of them."""
    by: str | None = None
    rule: str | None = None
    reason: str

    @property
    def id(self) -> str:
        """Return a short id, made from the ids of the sides."""
        return digest([self.about, *sorted(side.id for side in self.sides)])[:10]

    @property
    def losers(self) -> tuple[str, ...]:
        """Return the ids of the sides that say something else than the one kept."""
        kept = next((gist(self.about, side.text) for side in self.sides if side.id == self.kept), None)
        return tuple(side.id for side in self.sides if gist(self.about, side.text) != kept)


class Word(NamedTuple):
    """A decision or an interface, as far as contradictions go."""

    about: About
    subject: str
    time: AwareDatetime
    side: Side


class Judge(NamedTuple):
    """What decides between words: the policy, each task's own agent, and which words the user chose to keep."""

    policy: Policy
    owners: Mapping[str, str]
    chosen: Collection[str]

    def rank(self, word: Word) -> int:
        """Return the rank of a word; one that the user kept ranks with the user's own."""
        if word.side.id in self.chosen:
            return 0
        is_owner = self.owners.get(word.side.task) == word.side.agent
        return rank(word.side.agent, word.subject, self.policy, is_owner=is_owner)


def topic(subject: str) -> str:
    """Return a subject without case, spaces and punctuation; one that is nothing else stands as it is."""
    return " ".join(re.findall(r"[^\W_]+", subject.casefold())) or subject.strip()


def gist(about: About, text: str) -> str:
    """Return what a text says, without the width of spaces, and in a decision case and full stop."""
    told = " ".join(text.split())
    return told if about == "interface" else told.rstrip(".").casefold()


def standing_words(decisions: Sequence[Decision], knowledge: Sequence[Knowledge]) -> list[Word]:
    """Return what agents decided and which interfaces they stated, as far as nothing took its place, by time.

    Rulings and other decisions by a rule are left out: they are about one answer, or repeat what an agent said.
    """
    superseded = successors([*decisions, *knowledge])
    words = [
        Word("decision", d.subject, d.time, Side(id=d.id, agent=d.agent, task=d.task_id, text=d.decision))
        for d in decisions
        if d.authority == "agent" and d.id not in superseded
    ]
    words += [
        Word("interface", k.title, k.time, Side(id=k.id, agent=k.agent, task=k.task_id, text=k.text))
        for k in knowledge
        if k.type == "interface" and k.id not in superseded
    ]
    return sorted(words, key=lambda word: (word.time, word.side.id))


def find(words: Iterable[Word], judge: Judge) -> list[Contradiction]:
    """Return every contradiction among the words that stand, each settled by the table as far as it can be."""
    groups: dict[tuple[About, str], list[Word]] = {}
    for word in words:
        groups.setdefault((word.about, topic(word.subject)), []).append(word)
    return [_judged(group, judge) for group in groups.values() if len(_gists(group)) > 1]


def load(data: JsonObject) -> Contradiction:
    """Return the contradiction that the data of an event tells of."""
    return Contradiction.model_validate({name: data[name] for name in Contradiction.model_fields})


def read(events: Iterable[JsonObject]) -> list[Contradiction]:
    """Return every contradiction that the events tell of, in order, each as it stands now."""
    told = (load(event["data"]) for event in events if event["kind"] == "contradiction")
    return list({item.id: item for item in told}.values())


def unsettled(told: Iterable[Contradiction]) -> list[Contradiction]:
    """Return the open ones, without those whose sides are all in another open one, with which they will be settled."""
    opened = [item for item in told if item.state == "open"]
    sides = {item.id: {side.id for side in item.sides} for item in opened}
    return [item for item in opened if not any(sides[item.id] < others for others in sides.values())]


def _judged(group: Sequence[Word], judge: Judge) -> Contradiction:
    ranks = [judge.rank(word) for word in group]
    best = min(ranks)
    top = [word for word, place in zip(group, ranks, strict=True) if place == best]
    about, subject = group[0].about, " ".join(group[0].subject.split())
    if len(_gists(top)) > 1:
        if len({word.side.agent for word in top}) > 1:
            reason = f"their authors rank alike ({TABLE[best].name})"
            sides = tuple(word.side for word in top)
            return Contradiction(about=about, subject=subject, sides=sides, state="open", reason=reason)
        kept, rule, why = top[-1].side, LATER_WORD, "its author's later word"
    else:
        kept, rule, why = top[0].side, TABLE[best].name, TABLE[best].text
    losers = [word.side for word in group if gist(about, word.side.text) != gist(about, kept.text)]
    return Contradiction(
        about=about,
        subject=subject,
        sides=(kept, *losers),
        state="resolved",
        kept=kept.id,
        by=kept.agent,
        rule=rule,
        reason=f"{why}: {kept.agent} ({kept.task}) over {_names(losers)}",
    )


def _names(sides: Iterable[Side]) -> str:
    return ", ".join(f"{side.agent} ({side.task})" for side in sides)


def _gists(words: Iterable[Word]) -> set[str]:
    return {gist(word.about, word.side.text) for word in words}
