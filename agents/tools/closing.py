"""The tools that end a session: `finish` for work, `submit_verdict` for a review, `resolve` for a deadlock."""

from agents.bench import Bench
from agents.tools import Result, Tool, Words, accept, custom
from orchestrator.models import Finding, Frozen, JsonObject
from orchestrator.models.plan import TaskId
from orchestrator.models.work import ResolutionDecision, VerdictDecision


class Finish(Frozen):
    """The input of `finish`."""

    summary: Words


class SubmitVerdict(Frozen):
    """The input of `submit_verdict`."""

    decision: VerdictDecision
    summary: Words
    findings: tuple[Finding, ...] = ()
    waits_for: TaskId | None = None


class Resolve(Frozen):
    """The input of `resolve`."""

    decision: ResolutionDecision
    reason: Words
    changes: Words | None = None


def finish() -> Tool:
    """Return the tool that hands the work over."""

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(Finish, given)
        if isinstance(checked, Result):
            return checked
        return Result("Handed over.", closing=checked.model_dump(mode="json"))

    text = "Hand over the work: say what you did and what the next one should know. The checks run after this."
    return Tool("finish", custom("finish", text, Finish), run)


def submit_verdict(bench: Bench) -> Tool:
    """Return the tool that gives a verdict; a veto or a block only from the agent that holds the power."""
    powers = {"veto": bench.policy.implementation_veto, "block": bench.policy.release_block}

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(SubmitVerdict, given)
        if isinstance(checked, Result):
            return checked
        holder = powers.get(checked.decision)
        if holder and holder != bench.session.agent:
            return Result(f"Only {holder} can {checked.decision}; request changes instead.", is_error=True)
        if checked.decision != "approve" and not checked.findings:
            return Result("Say in `findings` what must change; without a finding nobody can act.", is_error=True)
        if checked.waits_for and (checked.decision != "request_changes" or checked.waits_for == bench.session.task):
            return Result("`waits_for` names another task, and goes with `request_changes` alone.", is_error=True)
        return Result("Verdict taken.", closing=checked.model_dump(mode="json"))

    text = (
        "Give your verdict on this commit. Every objection needs a finding with its place and what would lift it. "
        "Where all you object to is that another task has to end first, request changes and name it in `waits_for`."
    )
    return Tool("submit_verdict", custom("submit_verdict", text, SubmitVerdict), run)


def resolve(bench: Bench) -> Tool:
    """Return the tool that decides how a deadlock ends; a decision that is not open to the session is refused."""

    async def run(given: JsonObject, _call: str) -> Result:
        checked = accept(Resolve, given)
        if isinstance(checked, Result):
            return checked
        if checked.decision not in bench.allowed:
            return Result(
                f"`{checked.decision}` is not open here; there are {', '.join(bench.allowed)}.", is_error=True
            )
        if checked.decision == "another-round" and not checked.changes:
            return Result("Say in `changes` what must change in the further round.", is_error=True)
        return Result("Decided.", closing={**checked.model_dump(mode="json"), "changes": checked.changes or ""})

    text = "Decide how the deadlock ends, with a reason that both sides can act on; your decision is logged."
    return Tool("resolve", custom("resolve", text, Resolve), run)
