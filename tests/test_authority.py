"""Authority: every combination of verdicts held against rules that are written here once more, in other words."""

from itertools import product

import pytest

from orchestrator.authority import TABLE, decide
from orchestrator.models import Kind, Policy, Ruling, SessionRef, Verdict
from orchestrator.models.work import VerdictDecision

POLICY = Policy(
    planning_approver="coordinator",
    design_final_say="architecture",
    implementation_veto="security",
    release_block="testing",
    deadlock="coordinator",
    integration="integrator",
)
SECURITY = (None, "approve", "request_changes", "veto")
TESTING = (None, "approve", "request_changes", "block")
OTHERS = (None, "approve", "request_changes")
KINDS: tuple[Kind, ...] = ("design", "code")

Given = dict[str, VerdictDecision]


def verdict(reviewer: str, decision: VerdictDecision, summary: str = "because") -> Verdict:
    """Return a verdict of one reviewer."""
    session = SessionRef(task="1.1", key="0" * 64, role="review", agent=reviewer)
    return Verdict(session=session, commit="c", decision=decision, summary=summary)


def rule(given: Given, kind: Kind = "code", rounds_left: int = 1) -> Ruling:
    """Return the ruling on what each reviewer decided."""
    return decide([verdict(reviewer, decision) for reviewer, decision in given.items()], POLICY, kind, rounds_left)


def every_case() -> list[tuple[Given, Kind, int]]:
    """Return every combination of what five reviewers decide, the kind, and the rounds left."""
    names = ("security", "testing", "architecture", "coordinator", "another")
    return [
        ({name: decision for name, decision in zip(names, decisions, strict=True) if decision}, kind, rounds_left)  # type: ignore[misc]
        for *decisions, kind, rounds_left in product(SECURITY, TESTING, OTHERS, OTHERS, OTHERS, KINDS, (0, 1))
    ]


def expected_decision(given: Given, kind: Kind, rounds_left: int) -> str:
    """Say what must come out, as a person would who reads the promise about authority."""
    wants_changes = "request_changes" in given.values()
    if given.get("security") == "veto":
        return "veto"
    if given.get("testing") == "block":
        return "block"
    if not wants_changes:
        return "approve"
    if kind == "design" and given.get("architecture") == "approve":
        return "approve"
    if rounds_left:
        return "revise"
    architecture_insists = kind == "design" and given.get("architecture") == "request_changes"
    if given.get("coordinator") == "approve" and not architecture_insists:
        return "approve"
    return "escalate"


def test_every_combination_is_ruled_as_promised() -> None:
    """All combinations of verdicts, kinds and rounds give the promised ruling."""
    cases = every_case()
    wrong = [(case, ruling.decision) for case in cases if (ruling := rule(*case)).decision != expected_decision(*case)]

    assert len(cases) == 4 * 4 * 3 * 3 * 3 * 2 * 2
    assert wrong == []


def test_no_power_is_passed_over() -> None:
    """A veto always vetoes, a block is passed over by a veto alone, and nobody else has either."""
    for given, kind, rounds_left in every_case():
        ruling = rule(given, kind, rounds_left).decision

        assert (ruling == "veto") == (given.get("security") == "veto")
        assert (ruling == "block") == (given.get("testing") == "block" and given.get("security") != "veto")


def test_an_approval_over_objections_has_an_authority_behind_it() -> None:
    """Where somebody wants changes, only architecture on a design or the coordinator at the end can approve."""
    for given, kind, rounds_left in every_case():
        ruling = rule(given, kind, rounds_left)
        if ruling.decision == "approve" and "request_changes" in given.values():
            assert (ruling.rule, ruling.by, kind) == ("design-approved", ("architecture",), "design") or (
                (ruling.rule, ruling.by, rounds_left) == ("deadlock-resolved", ("coordinator",), 0)
            )


def test_work_is_sent_back_only_while_rounds_are_left() -> None:
    """Revise needs a round, escalate needs that there is none."""
    for given, kind, rounds_left in every_case():
        ruling = rule(given, kind, rounds_left).decision

        assert ruling != ("escalate" if rounds_left else "revise")


def test_the_order_of_verdicts_does_not_matter() -> None:
    """Reviewers work in parallel: who is first changes no ruling."""
    for given, kind, rounds_left in every_case():
        turned = dict(reversed(given.items()))

        assert rule(turned, kind, rounds_left).decision == rule(given, kind, rounds_left).decision


def test_every_ruling_explains_itself() -> None:
    """A ruling names its row and those who decided, all of them reviewers, in one line that holds their words."""
    names = {row.name for row in TABLE}
    for given, kind, rounds_left in every_case():
        ruling = rule(given, kind, rounds_left)
        if given:
            assert ruling.rule in names
            assert set(ruling.by) <= set(given)
            assert all(f"{reviewer}: because" in ruling.reason for reviewer in ruling.by)
        assert ruling.reason
        assert "\n" not in ruling.reason


