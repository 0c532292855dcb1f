"""The plan as it stands in its file: phases, components, tasks, workflows, agents, gates and policy."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.models.talk import Action, Artifact
from orchestrator.models.value import Frozen

Kind = Literal["design", "code", "test", "doc"]
Priority = Literal["low", "medium", "high", "critical"]
TaskStage = Literal["planning", "implementation", "integration", "review"]
"""The stages that a component goes through, in this order."""
TaskId = Annotated[str, StringConstraints(pattern=r"^[1-9]\d*\.[1-9]\d*$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Phase(Frozen):
    """A stretch of the plan; `tasks` is how many tasks it must hold."""

    number: int = Field(ge=1)
    name: Text
    tasks: int = Field(ge=0)


class Component(Frozen):
    """A part of the product being built; tasks `N.*` belong to component `N`."""

    number: int = Field(ge=1)
    name: Text
    phase: int = Field(ge=1)


class RosterEntry(Frozen):
    """An agent as the plan names it; its definition is a Markdown file of the same id."""

    id: Text
    label: Text
    category: Text
    priority: Priority = "medium"
    aliases: tuple[Text, ...] = ()


class GateCommand(Frozen):
    """One command of a gate, run by us in a clean checkout.

    `run` is an argument vector; `{python}` stands for the toolchain's interpreter and `{report}` for the
    path of the JUnit report that a `tests` command must write. `seconds` bounds it.
    """

    name: Text
    run: tuple[str, ...] = Field(min_length=1)
    tests: bool = False
    seconds: int = Field(default=300, ge=1)


class BuildTask(Frozen):
    """One unit of the plan: id `N.M`, its agent, what it must deliver and what it waits for."""

    id: TaskId
    phase: int
    component: int
    component_name: Text
    title: Text
    agent: Text
    kind: Kind
    effort: int = Field(ge=1, le=3)
    deps: tuple[TaskId, ...] = ()
    after: tuple[TaskId, ...] = ()
    """Tasks that come first where they can; when one of them fails, this one goes on with a note."""
    reviewers: tuple[Text, ...] = ()
    accept: tuple[Text, ...] = Field(min_length=1)
    gate: Text | None = None
    """The gate's name; none means the gate of the task's kind."""
    writes: tuple[Text, ...] = ()
    """Protected paths that this task may change all the same, such as `pyproject.toml`, in the form of `protected`.

    Tests and contracts of other tasks stay out of its reach.
    """
    stage: TaskStage | None = None
    """The stage of its component that it belongs to; none means the one of its kind."""
    paths: tuple[Text, ...] = ()
    """Files and folders that this task may write, besides tests; none means everything that is not protected."""
    declares: tuple[Text, ...] = ()
    """Names of the contracts that this design task writes, each as `contracts/<name>.yaml`."""
    produces: tuple[Text, ...] = ()
    """Names of the contracts that this task's work makes true."""
    consumes: tuple[Text, ...] = ()
    """Names of the contracts that this task relies on, whether or not they are true yet."""


class Stage(Frozen):
    """A step of a workflow's chain and the tasks that make it up."""

    label: Text
    tasks: tuple[TaskId, ...] = Field(min_length=1)


class Workflow(Frozen):
    """A named chain of tasks with side tasks; `path` is the chain's tasks in order."""

    name: Text
    chain: tuple[Text, ...] = Field(min_length=1)
    stages: tuple[Stage, ...] = Field(min_length=1)
    side_tasks: tuple[TaskId, ...] = ()
    path: tuple[TaskId, ...] = Field(min_length=1)
    then: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the ids of the workflow's path, then of its side tasks."""
        return self.path + self.side_tasks


class Policy(Frozen):
    """Who holds which power, and the bounds every task runs under."""

    planning_approver: Text
    design_final_say: Text
    implementation_veto: Text
    release_block: Text
    deadlock: Text
    integration: Text
    default_reviewers: dict[str, tuple[Text, ...]] = {}
    release_gates: tuple[TaskId, ...] = ()
    message_for_kind: dict[Kind, tuple[Action, Artifact]] = {}
    """What a message about a task of this kind asks for, and of what; none means to implement code."""
    effort_points: dict[str, str] = {}
    revise_rounds: int = Field(default=3, ge=0, le=10)
    """How often an answer may be sent back before its agent is replaced."""
    breaker: int = Field(default=3, ge=1)
    """So many tasks of a run that fail in the same way stop the run from starting more."""
    protected: tuple[Text, ...] = ()
    """Paths that no task may change unless its own `writes` names them, besides those that are always protected.

    One without a slash counts in every folder, one with a slash from the root, a folder with all that is in it.
    """


class Plan(Frozen):
    """A whole plan, checked: ids are unique, every name resolves, dependencies have no cycle."""

    version: Literal[1]
    name: Text = "plan"
    phases: tuple[Phase, ...]
    components: tuple[Component, ...]
    agents: tuple[RosterEntry, ...]
    ambiguous_aliases: dict[str, tuple[Text, ...]] = {}
    policy: Policy
    workflows: tuple[Workflow, ...] = ()
    tasks: tuple[BuildTask, ...]
    gates: dict[str, tuple[GateCommand, ...]] = {}
    environment: dict[str, str] = {}
    """Variables that the commands of agents and gates run with, such as `PYTHONPATH`."""
    toolchain: str | None = None
    """Hash-pinned requirement file of the built project, relative to the plan."""
    specification: str | None = None
    """What is to be built, for the agents; a Markdown file relative to the plan."""
    playbook: str | None = None
    """Folder of scripted turns, relative to the plan."""
    demo: str | None = None
    """Script that proves the built product works, relative to the plan."""
    source: Path = Field(default=Path(), exclude=True)
    """The file this plan was read from; not part of the plan's content."""
