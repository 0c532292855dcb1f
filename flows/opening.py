"""Opening a run: what is asked for, what already stands, and everything the steps need, held for one run."""

import asyncio
import secrets
import sys
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from agents import brief, roster
from agents.models.playbook import Playbook
from orchestrator import plan as plans
from orchestrator import sandbox as sandboxes
from orchestrator import selftest, settings, taskkey, toolchain
from orchestrator.errors import HomeBusyError, InputError, UnsupportedError
from orchestrator.events import Events
from orchestrator.home import Home, exclusive, holder, project_record
from orchestrator.models import Agent, Frozen, Plan, now
from orchestrator.sandbox import Sandbox
from orchestrator.workspace import Repository
from tasks.heed import heed
from tasks.run import Approve, Run
from tasks.settle import publish, settle


class Order(Frozen):
    """What a command asks a run to work with."""

    home: Path
    plan: Path | None = None
    """The plan's file; none means the one that the home was made for."""
    playbook: Path | None = None
    """The folder of scripted turns; none means the plan's own."""
    slots: int = 4
    """How many tasks are under way at once."""
    barrier: bool = False
    """Whether a phase begins only when the one before it has ended."""
    without_sandbox: bool = False
    approve: Approve = "agent"
    """Who approves designs: the agent whom the policy names, or the user, who is asked."""
    agents: dict[str, str] = {}
    """Tasks that another agent than the plan's is to do, and that agent, by any of its names."""


class Prepared(Frozen):
    """What stands before a run begins: all of it read, none of it locked."""

    model_config = {"arbitrary_types_allowed": True}

    order: Order
    home: Home
    project: Path
    plan: Plan
    agents: dict[str, Agent]
    keys: dict[str, str]
    model: Playbook
    chosen: dict[str, str]
    """Who is to do a task instead of the agent that the plan names."""
    merged: frozenset[str]
    """The tasks whose present key has landed."""


def prepare(order: Order) -> Prepared:
    """Read the home, plan, agents and history that a run would work with.

    Raises:
        InputError: one of them is missing or wrong.
    """
    home = Home(order.home)
    record = project_record(home)
    plan = plans.load(order.plan or Path(record["plan"]))
    project = Path(record["project"])
    names = [entry.id for entry in plan.agents]
    agents = roster.load(names, project)
    model = _model(order, plan)
    keys = taskkey.keys(plan, agents, model.parameters, brief.version())
    landed = Repository(home).landed()
    merged = frozenset(task for task, key in keys.items() if key in landed)
    return Prepared(
        order=order,
        home=home,
        project=project,
        plan=plan,
        agents=agents,
        keys=keys,
        model=model,
        chosen=_chosen(order, plan),
        merged=merged,
    )


def require_turns(prepared: Prepared, tasks: Collection[str]) -> None:
    """Refuse a run whose playbook has no turns for some of its tasks.

    Raises:
        InputError: names those tasks.
    """
    uncovered = [t.id for t in prepared.plan.tasks if t.id in tasks and not prepared.model.covers(t.id)]
    if uncovered:
        shown = ", ".join(uncovered[:8]) + (f" and {len(uncovered) - 8} more" if len(uncovered) > 8 else "")
        raise InputError(
            f"{prepared.model.folder}: the playbook has no turns for {shown}; add them or select other tasks"
        )


def require_sandbox(prepared: Prepared) -> sandboxes.Level:
    """Return how what agents and gates run will be isolated; starts one command to find out.

    Raises:
        UnsupportedError: there is no sandbox, and neither the order nor where the turns come from makes up for it.
    """
    return _detected(prepared).level


