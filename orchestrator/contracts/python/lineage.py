"""A class with its parents in the order in which Python looks for a member."""

from collections.abc import Callable, Sequence

from orchestrator.contracts.python.bindings import Defined, Imported

Class = Defined | Imported
"""A class of the tree, or one that is not in it."""


def lineage(owner: Class, parents: Callable[[Class], Sequence[Class]]) -> list[Class]:
    """Return a class and all above it; Python itself puts them in order, of empty classes with such parents.

    A class that cannot be made, since its parents have no order, or it is one of its own, has an unknown one above it.
    """
    made: dict[Class, type] = {}

    def mirrored(one: Class) -> type:
        if one not in made:
            made[one] = type("OfItsOwn", (), {"mirrors": _unknown(one)})
            made[one] = type("Mirrored", tuple(map(mirrored, parents(one))), {"mirrors": one})
        return made[one]

    try:
        order = mirrored(owner).__mro__
    except TypeError:
        return [owner, _unknown(owner)]
    return [vars(one)["mirrors"] for one in order if one is not object]


def _unknown(owner: Class) -> Imported:
    return owner if isinstance(owner, Imported) else Imported(owner.module, (f"{owner.node.name}'s parents",))
