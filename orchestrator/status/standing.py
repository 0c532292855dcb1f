"""Where every task of a plan stands now, and the one reason why it waits, read from the project journal."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from orchestrator import recovery
from orchestrator.authority import USER
from orchestrator.events import read_events
from orchestrator.home import Home, holder
from orchestrator.models import BuildTask, Frozen, JsonObject, Plan
from orchestrator.plan import dependents, digest, prerequisites
from orchestrator.schedule import Schedule, waits_for_user
from orchestrator.status import objections, waits
from orchestrator.status.doing import doing
from orchestrator.status.lastrun import LastRun, last_build, last_run, of_run
from orchestrator.status.objections import Objection
from orchestrator.status.waits import Wait

State = Literal["merged", "running", "failed", "waiting"]


class Standing(Frozen):
    """Where one task stands: its state, and the reason in words."""

    task: str
    state: State
    reason: str
    since: str = ""
    """When the work on it began, while it runs; else since when the reason holds, where that is known."""
    lifted_by: str = ""
    """What ends the wait or mends the failure, where that is a word or an act of somebody."""


class Board(Frozen):
    """Where a whole plan stands."""

    tasks: tuple[Standing, ...]
    held_by: JsonObject | None
    """What the process that holds the home says of itself, if one does; it need not run tasks yet, or any more."""
    last_run: LastRun | None
    """The newest run, be it a review."""
    last_build: LastRun | None
    """The newest run that was to have tasks merged: what the tasks' reasons are about."""
    is_other_plan: bool
    """Whether the newest build ran another plan, or an earlier form of this one."""

    @property
    def is_running(self) -> bool:
        """Tell whether a run is under way, of whatever kind."""
        return self.last_run is not None and self.last_run.ending == "running"

    @property
    def is_building(self) -> bool:
        """Tell whether a run that has tasks merged is under way."""
        return self.last_build is not None and self.last_build.ending == "running"

    @property
    def scope(self) -> frozenset[str]:
        """Return the tasks that the end hangs on: those of the build under way, else all."""
        of_build = self.last_build.tasks if self.last_build and self.is_building and not self.is_other_plan else ()
        return frozenset(of_build) or frozenset(item.task for item in self.tasks)

    @property
    def left(self) -> tuple[str, ...]:
        """Return the tasks in scope that are not merged."""
        return tuple(item.task for item in self.tasks if item.state != "merged" and item.task in self.scope)

    def count(self, state: State) -> int:
        """Return how many tasks are in a state."""
        return sum(standing.state == state for standing in self.tasks)


def read(home: Home, plan: Plan) -> Board:
    """Return where the plan stands; beside a running build as well."""
    return board(plan, list(read_events(home)), holder(home))


def board(
    plan: Plan, events: Sequence[JsonObject], held_by: JsonObject | None = None, plan_digest: str | None = None
) -> Board:
    """Return where the plan stands after these events, while the process `held_by` holds the home.

    `plan_digest` is the digest of a plan that does not hold all that was digested.
    """
    last = last_run(events, held_by)
    build = last_build(events, last)
    is_other_plan = build is not None and build.plan != (plan_digest or digest(plan))
    own = of_run(events, build) if build and build.ending == "running" else []
    ended = _ended(events)
    waiting = waits.standing(plan, events)
    resting = {task for task, wait in waiting.items() if wait.cause in waits.RESTING}
    running = {task: found for task, found in _running(own, plan).items() if task not in resting}
    retried = {task for task in _selected(own, plan) if task not in _ended(own)} - set(running)
    failed = {task: e for task, e in ended.items() if e["kind"] == "outcome" and task not in retried}
    merged = {task: e["data"]["commit"] for task, e in ended.items() if e["kind"] == "merged"}
    reasons = {task.id: _reason(task, plan, merged, failed) or _free(task, events, own, build) for task in plan.tasks}
    if own and not is_other_plan:
        reasons |= _in_run(own, plan)
    reasons |= _behind_holds(plan, waiting, merged, failed)
    against = objections.standing(events)
    lifted_by = {task: _lifted_by(event, against.get(task)) for task, event in failed.items()}
    tasks = tuple(
        _standing(task, running, merged, failed, lifted_by, reasons[task.id], _wait(task, waiting, merged))
        for task in plan.tasks
    )
    return Board(
        tasks=tasks,
        held_by=held_by,
        last_run=last,
        last_build=build,
        is_other_plan=is_other_plan,
    )


def _standing(
    task: BuildTask,
    running: Mapping[str, Sequence[JsonObject]],
    merged: Mapping[str, str],
    failed: Mapping[str, JsonObject],
    lifted_by: Mapping[str, str],
    reason: str,
    wait: Wait | None,
) -> Standing:
    if task.id in running:
        seen = running[task.id]
        told = wait.reason if wait else doing(seen, task.reviewers)
        return Standing(task=task.id, state="running", reason=told, since=seen[0]["time"])
    if task.id in merged:
        return Standing(task=task.id, state="merged", reason=f"merged as {merged[task.id][:12]}")
    if task.id in failed:
        event, lift = failed[task.id], lifted_by[task.id]
        return Standing(
            task=task.id, state="failed", reason=event["data"]["reason"], since=event["time"], lifted_by=lift
        )
    if wait:
        return Standing(task=task.id, state="waiting", reason=wait.reason, since=wait.since, lifted_by=wait.lifted_by)
    return Standing(task=task.id, state="waiting", reason=reason)


