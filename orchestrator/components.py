"""Components as a review sees them: by which name, what of them has landed, and which files are theirs."""

from orchestrator import names
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, Component, Frozen, Plan
from orchestrator.workspace import Repository


class Subject(Frozen):
    """A component at the head of the integration branch: what there is of it to judge."""

    component: int
    name: str
    commit: str
    tree: str
    base: str
    """The commit before the first of its merges."""
    tasks: tuple[str, ...]
    """Its tasks that have landed, in the plan's order."""
    files: tuple[str, ...]
    """What its merges touched and the tree still holds."""

    @property
    def session_task(self) -> str:
        """Return what its sessions, events and playbook folder bear where a task's id would stand."""
        return f"component-{self.component}"


def find(plan: Plan, name: str) -> Component:
    """Return the component of that number or name, in any case.

    Raises:
        InputError: the plan has none.
    """
    for component in plan.components:
        if names.fold(name) in {str(component.number), names.fold(component.name)}:
            return component
    hint = names.hint(name, [component.name for component in plan.components])
    raise InputError(f"there is no component `{name}` in {plan.name}{hint} (`mbo status --detailed` lists all)")


def subject(plan: Plan, component: Component, repository: Repository) -> Subject:
    """Return what there is of a component at the head of the branch; merges of earlier forms of its tasks count too.

    Raises:
        InputError: none of its tasks has landed.
    """
    own = [task.id for task in plan.tasks if task.component == component.number]
    landed = [landing for landing in repository.landed().values() if landing.task in own]
    if not landed:
        what = f"component {component.number} ({component.name})"
        raise InputError(f"{what}: none of its tasks is merged, so there is nothing to review; have them done first")
    touched = {path for one in landed for path in repository.changes(f"{one.commit}^1", one.commit).paths}
    head = repository.head()
    there = {landing.task for landing in landed}
    return Subject(
        component=component.number,
        name=component.name,
        commit=head,
        tree=repository.tree(head),
        base=f"{landed[-1].commit}^1",
        tasks=tuple(task_id for task_id in own if task_id in there),
        files=tuple(path for path in repository.files(head) if path in touched),
    )


def as_task(plan: Plan, about: Subject) -> BuildTask:
    """Return the component as one task, for those who know of tasks only: a model's parameters, a system prompt.

    Its id is none that a plan may hold, which is why it is copied and not validated.
    """
    own = [task for task in plan.tasks if task.id in about.tasks]
    kinds = {task.kind for task in own}
    changes = {
        "id": about.session_task,
        "title": f"Component {about.name}",
        "kind": "design" if kinds == {"design"} else "code",
        "deps": about.tasks,
        "reviewers": (),
        "accept": tuple(line for task in own for line in task.accept),
        "writes": (),
    }
    return own[0].model_copy(update=changes)
