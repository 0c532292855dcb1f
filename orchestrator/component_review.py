"""What a component review is made of, as keys: the same subject, evidence and reviewers are never judged twice."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator import planrules
from orchestrator.components import Subject
from orchestrator.events import Events
from orchestrator.inspection.kinds import KINDS
from orchestrator.inspection.tools import REQUIREMENTS
from orchestrator.models import Frozen, GateCommand, Inspection, JsonObject, Plan, SessionRef, Usage, Verdict, digest
from orchestrator.plan import gate


class Asked(Frozen):
    """A review that is asked for: of what, by whom, and everything else that can change its verdicts."""

    subject: Subject
    people: dict[str, str]
    """The reviewers, each with the digest of its definition."""
    prompts: str
    """Digest of all prompts."""
    model: JsonObject
    """Which model judges, and with which parameters."""
    powers: dict[str, str]
    commands: tuple[GateCommand, ...]
    """The commands of the gates of its tasks that run tests, each once."""
    setting: str
    """Digest of what evidence depends on, the tree left aside."""

    def inspection_id(self, kind: str) -> str:
        """Return the id of the event that holds one kind of evidence."""
        return f"{self.subject.session_task}/inspection/{kind}/{self.subject.tree[:16]}/{self.setting[:8]}"

    def session(self, reviewer: str, evidence: Sequence[Inspection], review: int) -> SessionRef:
        """Return the session in which a reviewer judges the subject by this evidence."""
        key = digest(
            {
                "subject": self.subject.model_dump(mode="json", exclude={"commit"}),
                "agent": self.people[reviewer],
                "evidence": [found.model_dump(mode="json", exclude={"seconds", "note"}) for found in evidence],
                "prompts": self.prompts,
                "model": self.model,
                "powers": self.powers,
            }
        )
        return SessionRef(task=self.subject.session_task, key=key, role="review", agent=reviewer, round=review)

    def review_id(self, evidence: Sequence[Inspection]) -> str:
        """Return the id of the event that holds what came of the review by this evidence."""
        keys = sorted(self.session(reviewer, evidence, 1).key for reviewer in self.people)
        return f"{self.subject.session_task}/review/{digest(keys)[:16]}"

    def standing(self, evidence: Sequence[Inspection], events: Iterable[JsonObject]) -> str | None:
        """Return the id of this very review by this evidence; None where it is not on record, or not the last word.

        A reviewer has said something else since where the component came back to what it had been before.
        """
        review, people = self.review_id(evidence), self.people
        last: dict[str, str] = {}
        found = None
        for event in events:
            if event["kind"] == "verdict" and event.get("task") == self.subject.session_task:
                last[event["agent"]] = event["key"]
            if event["kind"] == "component_review" and event["id"].partition("/again-")[0] == review:
                found = event["id"]
        stands = all(last.get(name) == self.session(name, evidence, 1).key for name in people)
        return found if stands else None

    def recorded(self, journal: Mapping[str, JsonObject]) -> str | None:
        """Return the id of this very review if it stands on record, with all of its evidence; `journal` is by id."""
        found = [journal.get(self.inspection_id(kind.name)) for kind in KINDS]
        evidence = [inspection(event["data"]) for event in found if event is not None]
        return self.standing(evidence, journal.values()) if len(evidence) == len(KINDS) else None


def ask(
    plan: Plan,
    about: Subject,
    *,
    people: Mapping[str, str],
    prompts: str,
    model: JsonObject,
) -> Asked:
    """Return the review of a subject by these people."""
    own = [task for task in plan.tasks if task.id in about.tasks]
    commands = tuple(dict.fromkeys(command for task in own for command in gate(plan, task) if command.tests))
    setting = {
        "files": list(about.files),
        "commands": [command.model_dump(mode="json") for command in commands],
        "environment": plan.environment,
        "toolchain": (plan.source.parent / plan.toolchain).read_text(encoding="utf-8") if plan.toolchain else "",
        "tools": REQUIREMENTS.read_text(encoding="utf-8"),
    }
    return Asked(
        subject=about,
        people=dict(people),
        prompts=prompts,
        model=model,
        powers={power: getattr(plan.policy, power) for power in planrules.POWERS},
        commands=commands,
        setting=digest(setting),
    )


def inspection(data: JsonObject) -> Inspection:
    """Return the evidence that an event holds."""
    return Inspection.model_validate({name: data[name] for name in Inspection.model_fields if name in data})


def given(events: Events, session: SessionRef) -> Verdict | None:
    """Return the verdict that a reviewer has given on the same by the same evidence; None where it has given none.

    Where its newest word on the component is another, this one is said again, so that it counts from now on.
    """
    about = (session.task, session.agent)
    own = [event for event in events.all("verdict") if (event.get("task"), event.get("agent")) == about]
    same = [event for event in own if event["key"] == session.key]
    if not same:
        return None
    verdict = Verdict.model_validate(same[0]["data"])
    if own[-1]["key"] != session.key:
        again = verdict.model_copy(update={"session": session, "usage": Usage()})  # what it cost is counted once
        events.record("verdict", f"{session.id}/verdict/{events.run}", again.model_dump(mode="json"), session=session)
    return verdict
