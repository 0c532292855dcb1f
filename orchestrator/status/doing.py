"""What a task does after what was told of it last, in words."""

from collections.abc import Sequence

from orchestrator.models import JsonObject

VERBS = {"work": "works", "review": "reviews", "resolve": "resolves a deadlock"}
"""What the agent of a session does, by the session's role."""

_PLAIN_WORDS = {
    "answer": "its answer is checked",
    "deadlock": "is stuck; the coordinator decides how it goes on",
    "resolution": "goes on as the coordinator decided",
    "attempt_ended": "its attempt has ended; another follows",
    "verdict": "its reviews are awaited",
    "ruling": "goes back to its agent for another round",
    "conflict": "goes back to its agent to resolve a conflict",
    "rejected": "goes back to its agent: the checks of its merge are red",
    "merged": "merged; its end is noted",
}


def doing(seen: Sequence[JsonObject]) -> str:
    """Return in words what a task does after its newest event that tells."""
    return next((told for event in reversed(seen) if (told := _in_words(event))), "has begun")


def _in_words(event: JsonObject) -> str:
    data = event.get("data", {})
    match event["kind"]:
        case "session_started" | "session_resumed" | "turn":
            verb = VERBS[data["role"]]
            turn = f", turn {data['turn']}" if "turn" in data else ""
            return f"{event['agent']} {verb}, round {data['round']}{turn}"
        case "check":
            return _checked(data)
        case "ruling" if data["decision"] == "approve":
            return "its answer is merged"
        case "approval_requested":
            return f"waits for the approval of {data['by']}"
        case "approval":
            return "its answer is merged" if data["decision"] == "approve" else _PLAIN_WORDS["ruling"]
        case "reassigned":
            return f"goes on to {data['to']}"
        case kind:
            return _PLAIN_WORDS.get(kind, "")


def _checked(data: JsonObject) -> str:
    if data.get("problem"):
        return f"goes back to its agent: the check {data['name']} is red"
    return "the merge of its answer is checked" if data["stage"] == "merged" else "its answer is checked"