def _lifted_by(failure: JsonObject, objection: Objection | None) -> str:
    """Return what mends a failure: what lifts the veto or block behind it, else another try that comes out well."""
    if objection:
        return objection.lifted_by
    return f"{recovery.lifted_by(failure['data'].get('failure'))}: `mbo execute --task-id {failure['task']}`"


def _wait(task: BuildTask, waiting: Mapping[str, Wait], merged: Collection[str]) -> Wait | None:
    """Return what a task waits for beside other tasks; a hold stops only what could start but for it."""
    wait = waiting.get(task.id)
    return None if wait and wait.cause == "hold" and any(dep not in merged for dep in task.deps) else wait


def _behind_holds(
    plan: Plan, waiting: Mapping[str, Wait], merged: Collection[str], failed: Collection[str]
) -> dict[str, str]:
    """Return the reason of each task that waits for a release that is held, and for no failure."""
    waits_so = ((task, _wait(task, waiting, merged)) for task in plan.tasks if task.id not in merged)
    held = [task.id for task, wait in waits_so if wait and wait.cause == "hold"]
    return {
        behind: f"waits for {release}, whose release is held"
        for release in held
        for behind in dependents(plan, [release])
        if prerequisites(plan, [behind]).isdisjoint(failed)
    }


def _ended(events: Sequence[JsonObject]) -> dict[str, JsonObject]:
    """Return for each task the newest event that says it merged or failed."""
    return {event["task"]: event for event in events if _is_end(event)}


def _is_end(event: JsonObject) -> bool:
    return event["kind"] == "merged" or (event["kind"] == "outcome" and event["data"]["status"] == "failed")


def _running(own: Sequence[JsonObject], plan: Plan) -> dict[str, list[JsonObject]]:
    """Return the events of each task that a run has begun and not ended."""
    known = {task.id for task in plan.tasks}
    seen: dict[str, list[JsonObject]] = {}
    for event in own:
        if event.get("task") in known:
            seen.setdefault(event["task"], []).append(event)
    return {task: found for task, found in seen.items() if not _rests(found)}


def _rests(found: Sequence[JsonObject]) -> bool:
    """Tell whether a task has ended, or was put back until another has or the user has spoken."""
    is_over = any(event["kind"] == "outcome" for event in found)
    return is_over or found[-1]["kind"] == "deferred" or _waits_for_user(found)


def _waits_for_user(seen: Sequence[JsonObject]) -> bool:
    """Tell whether the newest word about a task's approval is that the user is asked."""
    kinds = ("approval_requested", "approval")
    last = next((event for event in reversed(seen) if event["kind"] in kinds), None)
    return last is not None and last["kind"] == "approval_requested" and last["data"]["by"] == USER


def _selected(own: Sequence[JsonObject], plan: Plan) -> frozenset[str]:
    asked = next((event["data"]["tasks"] for event in own if event["kind"] == "run_started"), ())
    return frozenset(asked) & {task.id for task in plan.tasks}


def _free(task: BuildTask, events: Sequence[JsonObject], own: Sequence[JsonObject], build: LastRun | None) -> str:
    """Return why a task that waits for no other has not begun."""
    if own:
        return "not part of this run"
    if build and build.pause and task.id in build.tasks:
        return f"the run is paused: {build.pause}; the same command goes on"
    has_begun = any(event["kind"] == "session_started" and event["task"] == task.id for event in events)
    return "begun; the next run goes on with it" if has_begun else "ready to start"


def _reason(task: BuildTask, plan: Plan, merged: Collection[str], failed: Collection[str]) -> str:
    """Return which other task a task waits for, whatever runs; nothing where it waits for none."""
    left = [dep for dep in task.deps if dep not in merged]
    if not left:
        soft = next((name for name in task.after if name not in merged and name not in failed), None)
        return f"waits for {soft} (soft)" if soft else ""
    behind = prerequisites(plan, [task.id]) if failed else frozenset[str]()
    culprit = next((name for name in failed if name in behind), None)
    if culprit:
        return f"waits for {culprit}, which failed"
    if len(left) == 2:
        return f"waits for {left[0]} and {left[1]}"
    return f"waits for {left[0]}" + (f" and {len(left) - 1} more" if len(left) > 1 else "")


def _in_run(own: Sequence[JsonObject], plan: Plan) -> dict[str, str]:
    """Return why each task that the run is to do waits, by going through what has begun and ended in its order."""
    data = next(event["data"] for event in own if event["kind"] == "run_started")
    schedule = Schedule(plan, data["tasks"], data["merged"], data["slots"], barrier=data.get("barrier", False))
    for event in own:
        _replay(schedule, event)
    return schedule.waiting()


def _replay(schedule: Schedule, event: JsonObject) -> None:
    task = event.get("task")
    if event["kind"] == "breaker":
        schedule.hold(event["data"]["reason"])
    if task is None:
        return
    if event["kind"] == "deferred" and task in schedule.running:
        if schedule.defer(task, event["data"]["on"]):
            schedule.go_on(task)
        return
    if task not in schedule.running and task in {ready.id for ready in schedule.ready()}:
        schedule.start(task)
    match event["kind"]:
        case "outcome" if task in schedule.running:
            schedule.finish(task, event["data"]["status"] == "merged")
        case "approval_requested" if task in schedule.running and event["data"]["by"] == USER:
            schedule.pause(task, waits_for_user(task))
        case "approval":
            schedule.resume(task)
        case _:
            pass
