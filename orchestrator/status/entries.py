"""The events of a task, each in words."""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.holds import Hold
from orchestrator.models import Frozen, JsonObject

_ROUNDS = {
    "start": "the first of this attempt",
    "gate": "its checks were red",
    "review": "changes were requested",
    "conflict": "it conflicted with what landed meanwhile",
    "deadlock": "the coordinator decided on another round",
}
"""Why a round begins, by its cause."""


class Entry(Frozen):
    """One thing that happened."""

    time: str
    kind: str
    agent: str
    text: str
    details: tuple[str, ...] = ()
    """What belongs to it, a line each: findings, files, the digest of a check's output."""
    output: str | None = None
    """The digest of a red check's output, which is kept."""


def retold(event: JsonObject) -> Entry | None:
    """Return an event in words; None where it tells nothing about why a task is where it is."""
    told = _TOLD.get(event["kind"])
    return told(event) if told else None


def entry(event: JsonObject, kind: str, text: str, details: Sequence[str] = (), output: str | None = None) -> Entry:
    """Return an entry of this kind at the moment of an event, its text in one line."""
    line = " ".join(text.split())
    agent = event.get("agent", "")
    return Entry(time=event["time"], kind=kind, agent=agent, text=line, details=tuple(details), output=output)


def held(event: JsonObject, hold: Hold) -> Entry:
    """Return the verdict that puts a hold, in words."""
    told = f"component {hold.component} is held by the {hold.power} of {hold.by}: {hold.reason}"
    return entry(event, "hold", told, [f"lifted by {hold.lifts}"])


def freed(event: JsonObject, hold: Hold) -> Entry:
    """Return the verdict that lifts a hold, in words."""
    review = event["data"]["session"]["round"]
    told = f"component {hold.component} is free of {hold.by}'s hold: {hold.by} approves in review {review}"
    return entry(event, "hold", told)


def _attempt(event: JsonObject) -> Entry:
    return entry(event, "attempt", f"{event['data']['attempt']}, by {event['agent']}")


def _session(event: JsonObject) -> Entry | None:
    data = event["data"]
    if data["role"] != "work":
        return None  # its verdict tells it
    why = _ROUNDS.get(data["cause"], data["cause"])
    return entry(event, "round", f"{data['attempt']}.{data['round']}, by {event['agent']}: {why}")


def _resumed(event: JsonObject) -> Entry:
    return entry(event, "resumed", f"{event['agent']} goes on with its session after a run was cut off")


def _ended(event: JsonObject) -> Entry | None:
    data = event["data"]
    if data["ended_by"] in ("finish", "verdict", "resolve"):
        return None
    told = f"{event['agent']}'s session ended by {data['ended_by']}: {data['detail']}"
    return entry(event, "cut short", told)


def _answer(event: JsonObject) -> Entry:
    data = event["data"]
    lines = f"+{data['lines_added']} -{data['lines_removed']} lines in {len(data['files'])} files"
    return entry(event, "answer", f"{data['commit'][:12]}, {lines}: {data['summary']}")


def _check(event: JsonObject) -> Entry:
    data = event["data"]
    where = " on the merged tree" if data["stage"] == "merged" else ""
    if data.get("problem"):
        told = f"{data['name']} is red{where}: {data['problem']}"
        return entry(event, "check", told, [f"command: {data['command']}"], data.get("output"))
    tests = f", {data['tests_passed']} of {data['tests_ran']} tests passed" if data.get("tests_ran") else ""
    return entry(event, "check", f"{data['name']} is green{where}{tests}")


def _verdict(event: JsonObject) -> Entry:
    data = event["data"]
    word = data["decision"].replace("_", " ")
    return entry(event, "verdict", f"{event['agent']}: {word}: {data['summary']}", _findings(data))


def _findings(data: JsonObject) -> list[str]:
    return [" ".join(f"{item['severity']} {_place(item)}{item['text']}".split()) for item in data.get("findings") or ()]


def _place(finding: JsonObject) -> str:
    if not finding.get("path"):
        return ""
    return f"{finding['path']}:{finding['line']}: " if finding.get("line") else f"{finding['path']}: "


def _ruling(event: JsonObject) -> Entry:
    """Tell a ruling without what its verdicts said, which stands above it."""
    data = event["data"]
    why, by = data["reason"].partition(":")[0], "".join(f", by {name}" for name in data["by"][:1])
    more = f" and {len(data['by']) - 1} more" if len(data["by"]) > 1 else ""
    return entry(event, "ruling", f"{data['decision']}: {why} (rule {data['rule']}{by}{more})")


