"""The Python code of one tree, held against contracts: what it defines and what it calls."""

from collections.abc import Iterable, Iterator

from orchestrator.contracts.python import calls, interfaces
from orchestrator.contracts.python.namespaces import Namespaces
from orchestrator.contracts.python.sources import Sources
from orchestrator.contracts.python.usage import Use, uses
from orchestrator.models import Contract


class Code:
    """One tree's code; what was read of it for one contract is not read again for the next."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._names = Namespaces(sources)
        self._uses: dict[str, list[Use]] = {}

    def definition_faults(self, contract: Contract) -> Iterator[str]:
        """Yield how the tree falls short of a contract, a clause each."""
        for interface in contract.python:
            try:
                fault = interfaces.fault(self._names, interface)
            except RecursionError:
                fault = f"{interface.module}.{interface.name} is nested too deeply to be read"
            if fault:
                yield fault

    def call_faults(self, contract: Contract, changed: Iterable[str]) -> Iterator[str]:
        """Yield the calls in changed files that do not fit a contract, a clause each."""
        wanted = calls.wanted(contract.python)
        for file in sorted(changed) if wanted else ():
            if file.endswith(".py") and file in self.sources.files:
                try:
                    yield from calls.faults(self._names, file, self._in(file), wanted)
                except RecursionError:
                    yield f"{file} is nested too deeply to be read"

    def _in(self, file: str) -> list[Use]:
        if file not in self._uses:
            self._uses[file] = uses(self._names, file)
        return self._uses[file]
