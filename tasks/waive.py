"""Waive: what becomes of a veto or a block once the user has waived it."""

from collections.abc import Sequence

from orchestrator import authority
from orchestrator.authority import Waivable
from orchestrator.models import Answer, BuildTask, Cause, Frozen, JsonObject, Ruling, SessionRef, Verdict
from tasks.heed import listen
from tasks.record import answer_place, log_ruling
from tasks.run import Run


class TakenUp(Frozen):
    """An answer that is judged once more, without the veto or block that stood against it."""

    answer: Answer
    causes: tuple[Cause, ...]
    """What began each round of its attempt after the first, up to the answer's own."""
    earlier: tuple[Verdict, ...]
    """What was said of the answers before it in its attempt."""


def ruled(run: Run, build_task: BuildTask, answer: Answer, verdicts: Sequence[Verdict], rounds_left: int) -> Ruling:
    """Return the ruling on an answer: the recorded one, unless the answer was taken up again after a waiver."""
    listen(run)
    session = answer.session
    powers = waived(run, session.key, session.attempt, session.round)
    name = f"ruling/waived-{'-'.join(powers)}" if run.events.recall(_mark(session)) is not None else "ruling"
    ruling = authority.decide(verdicts, run.plan.policy, build_task.kind, rounds_left, powers)
    return log_ruling(run, session, ruling, name)


def waived(run: Run, key: str, attempt: int, round_: int) -> list[Waivable]:
    """Return what the user has waived of one answer; a later answer of the task needs a word of its own."""
    own = (event["data"] for event in run.events.all("waiver") if event.get("key") == key)
    return sorted({data["power"] for data in own if (data["attempt"], data["round"]) == (attempt, round_)})


def take_up(run: Run, key: str) -> TakenUp | None:
    """Return the answer to judge once more because the user waived the newest ruling, if no work came after that."""
    rulings = [event for event in run.events.all("ruling") if event.get("key") == key]
    if rulings and _is_waived(run, key, rulings[-1]["data"]) and _is_newest(run, key, rulings[-1]["data"]):
        answer = _answer(run, key, rulings[-1]["data"])
        place = {"attempt": answer.session.attempt, "round": answer.session.round}
        run.events.record("taken_up", _mark(answer.session), place, session=answer.session)
    marked = [event["data"] for event in run.events.all("taken_up") if event["key"] == key]
    return _taken_up(run, _answer(run, key, marked[-1])) if marked else None


def _taken_up(run: Run, answer: Answer) -> TakenUp:
    session = answer.session
    answers = [Answer.model_validate(e["data"]) for e in run.events.all("answer") if e["key"] == session.key]
    verdicts = [Verdict.model_validate(e["data"]) for e in run.events.all("verdict") if e["key"] == session.key]
    before = [a.session for a in answers if a.session.attempt == session.attempt and a.session.round <= session.round]
    return TakenUp(
        answer=answer,
        causes=tuple(one.cause for one in before if one.round > 1),
        earlier=tuple(v for v in verdicts if v.session.attempt == session.attempt and v.session.round < session.round),
    )


def _is_waived(run: Run, key: str, ruling: JsonObject) -> bool:
    return ruling["decision"] in waived(run, key, ruling["attempt"], ruling["round"])


def _is_newest(run: Run, key: str, ruling: JsonObject) -> bool:
    """Tell whether no work came after a ruling, or none that led to anything: the task has failed since."""
    if ruling["attempt"] <= run.attempts_spent(key):
        return True
    place = (ruling["attempt"], ruling["round"])
    started = (e["data"] for e in run.events.all("session_started") if e["key"] == key and e["data"]["role"] == "work")
    return all((data["attempt"], data["round"]) <= place for data in started)


def _answer(run: Run, key: str, place: JsonObject) -> Answer:
    found = run.events.recall(f"{key[:16]}/work-{place['attempt']}.{place['round']}/answer")
    assert found is not None, "an answer is recorded before it is ruled on"
    return Answer.model_validate(found)


def _mark(session: SessionRef) -> str:
    return f"{answer_place(session)}/taken-up"
