"""Who decides when reviewers differ: one table, read from the top, in which the first row that matches rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.models import Kind, Policy, Ruling, Verdict
from orchestrator.models.work import RulingDecision, VerdictDecision

Power = Literal["design_final_say", "implementation_veto", "release_block", "deadlock"]
"""The fields of a policy that name who may decide alone."""
When = Literal["always", "on a design", "in a deadlock"]
"""A deadlock is a request for changes with no round left to make them in."""

SUMMARY_LIMIT = 300


@dataclass(frozen=True)
class Row:
    """One row of the decision table: whose decision, which one, when, and what follows."""

    name: str
    power: Power | None
    """Who decides, as a field of the policy; None for any reviewer."""
    decision: VerdictDecision
    when: When
    ruling: RulingDecision
    text: str


TABLE = (
    Row("security-veto", "implementation_veto", "veto", "always", "veto", "security vetoes the implementation"),
    Row("testing-block", "release_block", "block", "always", "block", "testing blocks the release"),
    Row("design-approved", "design_final_say", "approve", "on a design", "approve", "the final say on design approves"),
    Row("design-sent-back", "design_final_say", "request_changes", "on a design", "revise",
        "the final say on design wants changes"),
    Row("deadlock-resolved", "deadlock", "approve", "in a deadlock", "approve", "the deadlock is resolved"),
    Row("changes-requested", None, "request_changes", "always", "revise", "changes are requested"),
    Row("all-approve", None, "approve", "always", "approve", "all reviewers approve"),
)  # fmt: skip
"""The decision table, in the order in which it is read."""

_Weighed = tuple[Verdict, VerdictDecision]
"""A verdict, and the decision that it counts as here."""
_ONLY_FOR: dict[VerdictDecision, Power] = {"veto": "implementation_veto", "block": "release_block"}


def decide(verdicts: Sequence[Verdict], plan_policy: Policy, kind: Kind, rounds_left: int) -> Ruling:
    """Return what the decision table makes of all verdicts on one answer of a task of this kind.

    A veto or block counts as a request for changes where the reviewer does not hold that power. Without a round
    left, what would be sent back is escalated; a veto and a block stay what they are.
    """
    if not verdicts:
        return Ruling(decision="approve", rule="no-reviewers", reason="the task names no reviewers")
    weighed: list[_Weighed] = [(verdict, _weigh(verdict, plan_policy)) for verdict in verdicts]
    is_deadlock = rounds_left <= 0 and any(decision == "request_changes" for _, decision in weighed)
    applies: dict[When, bool] = {"always": True, "on a design": kind == "design", "in a deadlock": is_deadlock}
    for row in TABLE:
        deciding = [
            verdict
            for verdict, decision in weighed
            if decision == row.decision and _holds(verdict.reviewer, row.power, plan_policy)
        ]
        if deciding and applies[row.when]:
            return _ruling(row, deciding, weighed, rounds_left)
    raise AssertionError("the last two rows match every verdict")


def may_be_accepted(verdicts: Sequence[Verdict], policy: Policy, kind: Kind) -> bool:
    """Tell whether whoever resolves deadlocks may set these objections aside: no power above stands behind them."""
    return decide(verdicts, policy, kind, 1).rule in ("changes-requested", "all-approve", "no-reviewers")


def _weigh(verdict: Verdict, policy: Policy) -> VerdictDecision:
    power = _ONLY_FOR.get(verdict.decision)
    return verdict.decision if _holds(verdict.reviewer, power, policy) else "request_changes"


def _holds(reviewer: str, power: Power | None, policy: Policy) -> bool:
    holders: dict[Power, str] = {
        "design_final_say": policy.design_final_say,
        "implementation_veto": policy.implementation_veto,
        "release_block": policy.release_block,
        "deadlock": policy.deadlock,
    }
    return power is None or holders[power] == reviewer


def _ruling(row: Row, deciding: Sequence[Verdict], weighed: Sequence[_Weighed], rounds_left: int) -> Ruling:
    is_stuck = row.ruling == "revise" and rounds_left <= 0
    overruled = [verdict for verdict, decision in weighed if row.ruling == "approve" and decision != "approve"]
    reason = row.text + (" and no rounds are left" if is_stuck else "") + _words(deciding)
    return Ruling(
        decision="escalate" if is_stuck else row.ruling,
        rule=row.name,
        by=tuple(verdict.reviewer for verdict in deciding),
        reason=reason + (f" (advice, not binding{_words(overruled)})" if overruled else ""),
    )


def _words(verdicts: Sequence[Verdict]) -> str:
    """Return who said what, in one line that begins with a colon."""
    return ": " + "; ".join(f"{verdict.reviewer}: {_shortened(verdict.summary)}" for verdict in verdicts)


def _shortened(summary: str) -> str:
    line = " ".join(summary.split())
    return line if len(line) <= SUMMARY_LIMIT else line[: SUMMARY_LIMIT - 1] + "…"
