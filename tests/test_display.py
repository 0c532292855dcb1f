"""What people see while tasks run, and how tables and sentences fit a terminal."""

import os
import pty
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from types import SimpleNamespace
from typing import Any

import click
import pytest

from orchestrator import plan as plans
from orchestrator.cli import screen as screen_
from orchestrator.cli import table, watching, words
from orchestrator.cli.board import Board
from orchestrator.cli.display import display
from orchestrator.cli.main import main
from orchestrator.cli.milestones import milestone
from orchestrator.home import Home, exclusive, write_json
from orchestrator.models import JsonObject
from orchestrator.models.value import now
from orchestrator.selection import Selection
from orchestrator.settings import BUNDLED_PLAN
from orchestrator.status.lasting import in_words
from tests.story import Story, plan_of

PLAN = plans.load(BUNDLED_PLAN)
SDK = "mcp-claude-sdk-expert"
SECURITY = "mcp-security-validation"
CHOSEN = Selection(title="some", tasks=frozenset({"1.1", "3.2", "3.3"}))


def event(kind: str, task: str | None = None, agent: str | None = None, **data: Any) -> JsonObject:
    """Return an event as the journal tells it."""
    told = {"id": "x", "time": now().isoformat(), "kind": kind, "run": "r", "data": data}
    return told | ({"task": task} if task else {}) | ({"agent": agent} if agent else {})


def started(task: str, agent: str, role: str = "work") -> JsonObject:
    """Return the event that begins a session."""
    return event("session_started", task, agent, role=role, round=1)


def check(name: str, stage: str = "answer", problem: str | None = None) -> JsonObject:
    """Return the event of a check on 3.2."""
    return event("check", "3.2", SDK, name=name, stage=stage, problem=problem)


class Screen:
    """A terminal of 80 by 24 that remembers what it was sent and shows what is left of it."""

    def __init__(self) -> None:
        ours, theirs = pty.openpty()
        self.file = os.fdopen(theirs, "w")
        self.sent = b""
        self._reader = threading.Thread(target=self._read, args=(ours,))
        self._reader.start()

    def _read(self, descriptor: int) -> None:
        while True:
            try:
                part = os.read(descriptor, 65_536)
            except OSError:  # the other end is closed
                break
            self.sent += part
        os.close(descriptor)

    def close(self) -> str:
        """Let go of the terminal and return all that it was sent."""
        self.file.close()
        self._reader.join()
        return self.sent.decode()


