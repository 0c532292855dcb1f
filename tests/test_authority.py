"""Authority: every combination of verdicts held against rules that are written here once more, in other words."""

from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from orchestrator.authority import TABLE, Waivable, decide, lift, planning_approver
from orchestrator.models import BuildTask, Kind, Policy, Ruling, SessionRef, Verdict
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

WAIVED: tuple[tuple[Waivable, ...], ...] = ((), ("veto",), ("block",), ("veto", "block"))

Given = dict[str, VerdictDecision]
Case = tuple[Given, Kind, int, tuple[Waivable, ...]]


@cache
def verdict(reviewer: str, decision: VerdictDecision, summary: str = "because") -> Verdict:
    """Return a verdict of one reviewer."""
    session = SessionRef(task="1.1", key="0" * 64, role="review", agent=reviewer)
    return Verdict(session=session, commit="c", decision=decision, summary=summary)


def rule(given: Given, kind: Kind = "code", rounds_left: int = 1, waived: tuple[Waivable, ...] = ()) -> Ruling:
    """Return the ruling on what each reviewer decided."""
    verdicts = [verdict(reviewer, decision) for reviewer, decision in given.items()]
    return decide(verdicts, POLICY, kind, rounds_left, waived)


def every_case() -> Iterator[Case]:
    """Yield every combination of what five reviewers decide, the kind, the rounds left, and what the user waived."""
    names = ("security", "testing", "architecture", "coordinator", "another")
    for decisions in product(SECURITY, TESTING, OTHERS, OTHERS, OTHERS):
        given: Given = {name: decision for name, decision in zip(names, decisions, strict=True) if decision}
        for kind, rounds_left, waived in product(KINDS, (0, 1), WAIVED):
            yield given, kind, rounds_left, waived


def stands(given: Given, waived: tuple[Waivable, ...]) -> str | None:
    """Say which veto or block stands, if one does: a veto before a block, and neither once it is waived."""
    if given.get("security") == "veto" and "veto" not in waived:
        return "veto"
    return "block" if given.get("testing") == "block" and "block" not in waived else None


def expected_decision(given: Given, kind: Kind, rounds_left: int, waived: tuple[Waivable, ...]) -> str:
    """Say what must come out, as a person would who reads the promise about authority."""
    wants_changes = "request_changes" in given.values()
    if standing := stands(given, waived):
        return standing
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
    """All combinations of verdicts, kinds, rounds and waivers give the promised ruling."""
    cases = list(every_case())
    wrong = [(case, ruling.decision) for case in cases if (ruling := rule(*case)).decision != expected_decision(*case)]

    assert len(cases) == 4 * 4 * 3 * 3 * 3 * 2 * 2 * 4
    assert wrong == []


def test_no_power_is_passed_over() -> None:
    """A veto vetoes and a block blocks until the user waives it, whatever the others say; nobody else has either."""
    for given, kind, rounds_left, waived in every_case():
        ruling = rule(given, kind, rounds_left, waived).decision

        assert (ruling if ruling in ("veto", "block") else None) == stands(given, waived)


def test_an_approval_over_objections_has_an_authority_behind_it() -> None:
    """Where somebody wants changes, only architecture on a design or the coordinator at the end can approve."""
    for given, kind, rounds_left, waived in every_case():
        ruling = rule(given, kind, rounds_left, waived)
        if ruling.decision == "approve" and "request_changes" in given.values():
            assert (ruling.rule, ruling.by, kind) == ("design-approved", ("architecture",), "design") or (
                (ruling.rule, ruling.by, rounds_left) == ("deadlock-resolved", ("coordinator",), 0)
            )


def test_work_is_sent_back_only_while_rounds_are_left() -> None:
    """Revise needs a round, escalate needs that there is none."""
    for given, kind, rounds_left, waived in every_case():
        ruling = rule(given, kind, rounds_left, waived).decision

        assert ruling != ("escalate" if rounds_left else "revise")