NAMED: dict[str, tuple[Given, Kind, int, str, str, tuple[str, ...]]] = {
    "nobody reviews": ({}, "code", 0, "approve", "no-reviewers", ()),
    "all approve": (
        {"security": "approve", "another": "approve"},
        "code",
        0,
        "approve",
        "all-approve",
        ("security", "another"),
    ),
    "one wants changes": (
        {"testing": "approve", "another": "request_changes"},
        "code",
        1,
        "revise",
        "changes-requested",
        ("another",),
    ),
    "no rounds are left": ({"another": "request_changes"}, "code", 0, "escalate", "changes-requested", ("another",)),
    "the coordinator cannot overrule a veto": (
        {"coordinator": "approve", "security": "veto"},
        "code",
        0,
        "veto",
        "security-veto",
        ("security",),
    ),
    "the coordinator cannot overrule a block": (
        {"coordinator": "approve", "testing": "block"},
        "code",
        0,
        "block",
        "testing-block",
        ("testing",),
    ),
    "veto goes before block": (
        {"testing": "block", "security": "veto"},
        "code",
        1,
        "veto",
        "security-veto",
        ("security",),
    ),
    "architecture cannot overrule a veto": (
        {"architecture": "approve", "security": "veto"},
        "design",
        1,
        "veto",
        "security-veto",
        ("security",),
    ),
    "architecture has the final say on a design": (
        {"another": "request_changes", "architecture": "approve"},
        "design",
        1,
        "approve",
        "design-approved",
        ("architecture",),
    ),
    "but not on code": (
        {"another": "request_changes", "architecture": "approve"},
        "code",
        1,
        "revise",
        "changes-requested",
        ("another",),
    ),
    "architecture sends a design back": (
        {"another": "request_changes", "architecture": "request_changes", "coordinator": "approve"},
        "design",
        1,
        "revise",
        "design-sent-back",
        ("architecture",),
    ),
    "the coordinator resolves a deadlock": (
        {"another": "request_changes", "coordinator": "approve"},
        "code",
        0,
        "approve",
        "deadlock-resolved",
        ("coordinator",),
    ),
    "but not before there is one": (
        {"another": "request_changes", "coordinator": "approve"},
        "code",
        1,
        "revise",
        "changes-requested",
        ("another",),
    ),
    "nor against architecture on a design": (
        {"architecture": "request_changes", "coordinator": "approve"},
        "design",
        0,
        "escalate",
        "design-sent-back",
        ("architecture",),
    ),
    "a veto without the power is a request": (
        {"another": "veto"},
        "code",
        1,
        "revise",
        "changes-requested",
        ("another",),
    ),
    "a block without the power is a request": (
        {"security": "block"},
        "code",
        1,
        "revise",
        "changes-requested",
        ("security",),
    ),
    "testing has no veto": ({"testing": "veto"}, "code", 0, "escalate", "changes-requested", ("testing",)),
    "a borrowed veto is advice on a design": (
        {"another": "veto", "architecture": "approve"},
        "design",
        1,
        "approve",
        "design-approved",
        ("architecture",),
    ),
}


@pytest.mark.parametrize(("given", "kind", "rounds_left", "decision", "row", "by"), NAMED.values(), ids=NAMED.keys())
def test_a_named_case(given: Given, kind: Kind, rounds_left: int, decision: str, row: str, by: tuple[str, ...]) -> None:
    """Each case that people argue about is ruled by the row, and by the people, that it should be."""
    ruling = rule(given, kind, rounds_left)

    assert (ruling.decision, ruling.rule, ruling.by) == (decision, row, by)


def test_overruled_objections_are_kept_as_advice() -> None:
    """An approval over objections says whose they were and what they said."""
    verdicts = [verdict("architecture", "approve", "Sound."), verdict("another", "request_changes", "Too\n  big.")]

    ruling = decide(verdicts, POLICY, "design", 1)

    assert ruling.reason == (
        "the final say on design approves: architecture: Sound. (advice, not binding: another: Too big.)"
    )


def test_an_escalation_says_why() -> None:
    """The reason of an escalation tells that no rounds are left."""
    assert rule({"another": "request_changes"}, rounds_left=0).reason == (
        "changes are requested and no rounds are left: another: because"
    )


def test_a_long_summary_is_cut() -> None:
    """One reviewer's flood of words does not bury the reason."""
    reason = decide([verdict("another", "approve", "x" * 5000)], POLICY, "code", 1).reason

    assert reason.endswith("x…")
    assert len(reason) < 400


def test_powers_are_the_policys() -> None:
    """Who holds a power is what the plan says, not a name in the code."""
    policy = POLICY.model_copy(update={"implementation_veto": "another"})

    assert decide([verdict("another", "veto")], policy, "code", 1).decision == "veto"
    assert decide([verdict("security", "veto")], policy, "code", 1).decision == "revise"
