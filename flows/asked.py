"""What a review is asked for, made from what stands before a run; light, so that the command line can ask first."""

from collections.abc import Sequence

from agents import brief
from flows.opening import Prepared
from orchestrator import component_review, components, reviewers, taskkey
from orchestrator.component_review import Asked
from orchestrator.errors import InputError
from orchestrator.workspace import Repository


def ask(prepared: Prepared, component: str, words: Sequence[str]) -> Asked:
    """Return the review of a component, by number or name, by the reviewers that `words` name.

    Raises:
        InputError: there is no such component or reviewer, or nothing of the component is merged.
    """
    plan = prepared.plan
    found = components.find(plan, component)
    chosen = reviewers.chosen(plan, words)
    subject = components.subject(plan, found, Repository(prepared.home))
    return component_review.ask(
        plan,
        subject,
        people={name: taskkey.person(prepared.agents[name]) for name in chosen},
        prompts=brief.version(),
        model=prepared.model.parameters(components.as_task(plan, subject)),
    )


def require_verdicts(prepared: Prepared, asked: Asked) -> None:
    """Refuse a review whose playbook has no turns for some of its reviewers.

    Raises:
        InputError: names the files that are missing.
    """
    place = asked.subject.session_task
    missing = [f"{place}/review.{name}.yaml" for name in asked.people if not prepared.model.reviews(place, name)]
    if missing:
        raise InputError(
            f"{prepared.model.folder}: the playbook has no {', '.join(missing)}; add them or choose others"
        )
