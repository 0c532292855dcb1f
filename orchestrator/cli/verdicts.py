"""A component's review on the terminal: each step as it ends, and in the end what everyone said."""

from collections.abc import Mapping
from typing import Any

from orchestrator import holds
from orchestrator.cli import table as tables
from orchestrator.cli import words
from orchestrator.cli.screen import say
from orchestrator.component_review import inspection
from orchestrator.inspection.words import told as told_of
from orchestrator.models import JsonObject, Plan

_WIDEST = 100
"""Sentences on longer lines are hard to follow, also in a file."""
_SAYS = {"approve": "approves", "request_changes": "wants changes", "veto": "vetoes", "block": "blocks"}
_RULINGS = {"approve": "approved", "revise": "changes are wanted", "veto": "vetoed", "block": "blocked"}
_NO_RELEASE = "the plan names no release (`release_gates` of its policy), so a hold stops no task"
_COLOURS = {"approves": "green", "wants changes": "yellow", "vetoes": "red", "blocks": "red"}


def tell(event: JsonObject) -> None:
    """Say in a line what a step of the review came to."""
    data = event.get("data", {})
    match event["kind"]:
        case "inspection":
            found = inspection(data)
            line = words.hanging("evidence  ", f"{found.kind}: {told_of(found, {}, 0)}", tables.width())
        case "verdict":
            line = f"verdict   {event['agent']} {_SAYS[data['decision']]}"
        case _:
            return
    say(line)


def collected(place: str, journal: Mapping[str, JsonObject]) -> JsonObject:
    """Return a review that is on record, with its verdicts, the evidence in words, and the holds that stand now."""
    came = dict(journal[place]["data"])
    before, number = _before(came, journal)
    evidence = [
        {**data, "told": told_of(inspection(data), before.get(data["kind"], {}), number)}
        for data in (journal[name]["data"] for name in came.pop("inspections"))
    ]
    stands = holds.standing(journal.values())
    return came | {
        "evidence": evidence,
        "verdicts": [_verdict(journal[name]["data"]) for name in came["verdicts"]],
        "holds": [hold.model_dump(mode="json") for hold in stands if hold.component == came["component"]],
    }


def table(told: JsonObject, plan: Plan) -> str:
    """Return a review as tables for people."""
    limit = min(tables.width(), _WIDEST)
    head = f"component {told['component']} {told['name']}, review {told['round']}, tree {told['tree'][:12]}"
    evidence = [(found["kind"], words.short(found["told"], plan)) for found in told["evidence"]]
    lines = [head, "", tables.lines(evidence, tables.sizes(evidence, limit, {1: limit}))]
    rows = [row for verdict in told["verdicts"] for row in _rows(verdict, plan)]
    header = ("reviewer", "says", "words")
    columns = tables.sizes([header, *rows], limit)
    lines += ["", tables.headed(header, rows, _COLOURS, columns), ""]
    lines.append(
        words.hanging("ruling    ", words.short(f"{_RULINGS.get(told['decision'])} ({told['rule']})", plan), limit)
    )
    for hold in told["holds"]:
        lines.append(words.hanging("hold      ", holds.Hold.model_validate(hold).told, limit))
    if told["holds"] and not plan.policy.release_gates:
        lines.append(words.hanging("note      ", _NO_RELEASE, limit))
    return "\n".join(lines)


def _verdict(data: JsonObject) -> JsonObject:
    return {"reviewer": data["session"]["agent"], **{name: data[name] for name in ("decision", "summary", "findings")}}


def _rows(verdict: JsonObject, plan: Plan) -> list[tuple[str, str, str]]:
    """Return a verdict as rows: its summary, then a row a finding with its severity and place."""
    first = (words.short(verdict["reviewer"], plan), _SAYS[verdict["decision"]], " ".join(verdict["summary"].split()))
    return [first, *(("", found["severity"], _finding(found)) for found in verdict["findings"])]


def _finding(found: Mapping[str, Any]) -> str:
    place = found["path"] or ""
    place += f":{found['line']}" if found["line"] else ""
    text = " ".join(found["text"].split())
    return f"{place} {text}" if place else text


def _before(came: JsonObject, journal: Mapping[str, JsonObject]) -> tuple[dict[str, dict[str, float]], int]:
    """Return the values of the review of the component before this one, and its number."""
    reviews = [event["data"] for event in journal.values() if event["kind"] == "component_review"]
    earlier = [data for data in reviews if data["component"] == came["component"] and data["round"] < came["round"]]
    return (earlier[-1]["evidence"], earlier[-1]["round"]) if earlier else ({}, 0)
