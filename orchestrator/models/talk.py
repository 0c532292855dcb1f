"""What agents say to each other and leave behind: messages, decisions and knowledge."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from orchestrator.models.value import Frozen

MessageType = Literal["request", "response", "notification", "review"]
Action = Literal["implement", "review", "test", "document"]
Artifact = Literal["code", "design", "test", "doc"]
KnowledgeType = Literal["pattern", "issue", "best_practice", "decision", "interface"]


class MessageContent(Frozen):
    """What a message asks for or tells, about which kind of artifact."""

    action: Action
    artifact: Artifact
    data: dict[str, Any] = {}


class Message(Frozen):
    """A message between agents; `to_agent` may be `ALL`."""

    message_id: UUID
    correlation_id: UUID | None = None
    from_agent: str
    to_agent: str
    message_type: MessageType
    task_id: str
    content: MessageContent
    priority: Literal["low", "medium", "high", "critical"] = "medium"
    timestamp: AwareDatetime


class Decision(Frozen):
    """A decision taken in the course of the build, as it stands in `decisions.log`."""

    id: str
    time: AwareDatetime
    task_id: str
    agent: str
    subject: str = Field(min_length=1)
    decision: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    authority: str = "agent"
    """What made it binding: `agent` for its own task, or the decision table's rule."""
    supersedes: tuple[str, ...] = ()
    """Ids of the decisions that this one takes the place of; they stay in the log."""


class Knowledge(Frozen):
    """Something an agent learned that others can search for."""

    id: str
    time: AwareDatetime
    task_id: str
    agent: str
    type: KnowledgeType
    title: str = Field(min_length=1)
    text: str = Field(min_length=1)
    """What was learned; of an issue, its problem."""
    solution: str | None = None
    """How an issue is solved."""
    references: tuple[str, ...] = ()
    approver: str | None = None
    """The agent that vouched for it, by an act of its own; its author's word makes nobody an approver."""
    supersedes: tuple[str, ...] = ()
    """Ids of the records that this one takes the place of; they are kept, and no longer found."""