def left_on(sent: str) -> list[str]:
    """Return the lines that stay on a terminal after it got `sent`: text, returns, cursor up and erased lines."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", sent):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            column = 0
        elif re.fullmatch(r"\x1b\[\d*A", part):
            row -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in lines]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Give a terminal to print to."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    made = Screen()
    yield made
    if not made.file.closed:
        made.close()


def test_each_active_agent_has_a_line_with_what_it_does() -> None:
    """The board has one line for each agent at work, with task, agent and its newest turn, and a bar at the end."""
    board = Board(PLAN, 3, 1)
    board.take(started("3.2", SDK))
    board.take(event("turn", "3.2", SDK, role="work", turn=2, tools=["str_replace_based_edit_tool", "bash", "bash"]))
    board.take(started("3.3", "mcp-platform-compatibility"))

    first, second, bar = board.lines(80, 24)
    assert first == f"{'  3.2  claude-sdk-expert       works, turn 2: files, shell':<74}   0 s"
    assert second.startswith("  3.3  platform-compatibility  works  ")
    assert bar == "████████░░░░░░░░░░░░░░░░  1 of 3 tasks merged, 0 s"


def test_a_task_is_followed_from_work_to_merge() -> None:
    """Whoever has a task now is who stands on its line: agent, gate, reviewers, merge; at the end nobody does."""
    board = Board(PLAN, 3, 0)
    steps = (
        (started("3.2", SDK), "claude-sdk-expert       works"),
        (event("answer", "3.2", SDK), "gate                    checks the answer"),
        (check("rules"), "gate                    checks the answer"),
        (check("tests"), "review                  waits for its reviewers"),
        (started("3.2", SECURITY, "review"), "security-validation     reviews"),
        (event("verdict", "3.2", SECURITY, decision="approve"), None),
        (event("ruling", "3.2", SDK, decision="approve"), "merge                   merges it"),
        (event("approval_requested", "3.2", SDK, by="user"), "approval                waits for you"),
        (event("approval", "3.2", by="user", decision="approve"), "merge                   merges it"),
        (event("outcome", "3.2", SDK, status="merged", reason=""), None),
    )
    for happened, words_ in steps:
        board.take(happened)
        active = board.lines(80, 24)[:-1]

        assert [line[7:].startswith(words_ or "-") for line in active] == ([True] if words_ else [])
    assert "1 of 3 tasks merged" in board.lines(80, 24)[-1]


def test_a_red_check_leaves_the_gate_open_for_the_next_round() -> None:
    """After a red check the next session of work takes the line of the gate."""
    board = Board(PLAN, 1, 0)
    for happened in (started("3.2", SDK), event("answer", "3.2", SDK), check("tests", problem="1 failed")):
        board.take(happened)
    board.take(started("3.2", SDK))

    assert [line.split()[1:3] for line in board.lines(80, 24)[:-1]] == [["claude-sdk-expert", "works"]]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 6), (20, 3)], ids=["usual", "small", "tiny"])
def test_the_board_fits_every_terminal(width: int, height: int) -> None:
    """However many are at work, no line is wider and the board is no taller than the terminal; the bar stays."""
    board = Board(PLAN, 95, 7)
    for task in PLAN.tasks[:10]:
        board.take(started(task.id, task.agent))

    lines = board.lines(width, height)
    assert len(lines) == min(11, height)
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith("█")
    assert ("more" in lines[-2]) == (height < 11)


def test_the_bar_tells_what_is_lost_and_what_goes_on_before_anything_is_active() -> None:
    """The last line counts the tasks that will not merge, and says what happens while no agent is active."""
    board = Board(PLAN, 2, 0)
    assert board.lines(80, 24) == ["░" * 24 + "  0 of 2 tasks merged, 0 s, waits for Prefect"]

    board.take(event("outcome", "1.1", SDK, status="failed", reason="x"))
    assert "0 of 2 tasks merged, 1 not, 0 s" in board.lines(80, 24)[0]


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (event("merged", "1.1", lines_added=3, lines_removed=1), "✔ 1.1 merged: Title (+3 -1 lines)"),
        (check("tests", problem="2 of 9 failed"), "✘ 3.2 tests red: 2 of 9 failed"),
        (event("verdict", "1.1", SECURITY, decision="veto", summary="hole"), f"↺ 1.1 {SECURITY} vetoes it: hole"),
        (event("conflict", "1.1", files=["a", "b"]), "⇄ 1.1 conflicts with what landed meanwhile: a, b"),
        (event("reassigned", "1.1", SDK, to=SECURITY, reason="red"), f"→ 1.1 goes from {SDK} to {SECURITY}: red"),
        (event("outcome", "1.1", status="blocked", reason="waits for 1.0"), "✘ 1.1 blocked: waits for 1.0"),
        (event("checkout", result="left alone: dirty"), "! your checkout is left alone: dirty"),
        (
            event("approval_requested", "1.1", SDK, by="user"),
            "? 1.1 waits for your approval: `mbo approve 1.1`, or `mbo reject 1.1 --reason …`",
        ),
        (event("approval", "1.1", by="user", decision="reject", reason="no"), "! 1.1 you send back its design: no"),
        (event("taken_up", "1.1"), "↺ 1.1 is taken up again: you waived what stood against it"),
        (event("approval_requested", "1.1", SDK, by=SECURITY), None),
        (check("tests"), None),
        (event("verdict", "1.1", SECURITY, decision="approve", summary="fine"), None),
        (event("outcome", "1.1", status="merged", reason=""), None),
        (event("checkout", result="updated to abc"), None),
        (event("knowledge", "1.1"), None),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else None,
)
def test_what_matters_is_a_line_and_the_rest_is_not(happened: JsonObject, line: str | None) -> None:
    """Merges, red checks, objections, conflicts, changes of hands and failures are told; what goes well is not."""
    told = milestone(happened, "Title")

    assert (f"{told.sign} {told.text}" if told else None) == line


def test_without_a_terminal_only_ends_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In a log there is one plain line for each task that ends, the checkout is mentioned once, and nothing moves."""
    with display(PLAN, CHOSEN, frozenset()) as (show, _):
        show(started("3.2", SDK))
        show(check("tests", problem="2 of 9 failed"))
        for _number in range(2):
            show(event("checkout", result="left alone: uncommitted changes in a.py"))
        show(event("merged", "1.1", SDK, lines_added=3, lines_removed=1))
        show(event("outcome", "3.2", SDK, status="failed", reason=f"{SDK}: no round is left"))

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "! your checkout is left alone: uncommitted changes in a.py",
        "✔ 1.1 merged: Work plan, module map and ownership table for the server project (+3 -1 lines)",
        "✘ 3.2 failed: claude-sdk-expert: no round is left",
    ]


