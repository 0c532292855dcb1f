"""Nothing that agents, plans, journals or others' files say steers the terminal on which a command shows it."""

import json
import re
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from agents.context import decisions, knowledge, messages
from orchestrator.cli.display import display
from orchestrator.cli.main import main
from orchestrator.events import read_events
from orchestrator.home import Home, write_json
from orchestrator.journal import Journal
from orchestrator.models import Decision, Knowledge, Message
from orchestrator.plan import load
from orchestrator.selection import Selection
from tests.history import PLAN, START, everything, use_powers
from tests.scenario import mbo
from tests.test_display import Screen, event

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x1b[32mevil\x1b[0m\x9b31m\u202eevil\u2066\x7f\t\x08\r\nmbo: all is well\x85\u2028漢字"
)
AGENTS = ("architect", "coder", "joiner", "painter", "watcher")
FREE = {"title", "reason", "summary", "problem", "subject", "text", "result", "lifts", "rule", "command", "files", "id"}
"""The fields of events in which anything may stand; ids of decisions and records are among them."""
OURS = re.compile(r"\x1b\[(?:0|3[1-7])m")
STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def poisoned(value: Any, key: str = "") -> Any:
    """Return a value with hostile words in every field in which anything may stand."""
    match value:
        case dict():
            return {name: poisoned(item, name) for name, item in value.items()}
        case list():
            return [poisoned(item, key) for item in value]
        case str() if key in FREE:
            return value + HOSTILE
        case _:
            return value


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home in whose plan, journal, messages, decisions and knowledge nothing is harmless."""
    folder = tmp_path_factory.mktemp("hostile")
    home = Home(folder / "home")
    (folder / "plan.yaml").write_text(json.dumps(hostile_plan()), encoding="utf-8")
    write_json(home.project_file, {"project": str(folder), "plan": str(folder / "plan.yaml"), "created": ""})
    write_journal(home, Home(folder / "source"))
    say_everything(home)
    write_files(folder)
    return home


def write_journal(home: Home, source: Home) -> None:
    """Write a journal in which everything happens, told in hostile words."""
    use_powers(everything(source))
    more = {"rule": "rank", "round": 1, "attempt": 1, "files": ["a"]}  # which only some readers need
    with closing(Journal(home.metrics)) as journal:
        for record in read_events(source):
            data = record["data"] if record["kind"] == "plan" else poisoned(more | record["data"])
            journal.append({"agent": "coder", **record, "data": data})


def say_everything(home: Home) -> None:
    """Leave a message, one that cannot be read, a decision and a record."""
    content = {"action": "review", "artifact": "code", "data": {"note": HOSTILE}}
    said = {"from_agent": "coder", "to_agent": "architect", "message_type": "request", "task_id": "1.1"}
    letter = {**said, "message_id": UUID(int=1), "content": content, "timestamp": START}
    messages.deliver(home, Message.model_validate(letter), ["coder", "architect"])
    write_json(home.agent("coder") / "messages" / "bad.json", {"message_id": HOSTILE})
    about = {"time": START, "task_id": "1.1", "agent": "coder"}
    words = {"subject": HOSTILE, "decision": HOSTILE, "reason": HOSTILE}
    decisions.log(home, Decision.model_validate({**about, "id": "decision/9", **words}))
    learned = {"type": "pattern", "title": HOSTILE, "text": HOSTILE, "references": (HOSTILE,)}
    knowledge.learn(home, "coder", Knowledge.model_validate({**about, "id": "k1", **learned}))


def write_files(folder: Path) -> None:
    """Write agents of the project, and a plan, a task list and an agent that are wrong."""
    broken = {"version": 1, HOSTILE: 1, "tasks": [{"id": HOSTILE}]}
    (folder / "broken.yaml").write_text(json.dumps(broken), encoding="utf-8")
    write_json(folder / "tasks.json", {"tasks": [{"id": 1, "title": HOSTILE, "dependencies": [HOSTILE]}]})
    places = {name: folder / ".claude" / "agents" / f"{name}.md" for name in AGENTS}
    for name, place in (places | {HOSTILE: folder / "bad" / "bad.md"}).items():
        place.parent.mkdir(parents=True, exist_ok=True)
        front = {"name": name, "description": "One.", "category": f"c{HOSTILE}"}
        lines = "".join(f"{field}: {json.dumps(value)}\n" for field, value in front.items())
        place.write_text(f"---\n{lines}---\nYou work.\n", encoding="utf-8")


def hostile_plan() -> dict[str, Any]:
    """Return the plan of the journal with titles and lines that would take over a terminal."""
    ends: dict[str, Any] = dict(PLAN)
    tasks = [task | {"title": task["title"] + HOSTILE, "accept": [HOSTILE]} for task in ends["tasks"]]
    agents = [{"id": name, "label": name, "category": f"c{HOSTILE}"} for name in AGENTS]
    powers = ("planning_approver", "design_final_say", "implementation_veto", "release_block", "deadlock")
    return {
        "version": 1,
        **{name: ends[name] for name in ("name", "phases", "components")},
        "agents": agents,
        "policy": dict.fromkeys((*powers, "integration"), "architect"),
        "gates": {"code": [{"name": "tests", "run": ["true"]}]},
        "tasks": tasks,
        "workflows": [],
    }


READING = [
    "status", "status --detailed", "status --blockers", "status --timeline --forecast", "status --json",
    "plan", "plan --format markdown", "plan --format json",
    "why 1.2", "why 3.2", "why 3.2 --format json",
    "messages", "messages --format json", "knowledge", "knowledge --format json", "knowledge owned",
    "decisions", "decisions --format json", "conflicts", "conflicts --all", "conflicts --all --format json",
    "approve", "report", "report --format json", "report --format html",
    "plan --plan {folder}/broken.yaml", "plan import {folder}/tasks.json --output {folder}/new.yaml",
    "agents", "agents import {folder}/bad --project-path {folder}",
]  # fmt: skip


def shown(home: Home, line: str, screen: Screen) -> str:
    """Return what a command sends to a terminal, its own line ends as single ones."""
    arguments = [word.format(folder=home.root.parent) for word in line.split()]
    arguments += [] if line.startswith("plan import") else ["--home", str(home.root)]
    with redirect_stdout(screen.file), redirect_stderr(screen.file), suppress(SystemExit):
        main(arguments)
    return screen.close().replace("\r\n", "\n")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Give a terminal to print to."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    made = Screen()
    yield made
    if not made.file.closed:
        made.close()


@pytest.mark.parametrize("line", READING)
def test_no_command_lets_words_steer_the_terminal(place: Home, screen: Screen, line: str) -> None:
    """A terminal gets letters, line ends and our colours; what was meant for it is seen, and forges no line of ours."""
    sent = shown(place, line, screen)

    assert "unforeseen" not in sent
    assert not STEERS.search(OURS.sub("", sent))
    assert not re.search(r"^mbo: all is well", sent, re.MULTILINE)
    assert "evil" in sent


@pytest.mark.parametrize("line", [line for line in READING if line.endswith("json")])
def test_json_tells_programs_every_letter(place: Home, line: str) -> None:
    """What a person sees as an escape, a program reads as what it was."""
    done = mbo(*line.split(), "--home", str(place.root))

    assert any(HOSTILE in text for text in texts(json.loads(done.out)))


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    match value:
        case dict():
            yield from (text for item in value.values() for text in texts(item))
        case list():
            yield from (text for item in value for text in texts(item))
        case str():
            yield value
        case _:
            pass


def test_the_progress_of_a_run_cannot_be_steered(place: Home, screen: Screen) -> None:
    """What agents say, call and hand over while they work stands on the board and above it as letters."""
    plan = load(place.root.parent / "plan.yaml")
    happened = (
        event("session_started", "1.1", "coder", role="work", round=1),
        event("turn", "1.1", "coder", role="work", turn=1, tools=[HOSTILE]),
        event("check", "1.1", "coder", name="tests", stage="answer", problem=HOSTILE),
        event("merged", "1.1", "coder", lines_added=1, lines_removed=0),
        event("outcome", "1.2", "coder", status="failed", reason=HOSTILE),
    )
    with (
        redirect_stderr(screen.file),
        display(plan, Selection(title="", tasks=frozenset({"1.1"})), frozenset()) as (
            show,
            say,
        ),
    ):
        say(HOSTILE)
        for told in happened:
            show(told)
    sent = screen.close()

    assert sent.count("evil") >= 3
    assert not re.search(r"\x1b\]|\x07|\x1b\[2J|[\x80-\x9f\u2028-\u202e\u2066-\u2069\x7f\x08]", sent)


def test_a_log_of_a_run_has_one_line_for_each_end(place: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """No reason of an agent's begins a line of its own."""
    plan = load(place.root.parent / "plan.yaml")
    with display(plan, Selection(title="", tasks=frozenset({"1.1"})), frozenset()) as (show, _):
        show(event("outcome", "1.2", "coder", status="failed", reason=HOSTILE))

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("✘ 1.2 failed: \\u001b]0;owned\\u0007") and not STEERS.search(line)