@asynccontextmanager
async def opened(order: Order, command: str, say: Callable[[str], None]) -> AsyncGenerator[tuple[Prepared, Run]]:
    """Hold the home and give what the steps of one run share; everything is closed at the end.

    Raises:
        HomeBusyError: another run holds the home.
        UnsupportedError: there is no sandbox, or the toolchain cannot be built.
    """
    with exclusive(Home(order.home), command):
        prepared = prepare(order)
        repository = Repository(prepared.home)
        await asyncio.to_thread(repository.sweep)
        sandbox, tools = await asyncio.gather(_sandbox(prepared), _toolchain(prepared.plan, say))
        run = Run(
            name=new_name(),
            home=prepared.home,
            plan=prepared.plan,
            agents=prepared.agents,
            keys=prepared.keys,
            model=prepared.model,
            repository=repository,
            sandbox=sandbox,
            toolchain=tools,
            project=prepared.project,
            chosen=prepared.chosen,
            approve=order.approve,
        )
        try:
            with _threads_ended():
                settle(run.home, prepared.project, run.agents, run.events, repository)
                heed(run.home, run.events)
                yield prepared, run
        finally:
            run.close()


@contextmanager
def _threads_ended() -> Generator[None]:
    """Let what threads do come to its end before anything is closed: a wait that is cancelled does not stop them."""
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor()
    loop.set_default_executor(threads)
    try:
        yield
    finally:
        threads.shutdown()
        loop.set_default_executor(ThreadPoolExecutor())


def make_up(prepared: Prepared) -> None:
    """Make up for what a run left undone that was killed after its last merge; needs no sandbox and no server.

    A run that holds the home has done so itself.
    """
    if holder(prepared.home) is not None:
        return
    with exclusive(prepared.home, "make up for a killed run"):
        repository, events = Repository(prepared.home), Events(prepared.home, new_name())
        try:
            repository.sweep()
            if settle(prepared.home, prepared.project, prepared.agents, events, repository):
                publish(prepared.home, prepared.plan, prepared.agents, prepared.merged, events)
        finally:
            events.close()


def take_in_words(home: Home) -> None:
    """Take what the user decided into the journal at once; a run that holds the home does so itself."""
    try:
        with exclusive(home, "take in your word"):
            events = Events(home, new_name())
            try:
                heed(home, events)
            finally:
                events.close()
    except HomeBusyError:
        pass  # the run that holds the home looks for words


def new_name() -> str:
    """Return the name of a new run: when it began, and a few digits of chance."""
    return f"{now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _chosen(order: Order, plan: Plan) -> dict[str, str]:
    """Return who does a task instead of the plan's agent; like a backup, it does the same work under the same key."""
    chosen = {plans.task(plan, task_id).id: plans.agent(plan, name) for task_id, name in order.agents.items()}
    for task_id, name in chosen.items():
        if name in plans.task(plan, task_id).reviewers:
            raise InputError(f"{name} reviews task {task_id}, so it cannot do it; choose another agent")
    return chosen


def _model(order: Order, plan: Plan) -> Playbook:
    folder = order.playbook or (plan.source.parent / plan.playbook if plan.playbook else None)
    if folder is None:
        raise InputError(f"{plan.source}: the plan names no playbook; add `playbook: DIR` or give --playbook DIR")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such playbook folder; give another with --playbook DIR")
    return Playbook(folder.absolute())


async def _sandbox(prepared: Prepared) -> Sandbox:
    """Return the sandbox to work in, tested; none only by choice, or for the turns that come with the product."""
    found = await asyncio.to_thread(_detected, prepared)
    if found.level == "none":
        return found
    try:
        await selftest.self_test(found)
    except UnsupportedError as error:
        return _without(prepared, error)
    return found


def _detected(prepared: Prepared) -> Sandbox:
    if prepared.order.without_sandbox:
        return sandboxes.without()
    try:
        return sandboxes.detect()
    except UnsupportedError as error:
        return _without(prepared, error)


def _without(prepared: Prepared, error: UnsupportedError) -> Sandbox:
    """Do without a sandbox where every turn comes with the product; elsewhere raise the error that says why not."""
    if prepared.model.folder != (settings.BUNDLED_PLAN.parent / "playbook").absolute():
        raise error
    return sandboxes.without()


async def _toolchain(plan: Plan, say: Callable[[str], None]) -> toolchain.Toolchain:
    if plan.toolchain is None:
        python = Path(sys.base_prefix) / "bin" / "python3"
        return toolchain.Toolchain(python, toolchain.interpreter(), "none")
    return await toolchain.prepare(plan.source.parent / plan.toolchain, settings.cache_folder(), say)
