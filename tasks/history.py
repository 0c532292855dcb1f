"""What the project journal holds of the attempts at a task: how each ended, what it left, how it was judged."""

from collections.abc import Iterable, Iterator

from orchestrator.models import Answer, Check, JsonObject, SessionRef, Verdict
from orchestrator.recovery import Spent
from tasks.run import Run


def spent(run: Run, key: str) -> list[Spent]:
    """Return the attempts at a key that have ended without a merge, in order."""
    return [_spent(event["data"]) for event in run.events.all("attempt_ended") if event.get("key") == key]


def recall_end(run: Run, key: str, attempt: int) -> Spent | None:
    """Return how an attempt ended, if it has ended without a merge."""
    data = run.events.recall(_ended_id(key, attempt))
    return _spent(data) if data else None


def record_end(run: Run, task: str, key: str, ended: Spent, following: str | None) -> Spent:
    """Record how an attempt ended and who tries next, if anybody does; the first such record of an attempt stands."""
    about = {"task": task, "key": key, "agent": ended.agent}
    data = {**ended.model_dump(mode="json"), "next": following}
    return _spent(run.events.record("attempt_ended", _ended_id(key, ended.attempt), data, about=about))


def left(run: Run, key: str, attempt: int) -> tuple[str, str] | None:
    """Return what an attempt's last session of work built on and the last commit of its files; None if none began."""
    began = [event for event in _of(run, "session_started", key, attempt) if event["data"]["role"] == "work"]
    if not began:
        return None
    answers = list(_of(run, "answer", key, attempt))
    if len(answers) == len(began):
        return answers[-1]["data"]["base"], answers[-1]["data"]["commit"]
    last = began[-1]
    kept = run.repository.kept(f"refs/mbo/work/{last['id'].removesuffix('/started')}")
    return last["data"]["base"], kept or last["data"]["start"]


def checks(run: Run, session: SessionRef) -> list[Check]:
    """Return the checks of the answer that a session gave, those of its merge included."""
    found = (event["data"] for event in _of(run, "check", session.key, session.attempt))
    return [
        Check.model_validate({name: data[name] for name in Check.model_fields if name in data})
        for data in found
        if data["round"] == session.round
    ]


def verdicts(run: Run, session: SessionRef) -> list[Verdict]:
    """Return the verdicts on the answer that a session gave."""
    place = (session.attempt, session.round)
    given = all_verdicts(run, session.key)
    return [verdict for verdict in given if (verdict.session.attempt, verdict.session.round) == place]


def all_verdicts(run: Run, key: str) -> list[Verdict]:
    """Return all verdicts on the answers under a key, in the order given."""
    return [Verdict.model_validate(event["data"]) for event in run.events.all("verdict") if event.get("key") == key]


def last_answer(run: Run, key: str, attempt: int) -> Answer | None:
    """Return the last answer of an attempt, if there is one."""
    answers = list(_of(run, "answer", key, attempt))
    return Answer.model_validate(answers[-1]["data"]) if answers else None


def missing(run: Run, tasks: Iterable[str]) -> list[str]:
    """Return for each of these tasks that has not merged a line that says what became of it."""
    merged = {event["key"] for event in run.events.all("merged")}
    return [_became(run, name) for name in tasks if run.keys[name] not in merged]


def _became(run: Run, task: str) -> str:
    ended = [event["data"] for event in run.events.all("outcome") if event.get("key") == run.keys[task]]
    what = f"{ended[-1]['status']}: {ended[-1]['reason']}" if ended else "is not there yet"
    return f"{task} ({run.task(task).title}) was to come first and {'is ' * what.startswith('blocked')}{what}"


def _of(run: Run, kind: str, key: str, attempt: int) -> Iterator[JsonObject]:
    events = (event for event in run.events.all(kind) if event.get("key") == key)
    return (event for event in events if _attempt(event["data"]) == attempt)


def _attempt(data: JsonObject) -> int:
    """Return the number of the attempt: an answer's and a verdict's stands in its session."""
    session = data.get("session")
    return (session if isinstance(session, dict) else data)["attempt"]


def _ended_id(key: str, attempt: int) -> str:
    return f"{key[:16]}/attempt-{attempt}/ended"


def _spent(data: JsonObject) -> Spent:
    return Spent.model_validate({name: value for name, value in data.items() if name in Spent.model_fields})
