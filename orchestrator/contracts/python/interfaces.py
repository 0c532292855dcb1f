"""The Python side of contracts: whether a tree's sources define what a contract states."""

from orchestrator.contracts.python import callables
from orchestrator.contracts.python.namespaces import Namespaces
from orchestrator.contracts.python.signatures import Signature, difference, parse
from orchestrator.models import PythonInterface


def fault(names: Namespaces, interface: PythonInterface) -> str | None:
    """Say in one clause how a tree falls short of an interface, or None where it fulfils it.

    Where a name may be one of several things, as after a failed import, each that can be read must fit.
    """
    if names.sources.file(interface.module) is None:
        places = [path for path in names.sources.places(interface.module) if path.endswith(".py")]
        return f"there is no module {interface.module} (at {places[-1]} or elsewhere)"
    whole = f"{interface.module}.{interface.name}"
    found = [item for item in names.find(interface.module, tuple(interface.name.split("."))) if item.binding]
    if not found:
        return f"{whole} is not there"
    if interface.signature is None:
        return None
    wanted = parse(interface.signature)
    read = [callables.signature(names, item) for item in found]
    fitting = [difference(item, wanted) for item in read if isinstance(item, Signature)]
    unread = [item for item in read if isinstance(item, str)]
    clause = next(filter(None, fitting), None) if fitting else unread[0]
    return f"{whole} {clause}" if clause else None