def test_a_terminal_is_left_as_it_was(screen: Screen) -> None:
    """On a terminal the board moves below the milestones and is gone at the end; the cursor is there again."""
    with redirect_stderr(screen.file), display(PLAN, CHOSEN, frozenset({"1.1"})) as (show, say):
        say("toolchain: installing")
        show(started("3.2", SDK))
        show(check("tests", problem="2 of 9 failed"))
        show(event("merged", "3.2", SDK, lines_added=3, lines_removed=1))
    sent = screen.close()

    assert "█" in sent
    assert "claude-sdk-expert       works" in sent
    assert sent.rindex("\x1b[?25h") > sent.rindex("\x1b[?25l")
    assert [line for line in left_on(sent) if line] == [
        "✘ 3.2 tests red: 2 of 9 failed",
        "✔ 3.2 merged: Binary discovery and version detection (+3 -1 lines)",
    ]


def test_an_interrupt_leaves_the_terminal_as_it_was(screen: Screen) -> None:
    """Ctrl-C in the middle takes the board away and gives the cursor back."""

    def run() -> None:
        with redirect_stderr(screen.file), display(PLAN, CHOSEN, frozenset()) as (show, _):
            show(started("3.2", SDK))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    sent = screen.close()

    assert sent.rindex("\x1b[?25h") > sent.rindex("\x1b[?25l")
    assert not any(left_on(sent))


def test_a_watch_draws_over_what_was_there_until_ctrl_c(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is watched is drawn again and again in the same place, cut at the screen's height; Ctrl-C is its end."""
    monkeypatch.setattr(watching, "SECONDS", 0.0)
    monkeypatch.setenv("LINES", "4")
    frames = iter(["one\ntwo", "\n".join("abcdef")])

    def draw(height: int) -> str:
        assert height == 4
        try:
            return next(frames)
        except StopIteration:
            raise KeyboardInterrupt from None

    with redirect_stdout(screen.file):
        watching.watch(draw)
    sent = screen.close()

    assert sent.count("\x1b[H") >= 2
    assert re.findall(r"^[a-z…]+", re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", sent), re.MULTILINE) == [
        "one",
        "two",
        "a",
        "b",
        "…",
    ]


def watched(screen: Screen, home: Home, *words: str) -> str:
    """Return what the terminal gets from one drawing of a watched status."""

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching, "time", SimpleNamespace(sleep=interrupt))
        with redirect_stdout(screen.file), suppress(SystemExit):
            main(["status", "--watch", *words, "--home", str(home.root)])
    return screen.close()