def test_the_order_of_verdicts_does_not_matter() -> None:
    """Reviewers work in parallel: who is first changes no ruling."""
    for given, kind, rounds_left, waived in every_case():
        turned = dict(reversed(given.items()))

        there, back = (rule(one, kind, rounds_left, waived).decision for one in (given, turned))
        assert there == back


def test_every_ruling_explains_itself() -> None:
    """A ruling names its row and those who decided, reviewers or the user, in one line that holds their words."""
    names = {row.name for row in TABLE}
    for given, kind, rounds_left, waived in every_case():
        ruling = rule(given, kind, rounds_left, waived)
        if given:
            assert ruling.rule in names
            assert set(ruling.by) <= set(given) or (ruling.by == ("user",) and ruling.rule.endswith("-waived"))
            assert all(f"{reviewer}: because" in ruling.reason for reviewer in set(ruling.by) & set(given))
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


WAIVERS: dict[str, tuple[Given, int, tuple[Waivable, ...], str, str]] = {
    "a waived veto binds nobody": ({"security": "veto", "another": "approve"}, 0, ("veto",), "approve", "veto-waived"),
    "a waived block binds nobody": ({"testing": "block"}, 1, ("block",), "approve", "block-waived"),
    "a waiver of the other power changes nothing": ({"security": "veto"}, 1, ("block",), "veto", "security-veto"),
    "the block behind a waived veto stands": (
        {"security": "veto", "testing": "block"},
        1,
        ("veto",),
        "block",
        "testing-block",
    ),
    "another's request for changes stands": (
        {"security": "veto", "another": "request_changes"},
        1,
        ("veto",),
        "revise",
        "changes-requested",
    ),
    "a borrowed veto is no veto to waive": ({"another": "veto"}, 1, ("veto",), "revise", "changes-requested"),
    "nothing was vetoed": ({"security": "approve"}, 1, ("veto", "block"), "approve", "all-approve"),
}


@pytest.mark.parametrize(("given", "rounds_left", "waived", "decision", "row"), WAIVERS.values(), ids=WAIVERS.keys())
def test_a_waiver_takes_the_power_from_what_it_names_alone(
    given: Given, rounds_left: int, waived: tuple[Waivable, ...], decision: str, row: str
) -> None:
    """What the user waived counts as advice; all else is ruled as ever."""
    ruling = rule(given, "code", rounds_left, waived)

    assert (ruling.decision, ruling.rule) == (decision, row)


@pytest.mark.parametrize(
    ("kind", "worker", "reviewers", "approver"),
    [
        ("design", "architecture", ("another",), "coordinator"),
        ("design", "another", ("architecture", "coordinator"), None),
        ("design", "coordinator", ("another",), "architecture"),
        ("design", "coordinator", ("architecture",), None),
        ("code", "another", (), None),
    ],
    ids=["the coordinator", "as a reviewer", "not of its own", "architecture as a reviewer", "no design"],
)
def test_who_approves_the_planning(kind: Kind, worker: str, reviewers: tuple[str, ...], approver: str | None) -> None:
    """The coordinator approves designs, architecture those of the coordinator, and nobody twice."""
    place = {"id": "1.1", "phase": 1, "component": 1, "component_name": "parts", "title": "Part", "effort": 1}
    task = BuildTask.model_validate(
        {**place, "agent": worker, "kind": kind, "reviewers": reviewers, "accept": ["it works"]}
    )

    assert planning_approver(POLICY, task, worker) == approver


def test_what_lifts_a_veto_is_said() -> None:
    """A veto and a block come with what lifts them; nothing else does."""
    told = "; lifted by an answer without it, or by `mbo waive 1.1 --reason …`"

    assert lift(rule({"security": "veto"}), "1.1") == told
    assert lift(rule({"testing": "block"}), "1.1") == told
    assert lift(rule({"another": "request_changes"}), "1.1") == ""


def test_powers_are_the_policys() -> None:
    """Who holds a power is what the plan says, not a name in the code."""
    policy = POLICY.model_copy(update={"implementation_veto": "another"})

    assert decide([verdict("another", "veto")], policy, "code", 1).decision == "veto"
    assert decide([verdict("security", "veto")], policy, "code", 1).decision == "revise"
