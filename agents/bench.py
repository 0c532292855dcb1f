"""The bench: where one session of an agent works, and what its tools may reach from there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestrator.home import Home
from orchestrator.models import Agent, JsonObject, Policy, SessionRef
from orchestrator.process import Finished
from orchestrator.sandbox import Sandbox
from orchestrator.toolchain import Toolchain


class Recorder(Protocol):
    """Record an event of the session in the project journal, once for each id."""

    def __call__(self, kind: str, record_id: str, data: Mapping[str, Any], *, session: SessionRef) -> JsonObject:
        """Return the data that stands under the id: these, or those of an earlier call."""
        ...


@dataclass(frozen=True)
class Bench:
    """Everything the tools of one session act on."""

    session: SessionRef
    home: Home
    worktree: Path
    repository: Path
    slot: int
    sandbox: Sandbox
    toolchain: Toolchain
    environment: Mapping[str, str]
    agents: Mapping[str, Agent]
    policy: Policy
    record: Recorder
    allowed: tuple[str, ...] = ()
    """What a session that resolves a deadlock may decide."""

    @property
    def writable(self) -> bool:
        """Tell whether the session may change the worktree; a reviewer's may not."""
        return self.session.role == "work"

    async def shell(self, command: str, *, seconds: float, output_limit: int) -> Finished:
        """Run one shell command in the sandbox, in the worktree."""
        return await self.sandbox.run(
            ["bash", "-c", command],
            worktree=self.worktree,
            writable=self.writable,
            slot=self.slot,
            seconds=seconds,
            repository=self.repository,
            read_only=self.toolchain.read_only,
            environment=self.environment,
            output_limit=output_limit,
        )
