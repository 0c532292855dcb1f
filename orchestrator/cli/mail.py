"""`messages`: what agents wrote to each other, who has seen it, and what is unanswered."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from orchestrator import plan as plans
from orchestrator.cli import options, table, words
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.errors import InputError
from orchestrator.events import read_events
from orchestrator.home import Home, project_record
from orchestrator.models import Frozen, JsonObject, Message, Plan

HEADER = ("sent", "message", "task", "from, to", "says", "then")
OPEN = "open"


class Letter(Frozen):
    """A message with what became of it."""

    message: Message
    shown: dict[str, JsonObject]
    """For each agent that has seen it, the session and the time."""
    answered_by: tuple[str, ...]
    """The ids of its responses, in order."""

    @property
    def is_open(self) -> bool:
        """Tell whether it is a request that nobody has answered."""
        return self.message.message_type == "request" and not self.answered_by

    def concerns(self, agent: str | None) -> bool:
        """Tell whether an agent has sent or got it; where nobody is named, it is taken in."""
        to_all = self.message.to_agent == "ALL"
        return to_all or agent in (None, self.message.from_agent, self.message.to_agent)


@click.command(cls=Manual)
@click.option("--agent", metavar="NAME", help="Only what this agent has sent or got.")
@click.option("--task", "task_id", metavar="N.M", help="Only what is about this task.")
@options.form("table")
@options.home
def messages(agent: str | None, task_id: str | None, form: str, home: Path, plan_file: Path | None) -> None:
    """List what agents wrote to each other, and what is unanswered.

    In the order sent: which session was the first to see each message, and which response answered it. A file that
    holds no message is named on stderr, and ends the command with exit code 2 after the rest is printed.

    Examples:
      mbo messages --agent mcp-security-validation
      mbo messages --format json | jq '.[] | select(.open)'
    """
    place = Home(home)
    project_record(place)
    loaded = options.plan_of(home, plan_file)
    name = plans.agent(loaded, agent) if agent else None
    about = plans.task(loaded, task_id).id if task_id else None
    chosen = [letter for letter in _letters(place) if letter.concerns(name) and about in (None, letter.message.task_id)]
    told = _as_json(chosen) if form == "json" else _as_table(chosen, loaded, _tasks_of_sessions(place))
    echo(told, styled=True)
    _report_malformed(place)


def _letters(home: Home) -> list[Letter]:
    """Return every message once, in the order sent."""
    from agents.context import messages as mail

    known: dict[str, Message] = {}
    shown: dict[str, dict[str, JsonObject]] = {}
    answers: dict[str, list[JsonObject]] = {}
    for agent in _agents(home):
        known |= {str(message.message_id): message for message in mail.received(home, agent)}
        for identity, note in mail.shown(home, agent).items():
            shown.setdefault(identity, {})[agent] = {"session": note["session"], "time": note.get("time")}
        for identity, notes in mail.answered(home, agent).items():
            answers.setdefault(identity, []).extend(notes)
    order = sorted(known.items(), key=lambda item: (item[1].timestamp, item[0]))
    return [
        Letter(
            message=message,
            shown=shown.get(identity, {}),
            answered_by=tuple(note["id"] for note in sorted(answers.get(identity, []), key=lambda note: note["time"])),
        )
        for identity, message in order
    ]


def _as_json(letters: Iterable[Letter]) -> str:
    told = [
        {
            **letter.message.model_dump(mode="json"),
            "shown": [{"agent": agent, **note} for agent, note in letter.shown.items()],
            "answered_by": list(letter.answered_by),
            "open": letter.is_open,
        }
        for letter in letters
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def _as_table(letters: Sequence[Letter], plan: Plan, tasks: Mapping[str, str]) -> str:
    unanswered = sum(letter.is_open for letter in letters)
    foot = words.count(len(letters), "message") + (f", {words.count(unanswered, 'request')} open" if unanswered else "")
    if not letters:
        return foot
    rows = [_row(letter, plan, tasks) for letter in letters]
    in_file = table.width() == table.UNLIMITED
    told = table.headed(HEADER, rows) if in_file else table.blocks(HEADER, rows, {OPEN: "yellow"})
    return f"{told}\n\n{foot}"


def _row(letter: Letter, plan: Plan, tasks: Mapping[str, str]) -> table.Row:
    message = letter.message
    data = message.content.data
    said = json.dumps(data, ensure_ascii=False) if data else ""
    answers = f" to {str(message.correlation_id)[:8]}" if message.correlation_id else ""
    return (
        words.clock(message.timestamp.isoformat()),
        f"{str(message.message_id)[:8]} {message.message_type}{answers}, {message.priority}",
        message.task_id,
        words.short(f"{message.from_agent} → {message.to_agent}", plan),
        f"{message.content.action} {message.content.artifact} {said}".strip(),
        _fate(letter, plan, tasks),
    )


def _fate(letter: Letter, plan: Plan, tasks: Mapping[str, str]) -> str:
    """Return who has seen a message and what answered it."""
    to_all = letter.message.to_agent == "ALL"
    seen = [
        (f"{agent} in " if to_all else "") + _session(note["session"], tasks) for agent, note in letter.shown.items()
    ]
    told = [f"shown to {words.short(', '.join(seen), plan)}"] if seen else []
    if letter.answered_by:
        told.append(f"answered by {', '.join(identity[:8] for identity in letter.answered_by)}")
    if letter.is_open:
        told.append(OPEN)
    return "; ".join(told) or "not shown yet"


def _session(session: str, tasks: Mapping[str, str]) -> str:
    key, _, name = session.partition("/")
    return f"{tasks.get(key, key)} {name}"


def _tasks_of_sessions(home: Home) -> dict[str, str]:
    """Return the task of each beginning of a task key, of which the ids of sessions are made."""
    return {event["key"][:16]: event["task"] for event in read_events(home) if event["kind"] == "session_started"}


def _report_malformed(home: Home) -> None:
    from agents.context import messages as mail

    lines = [line for agent in _agents(home) for line in mail.malformed(home, agent)]
    for line in lines:
        say(words.flat(line))
    if lines:
        raise InputError(f"{words.count(len(lines), 'file')} among the messages could not be read, named above")


def _agents(home: Home) -> list[str]:
    return sorted(folder.parent.name for folder in home.agents.glob("*/messages"))