def test_a_low_screen_shows_first_what_runs_and_failed(
    screen: Screen, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not all has room, tasks that run or failed and the sessions stand above phases and components."""
    monkeypatch.setenv("LINES", "20")
    story = Story(home, plan_of(t1=(), t2=(), t3=("t1",)))
    write_json(home.root / "plan.json", story.plan.model_dump(mode="json", exclude_defaults=True))
    story.plan = plans.load(home.root / "plan.json")
    write_json(home.project_file, {"project": "/nowhere", "plan": str(story.plan.source), "created": ""})
    with exclusive(home, "build"):
        story.start()
        story.work("1.1")
        story.fail("1.2")
        sent = watched(screen, home, "--detailed")

    shown = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", sent)
    places = [shown.index(words_) for words_ in ("1.1  running", "1.2  failed", "1.1  1      works", "1  Only", "…")]
    assert places == sorted(places)


def test_a_wrong_home_leaves_the_screen_as_it_was(
    screen: Screen, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong from the start is told below the command; nothing is cleared."""
    assert watched(screen, home) == ""
    assert capsys.readouterr().err.startswith(f"mbo: {home.root}: no project here yet;")


def test_what_programs_read_is_not_watched(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is not drawn, and cut, for people: the two options together are refused."""
    with pytest.raises(SystemExit) as end:
        main(["status", "--watch", "--json", "--home", str(home.root)])

    assert end.value.code == 2
    assert "leave one of them out (see `mbo status --help`)" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["option", "variable"])
def test_colours_can_be_turned_off(screen: Screen, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """With --no-color or NO_COLOR a terminal gets no colour at all."""
    if way == "variable":
        monkeypatch.setenv("NO_COLOR", "1")
    context = click.Context(click.Command("x"))
    context.color = False if way == "option" else None
    with context, redirect_stderr(screen.file), display(PLAN, CHOSEN, frozenset()) as (show, _):
        show(event("merged", "3.2", SDK, lines_added=3, lines_removed=1))

    assert not re.search(r"\x1b\[[0-9;]*m", screen.close())


def test_a_terminal_gets_colours(screen: Screen) -> None:
    """Otherwise the sign of a merge is green."""
    with redirect_stderr(screen.file), display(PLAN, CHOSEN, frozenset()) as (show, _):
        show(event("merged", "3.2", SDK, lines_added=3, lines_removed=1))

    assert "\x1b[32m✔" in screen.close()


def test_a_table_is_as_wide_as_the_terminal_and_loses_nothing() -> None:
    """What does not fit goes to the next line of its own column; no line is too wide and no word is lost."""
    rows = [("1.1", "a title of several words that goes on and on", "because " * 12), ("10.2", "short", "no reason")]
    columns = table.sizes(rows, 60)
    told = table.lines(rows, columns)

    assert max(map(len, told.splitlines())) <= 60
    assert told.replace("\n", " ").split().count("because") == 12
    assert all(line[6:].startswith((" ", "a", "t", "s", "g", "o")) for line in told.splitlines())


@pytest.mark.parametrize("limit", [30, 60, 80])
def test_no_table_is_wider_than_the_terminal_or_breaks_a_name(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Ids, agents and paths stay whole: where a table has no room for them, each row is a block of lines."""
    monkeypatch.setenv("COLUMNS", str(limit))
    path = "tests/test_x.py::test_of_a_thing"[: limit - 2]
    rows = [("1.1", "project-coordinator", "A title", "because " * 9 + path), ("1.2", "dev-ops", "", "-")]

    told = table.headed(("id", "agent", "task", "why"), rows)
    assert max(map(len, told.splitlines())) <= limit
    assert {"1.1", "project-coordinator", path} <= set(told.split())
    assert told.split().count("because") == 9
    assert told.startswith("id     1.1\nagent  project-coordinator\n") == (limit == 30)
    assert ("id     1.2\nagent  dev-ops" in told) == (limit == 30)


def test_a_long_name_in_the_last_column_goes_below_its_row() -> None:
    """One test's long name does not take the room of all other columns, nor is it broken."""
    name = "tests/test_of_parts.py::test_that_all_parts_fit"
    rows = [("1.1", "A title of words", f"red: {name} and more"), ("1.2", "Another", "no reason")]
    columns = table.sizes(rows, 50)

    assert table.lines(rows, columns).splitlines() == [
        "1.1  A title of words",
        "     red:",
        f"   {name}",
        "     and more",
        "1.2  Another           no reason",
    ]


def test_only_a_word_wider_than_the_terminal_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes, nothing is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", "30")
    told = table.headed(("id", "path"), [("1.1", "x" * 70), ("1.2", "漢" * 40)])

    assert max(map(words.cells, told.splitlines())) <= 30
    assert (told.count("x"), told.count("漢")) == (70, 40)


def test_columns_line_up_under_wide_letters() -> None:
    """Letters that take two columns, and those that take none, count as what they take."""
    rows = [("漢字仮名", "first"), ("abcd", "second"), ("e\u0301e", "third"), ("⚙️ ✔", "fourth")]
    told = table.lines(rows, table.sizes(rows, 80)).splitlines()

    assert [words.cells(line.partition(name)[0]) for line, (_, name) in zip(told, rows, strict=True)] == [10] * 4
    assert words.shorten("漢字仮名漢字仮名", 9) == "漢字仮名…"
    assert words.wrapped("漢字仮名", 5) == ["漢字", "仮名"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\x1b]0;owned\x07\x1b[2J", "\\u001b]0;owned\\u0007\\u001b[2J"),
        ("\x1b[32mmerged\x1b[0m", "\\u001b[32mmerged\\u001b[0m"),
        ("a\x9b2Jb\x7f\x85", "a\\u009b2Jb\\u007f\\u0085"),
        ("\u202eabc\u2066d\u2069", "\\u202eabc\\u2066d\\u2069"),
        ("\ud800", "\\ud800"),
        ("a\tb\r\nc\rd\n", "a   b\nc\\u000dd\n"),
        ("漢 é ✔ \u200d", "漢 é ✔ \u200d"),
    ],
    ids=["title", "colour", "eight bits", "direction", "half", "breaks", "letters"],
)
def test_what_steers_a_terminal_is_shown_instead(text: str, told: str) -> None:
    """A control character is seen as JSON writes it; lines stay lines, tabs become spaces, letters are themselves."""
    assert screen_.visible(text) == told


def test_colours_of_ours_are_all_that_passes() -> None:
    """Text that we have coloured keeps our colours and nothing else."""
    styled = click.style("red", fg="red") + "\x1b[8mhidden\x1b[38;5;1m\x1b[H"

    assert screen_.visible(styled, styled=True) == ("\x1b[31mred\x1b[0m\\u001b[8mhidden\\u001b[38;5;1m\\u001b[H")


def test_a_table_in_a_file_has_one_line_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no terminal bounds it, a table has every row on one line, so that programs can search it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)
    rows = [("1.1", "word " * 60)]

    assert len(table.lines(rows, table.sizes(rows, table.width())).splitlines()) == 1