def _approval_requested(event: JsonObject) -> Entry:
    by = event["data"]["by"]
    return entry(event, "approval", f"the approval of {'the user' if by == 'user' else by} is asked for")


def _approval(event: JsonObject) -> Entry:
    data = event["data"]
    verb = "approves" if data["decision"] == "approve" else "rejects"
    return entry(event, "approval", f"{data['by']} {verb}: {data['reason']}")


def _waiver(event: JsonObject) -> Entry:
    data = event["data"]
    what = f"component {data['component']}" if data.get("component") else "the task"
    return entry(event, "waiver", f"{data['by']} waives the {data['power']} of {what}: {data['reason']}")


def _deadlock(event: JsonObject) -> Entry:
    data = event["data"]
    return entry(event, "deadlock", f"of {data['cause']}, tasks {', '.join(data['tasks'])}: {data['reason']}")


def _resolution(event: JsonObject) -> Entry:
    data = event["data"]
    changes = [f"to change: {data['changes']}"] if data.get("changes") else []
    return entry(event, "resolution", f"{data['by']} decides {data['decision']}: {data['reason']}", changes)


def _deferred(event: JsonObject) -> Entry:
    data = event["data"]
    return entry(event, "deferred", f"put back until {data['on']} has ended: {data['reason']}")


def _no_progress(event: JsonObject) -> Entry:
    return entry(event, "no progress", event["data"]["reason"])


def _attempt_ended(event: JsonObject) -> Entry:
    data = event["data"]
    return entry(event, "attempt", f"{data['attempt']} ends without a merge: {data['reason']}")


def _reassigned(event: JsonObject) -> Entry:
    data = event["data"]
    return entry(event, "reassigned", f"from {data['from']} to {data['to']}: {data['reason']}")


def _conflict(event: JsonObject) -> Entry:
    data = event["data"]
    others = f", which {', '.join(data['tasks'])} changed" if data.get("tasks") else ""
    return entry(event, "conflict", f"with what landed meanwhile, in {', '.join(data['files'])}{others}")


def _rejected(event: JsonObject) -> Entry:
    return entry(event, "refused", "it is not merged: the checks of the merged tree are red")


def _merged(event: JsonObject) -> Entry:
    data = event["data"]
    return entry(event, "merged", f"as {data['commit'][:12]}, +{data['lines_added']} -{data['lines_removed']} lines")


def _outcome(event: JsonObject) -> Entry | None:
    data = event["data"]
    return None if data["status"] == "merged" else entry(event, data["status"], data["reason"])


def _decision(event: JsonObject) -> Entry | None:
    data = event["data"]
    if data["authority"] != "agent":
        return None  # the ruling, resolution or waiver behind it tells it
    return entry(event, "decision", f"{data['agent']}: {data['subject']}: {data['decision']} ({data['reason']})")


def _message(event: JsonObject) -> Entry:
    data = event["data"]
    said = "; ".join(f"{name}: {value}" for name, value in data["content"].get("data", {}).items())
    head = f"{data['from_agent']} to {data['to_agent']}, {data['message_type']} ({data['priority']})"
    return entry(event, "message", f"{head}: {said}" if said else head)


def _breaker(event: JsonObject) -> Entry:
    return entry(event, "pause", f"the run starts nothing more: {event['data']['reason']}")


def _contradiction(event: JsonObject) -> Entry:
    data = event["data"]
    sides = [f"{side['agent']} ({side['task']}): {side['text']}" for side in data["sides"]]
    return entry(event, "contradiction", f"about `{data['subject']}`, {data['state']}: {data['reason']}", sides)


_TOLD: Mapping[str, Callable[[JsonObject], Entry | None]] = {
    "task_started": _attempt,
    "session_started": _session,
    "session_resumed": _resumed,
    "session_ended": _ended,
    "answer": _answer,
    "check": _check,
    "verdict": _verdict,
    "ruling": _ruling,
    "approval_requested": _approval_requested,
    "approval": _approval,
    "waiver": _waiver,
    "deadlock": _deadlock,
    "resolution": _resolution,
    "deferred": _deferred,
    "no_progress": _no_progress,
    "attempt_ended": _attempt_ended,
    "reassigned": _reassigned,
    "conflict": _conflict,
    "rejected": _rejected,
    "merged": _merged,
    "outcome": _outcome,
    "decision": _decision,
    "message": _message,
    "breaker": _breaker,
    "contradiction": _contradiction,
}
"""How each kind of event is told; the others tell nothing about why a task is where it is."""
