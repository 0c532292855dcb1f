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
    "ruling": "goes back to its agent for another round",
    "conflict": "goes back to its agent to resolve a conflict",
    "rejected": "goes back to its agent: the checks of its merge are red",
    "merged": "merged; its end is noted",
}


def doing(seen: Sequence[JsonObject], reviewers: Sequence[str] = ()) -> str:
    """Return in words what a task does after its newest event that tells, and whose reviews are awaited."""
    told = ((event, words) for event in reversed(seen) if (words := _in_words(event)))
    event, words = next(told, (None, "has begun"))
    return _reviewed(seen, reviewers) if event and event["kind"] == "verdict" else words


def _reviewed(seen: Sequence[JsonObject], reviewers: Sequence[str]) -> str:
    """Say which reviewers of the newest answer have not spoken yet."""
    spoken: set[str] = set()
    for event in reversed(seen):
        if event["kind"] == "answer":
            break
        if event["kind"] == "verdict":
            spoken.add(event["agent"])
    left = [name for name in reviewers if name not in spoken]
    if not left:
        return "its reviews are in; what follows from them is decided"
    named = f"{', '.join(left[:-1])} and {left[-1]}" if len(left) > 1 else left[0]
    return f"the {'review' if len(left) == 1 else 'reviews'} of {named} {'is' if len(left) == 1 else 'are'} awaited"


def _in_words(event: JsonObject) -> str:
    data = event.get("data", {})
    match event["kind"]:
        case "session_started" | "session_resumed" | "turn":
            verb = VERBS[data["role"]]
            turn = f", turn {data['turn']}" if "turn" in data else ""
            return f"{event['agent']} {verb}, round {data['round']}{turn}"
        case "check":
            return _checked(data)
        case "verdict":
            return "its reviews are awaited"
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