def test_only_whole_words_are_coloured() -> None:
    """A cell that is a known word is coloured without changing the table's shape."""
    rows = [("merged", "merged as x")]
    plain = table.lines(rows, [8, 11])

    coloured = table.lines(rows, [8, 11], {"merged": "green"})
    assert click.unstyle(coloured) == plain
    assert coloured.count("\x1b[32m") == 1


@pytest.mark.parametrize(
    ("done", "total", "expected"),
    [(0, 3, "░░░░"), (1, 3, "█░░░"), (2, 3, "██░░"), (199, 200, "███░"), (3, 3, "████"), (0, 0, "░░░░")],
)
def test_a_bar_is_full_only_when_all_is_done(done: int, total: int, expected: str) -> None:
    """A bar never shows more than there is."""
    assert table.bar(done, total, 4) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_lengths_of_time_are_told_in_words(seconds: float, expected: str) -> None:
    """A length of time is told in the units in which people think of it."""
    assert in_words(seconds) == expected


def test_a_long_sentence_hangs_below_its_beginning() -> None:
    """A sentence goes on under its own beginning; a long path is never broken, and moves left where it has to."""
    told = words.hanging("run      ", f"none; look at /{'x' * 34} and go on", 40)
    long = words.hanging("run      ", f"/{'x' * 40} and go on", 40)
    head = words.hanging(f"sync {'a-z ' * 6}: ", "nothing to move, or is there anything?", 40)

    assert told.splitlines() == ["run      none; look at", f"     /{'x' * 34}", "         and go on"]
    assert long.splitlines() == ["run", f"/{'x' * 40}", "         and go on"]
    assert head.splitlines() == [f"sync {'a-z ' * 6}: nothing", "  to move, or is there anything?"]


def test_agents_are_named_without_the_prefix_that_all_share() -> None:
    """`mcp-` says nothing where every agent bears it; in a sentence only agents lose it."""
    assert words.prefix(PLAN) == "mcp-"
    assert words.short(f"{SDK}: see mcp-notes.md", PLAN) == "claude-sdk-expert: see mcp-notes.md"
