"""Whose word stands when two contradict each other: one table, read from the top, whose first row that fits ranks."""

import re
from dataclasses import dataclass
from typing import Literal

from orchestrator.models import Policy

USER = "user"
"""Who a decision is by that no agent took."""

Holder = Literal["user", "implementation_veto", "release_block", "design_final_say", "deadlock", "owner", "anyone"]
"""Whom a row is about: a field of the policy, the user, the agent whose task it is, or anyone."""
Topic = Literal["security", "testing"]

TOPICS: dict[Topic, re.Pattern[str]] = {
    "security": re.compile(
        r"\b(security|secrets?|credentials?|passwords?|(access|api|bearer|refresh|session|oauth) tokens?|oauth2?"
        r"|auth|auth[nz]|authenticat\w*|authori[sz]\w*|permissions?|privileges?|(en|de)?crypt\w*|certificates?|tls"
        r"|csrf|jwts?|sandbox\w*|injections?|saniti[sz]\w*|vulnerabilit\w*)\b"
    ),
    "testing": re.compile(r"\b(tests?|testing|coverage|fixtures?|flak(y|iness))\b"),
}
"""By which words a subject is known to be one of security or testing; every other one is a matter of design."""


@dataclass(frozen=True)
class Row:
    """One row of the table: whose word it ranks, on which subjects, and why it stands."""

    name: str
    holder: Holder
    topic: Topic | None
    text: str


TABLE = (
    Row("user-decided", "user", None, "the user decided"),
    Row("security-on-security", "implementation_veto", "security", "security has the say on security"),
    Row("testing-on-testing", "release_block", "testing", "testing has the say on tests"),
    Row("design-final-say", "design_final_say", None, "the final say on design decides"),
    Row("security-before-others", "implementation_veto", None, "security goes before agents without a power"),
    Row("testing-before-others", "release_block", None, "testing goes before agents without a power"),
    Row("coordinator-before-others", "deadlock", None, "the coordinator goes before agents without a power"),
    Row("owner-before-others", "owner", None, "a task's own agent goes before those that are not"),
    Row("no-power", "anyone", None, "nobody among them holds a power"),
)
"""The ranks of those who decide, the highest first."""

LATER_WORD = "later-word"
"""The rule where one author said both: what it said last."""


def rank(agent: str, subject: str, policy: Policy, *, is_owner: bool = False) -> int:
    """Return the place in the table of an agent's word on a subject; the smaller, the higher."""
    found = (number for number, row in enumerate(TABLE) if _fits(row, agent, subject, policy, is_owner=is_owner))
    return next(found)


def holds_power(agent: str, policy: Policy) -> bool:
    """Tell whether an agent's word ranks above that of agents without a power, whatever the subject."""
    return any(_fits(row, agent, "", policy, is_owner=False) for row in TABLE if row.holder != "anyone")


def may_supersede(agent: str, author: str, subject: str, policy: Policy) -> bool:
    """Tell whether an agent may put its own decision in the place of the author's: its own one, or by a higher rank."""
    return agent == author or rank(agent, subject, policy) < rank(author, subject, policy)


def _fits(row: Row, agent: str, subject: str, policy: Policy, *, is_owner: bool) -> bool:
    if row.topic and not TOPICS[row.topic].search(_spaced(subject)):
        return False
    match row.holder:
        case "user":
            return agent == USER
        case "owner":
            return is_owner
        case "anyone":
            return True
        case power:
            return getattr(policy, power) == agent


def _spaced(subject: str) -> str:
    """Return a subject in small letters, the words of names such as `accessToken` and `access_token` apart."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", subject).casefold()
