"""Who decides when reviewers differ: one table, read from the top, in which the first row that matches rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.models import BuildTask, Kind, Policy, Ruling, Verdict
from orchestrator.models.work import RulingDecision, VerdictDecision

Power = Literal["design_final_say", "implementation_veto", "release_block", "deadlock"]
"""The fields of a policy that name who may decide alone."""
When = Literal["always", "on a design", "in a deadlock"]
"""A deadlock is a request for changes with no round left to make them in."""

Waivable = Literal["veto", "block"]
"""What stands against an answer until the user waives it."""
Weight = VerdictDecision | Literal["waived"]
"""What a verdict counts as; a waived one binds nobody any more."""

USER = "user"
"""Who a waiver is by, and an approval that a person gives."""
SUMMARY_LIMIT = 300


@dataclass(frozen=True)
class Row:
    """One row of the decision table: whose decision, which one, when, and what follows."""

    name: str
    power: Power | None
    """Who decides, as a field of the policy; None for any reviewer."""
    decision: Weight
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
    Row("veto-waived", "implementation_veto", "waived", "always", "approve", "the user waived the veto"),
    Row("block-waived", "release_block", "waived", "always", "approve", "the user waived the block"),
    Row("all-approve", None, "approve", "always", "approve", "all reviewers approve"),
)  # fmt: skip
"""The decision table, in the order in which it is read."""

_Weighed = tuple[Verdict, Weight]
"""A verdict, and the decision that it counts as here."""
_ONLY_FOR: dict[str, Power] = {"veto": "implementation_veto", "block": "release_block"}


def decide(
    verdicts: Sequence[Verdict],
    plan_policy: Policy,
    kind: Kind,
    rounds_left: int,
    waived: Collection[Waivable] = (),
) -> Ruling:
    """Return what the decision table makes of all verdicts on one answer of a task of this kind.

    A veto or block counts as a request for changes where the reviewer does not hold that power, and as advice where
    it does and the user `waived` such. Without a round left, what would be sent back is escalated; a veto and a block
    stay what they are.
    """
    if not verdicts:
        return Ruling(decision="approve", rule="no-reviewers", reason="the task names no reviewers")
    weighed: list[_Weighed] = [(verdict, _weigh(verdict, plan_policy, waived)) for verdict in verdicts]
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
    raise AssertionError("every weight has its row")


def planning_approver(policy: Policy, task: BuildTask, worker: str) -> str | None:
    """Return who must approve a worker's design besides those who review it; None where nobody must.

    Nobody approves their own design: there the final say on design counts. A reviewer's verdict is its approval.
    """
    if task.kind != "design":
        return None
    approver = policy.design_final_say if worker == policy.planning_approver else policy.planning_approver
    return None if approver in (worker, *task.reviewers) else approver


def lift(ruling: Ruling, task_id: str) -> str:
    """Return what lifts a veto or a block, as the end of a sentence about it; nothing for another ruling."""
    if ruling.decision not in ("veto", "block"):
        return ""
    return f"; lifted by an answer without it, or by `mbo waive {task_id} --reason …`"


def may_be_accepted(verdicts: Sequence[Verdict], policy: Policy, kind: Kind, waived: Collection[Waivable] = ()) -> bool:
    """Tell whether whoever resolves deadlocks may set these objections aside: no power above stands behind them."""
    free = {"changes-requested", "all-approve", "no-reviewers", "veto-waived", "block-waived"}
    return decide(verdicts, policy, kind, 1, waived).rule in free


def _weigh(verdict: Verdict, policy: Policy, waived: Collection[Waivable]) -> Weight:
    if not _holds(verdict.reviewer, _ONLY_FOR.get(verdict.decision), policy):
        return "request_changes"
    return "waived" if verdict.decision in waived else verdict.decision


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
    overruled = [
        verdict
        for verdict, decision in weighed
        if row.ruling == "approve" and decision != "approve" and verdict not in deciding
    ]
    reason = row.text + (" and no rounds are left" if is_stuck else "") + _words(deciding)
    return Ruling(
        decision="escalate" if is_stuck else row.ruling,
        rule=row.name,
        by=(USER,) if row.decision == "waived" else tuple(verdict.reviewer for verdict in deciding),
        reason=reason + (f" (advice, not binding{_words(overruled)})" if overruled else ""),
    )


def _words(verdicts: Sequence[Verdict]) -> str:
    """Return who said what, in one line that begins with a colon."""
    return ": " + "; ".join(f"{verdict.reviewer}: {_shortened(verdict.summary)}" for verdict in verdicts)


def _shortened(summary: str) -> str:
    line = " ".join(summary.split())
    return line if len(line) <= SUMMARY_LIMIT else line[: SUMMARY_LIMIT - 1] + "…"
