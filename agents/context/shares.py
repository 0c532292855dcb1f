"""What syncs brought to each agent from others: `shared.json`, the ids of decisions and knowledge, for its briefs."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from orchestrator.errors import InputError
from orchestrator.home import Home, read_json, write_json
from orchestrator.models import Frozen


class Shares(Frozen):
    """The ids of what was shared with one agent, in the order shared."""

    decisions: tuple[str, ...] = ()
    knowledge: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Return all of them."""
        return frozenset((*self.decisions, *self.knowledge))

    def with_more(self, decisions: Iterable[str], knowledge: Iterable[str]) -> "Shares":
        """Return these shares and more, each id once."""
        return Shares(
            decisions=tuple(dict.fromkeys((*self.decisions, *decisions))),
            knowledge=tuple(dict.fromkeys((*self.knowledge, *knowledge))),
        )


def read(home: Home, agent: str) -> Shares:
    """Return what was shared with an agent."""
    try:
        return Shares.model_validate(read_json(_path(home, agent)) or {})
    except (InputError, ValidationError):
        return Shares()  # a projection: what was changed by hand is written anew by the next sync


def write(home: Home, agent: str, shares: Shares) -> None:
    """Replace what was shared with an agent; the same again leaves the file alone."""
    if read(home, agent) != shares:
        write_json(_path(home, agent), shares.model_dump(mode="json"))


def _path(home: Home, agent: str) -> Path:
    return home.agent(agent) / "shared.json"
