"""What people call things: an agent by its id, label or alias, and the known name nearest to a wrong one."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from orchestrator.errors import InputError
from orchestrator.models import RosterEntry

Directory = Mapping[str, tuple[str, ...]]
"""From every name, folded, to the ids of the agents it may mean."""
RESERVED = ("user", "mbo", "ALL")
"""Who speaks, decides and is spoken to without being an agent: the user, we ourselves, everyone."""


def fold(name: str) -> str:
    """Return a name without the differences that do not count: case and the width of spaces."""
    return " ".join(name.split()).casefold()


def is_reserved(name: str) -> bool:
    """Tell whether no agent may be called that, in upper or lower case."""
    return fold(name) in map(fold, RESERVED)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None where none is much like it."""
    originals = {fold(candidate): candidate for candidate in known}
    close = get_close_matches(fold(name), originals, n=1)
    return originals[close[0]] if close else None


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: the nearest known one as a question, or nothing."""
    found = nearest(name, known)
    return f"; did you mean `{found}`?" if found else ""


def directory(agents: Iterable[RosterEntry], ambiguous: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return every name of every agent; an alias listed as ambiguous means all its candidates."""
    found: dict[str, dict[str, None]] = {}
    for entry in agents:
        for name in (entry.id, entry.label, *entry.aliases):
            found.setdefault(fold(name), {})[entry.id] = None
    for alias, candidates in ambiguous.items():
        found.setdefault(fold(alias), {}).update(dict.fromkeys(candidates))
    return {name: tuple(ids) for name, ids in found.items()}


def resolve(names: Directory, name: str) -> str:
    """Return the id of the one agent that `name` means.

    Raises:
        InputError: no agent bears the name, or several do.
    """
    candidates = names.get(fold(name), ())
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(f"`{name}` may be {' or '.join(candidates)}; name one by its id")
    similar = nearest(name, names)
    suggestion = f"; did you mean `{names[similar][0]}`?" if similar else ""
    raise InputError(f"no agent is called `{name}`{suggestion}")
