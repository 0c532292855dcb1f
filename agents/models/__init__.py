"""The seam behind which a model stands: one method that gives the next turn."""

from typing import Any, Protocol

from orchestrator.models import BuildTask, Frozen, JsonObject, SessionRef, Usage


class Request(Frozen):
    """All that a model is given for its next turn, in the Messages API's form."""

    session: SessionRef
    system: str
    messages: tuple[JsonObject, ...]
    tools: tuple[JsonObject, ...]
    model: str | None = None
    """The model that the agent's definition asks for, if any."""


class Turn(Frozen):
    """One assistant turn: Anthropic content blocks, why it stopped, and what it cost."""

    content: tuple[dict[str, Any], ...]
    stop_reason: str
    usage: Usage = Usage()
    request_id: str | None = None


class Model(Protocol):
    """Give an agent its next turn."""

    @property
    def name(self) -> str:
        """Return the name that the screen, the journal and the report show."""
        ...

    def parameters(self, task: BuildTask) -> JsonObject:
        """Return what of this model can change the task's result; it goes into the task key."""
        ...

    async def turn(self, request: Request) -> Turn:
        """Return the next assistant turn.

        Raises:
            TransientError: the same request may succeed later.
            ModelError: it will not.
        """
        ...
