"""Promises of the loop: what is journalled before what, when a session ends and why, and what a kill costs."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agents import loop
from agents.bench import Bench
from agents.ending import ALIKE, REPEATS
from agents.models import Turn
from agents.tools import Result, Tool, kit
from agents.transcript import Transcript
from orchestrator.errors import PlaybookExhausted, StorageError, TransientError, UnfitError
from orchestrator.home import Home
from orchestrator.journal import Journal, read
from orchestrator.models import JsonObject, Limits, Usage
from orchestrator.workspace import Repository
from tests.workbench import SLOT, Scripted, bash, bench, call, edit, session, told, turn

SESSION = session()
WORDS = {"type": "text", "text": "Let me think."}
FINISH = call("finish", summary="Done.")


@dataclass
class Table:
    """A session on a transcript of its own, with tools that note what happens in which order."""

    journal: Journal
    ran: list[str] = field(default_factory=list[str])
    recorded: list[int] = field(default_factory=list[int])

    def tool(
        self, name: str, does: Callable[[JsonObject, str], Awaitable[Result]] | None = None, *, reads: bool = False
    ) -> Tool:
        """Return a tool that notes its call, then does what it is told or gives its own input back."""

        async def run(given: JsonObject, place: str) -> Result:
            self.ran.append(f"{name} {place}")
            return await does(given, place) if does else Result(str(given), closing=given.get("close"))

        return Tool(name, {"name": name}, run, reads=lambda _: reads)

    def hold(self, model: Any, *tools: Tool, **more: Any) -> loop.Ended:
        """Run the session to its end."""
        transcript = Transcript(self.journal)
        if not transcript.recall(SESSION).messages:
            transcript.open(SESSION, "You are one.", "Do it.")
        fields: dict[str, Any] = {"limits": Limits(turns=30), "checkpoint": None} | more
        return asyncio.run(
            loop.run(
                loop.Conversation(
                    session=SESSION,
                    model=model,
                    tools={tool.name: tool for tool in (*tools, self.tool("close"))},
                    transcript=transcript,
                    on_turn=lambda number, _: self.recorded.append(number),
                    **fields,
                )
            )
        )

    def ids(self) -> list[str]:
        """Return what the transcript holds, in order."""
        return [record["id"].removeprefix(f"{SESSION.id}/") for record in read(self.journal.path)]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    """Return a fresh session."""
    journal = Journal(tmp_path / "transcript.jsonl")
    yield Table(journal)
    journal.close()


@pytest.fixture
def seat(home: Home, tmp_path: Path) -> Iterator[Bench]:
    """Return the bench of a work session."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # the sandbox's own user must come through
    with bench(home) as found:
        yield found


def closing(**given: Any) -> dict[str, Any]:
    """Return the call that closes a session of the table."""
    return call("close", close={"summary": "Done."}, **given)


def same(*blocks: dict[str, Any], times: int) -> list[Turn]:
    """Return so many equal turns."""
    return [turn(*blocks) for _ in range(times)]


# Order


def test_a_turn_is_on_disk_before_its_tools_run_and_their_results_before_the_next(table: Table) -> None:
    """Each step stands in the transcript before anything acts on it."""
    stood: list[list[str]] = []

    async def look(_given: JsonObject, _place: str) -> Result:
        stood.append(table.ids())
        return Result("seen")

    model = Scripted([turn(call("look")), turn(closing())])

    ended = table.hold(model, table.tool("look", look))

    assert stood == [["brief", "turn-1/start", "turn-1"]]
    assert table.ids() == [
        "brief", "turn-1/start", "turn-1", "turn-1/results", "turn-2/start", "turn-2", "turn-2/results",
    ]  # fmt: skip
    assert (ended.by, ended.closing, ended.turns) == ("finish", {"summary": "Done."}, 2)
    assert table.recorded == [1, 2]


def test_the_model_is_told_the_whole_conversation_in_the_apis_form(table: Table) -> None:
    """Brief, turns and results come back in order, each result by the id of its call, with the tools that there are."""
    model = Scripted([turn(WORDS, call("note", a=1), call("note", a=2)), turn(closing())])

    table.hold(model, table.tool("note"), model_name="claude-x")

    first, second = model.requests
    assert (first.system, first.model) == ("You are one.", "claude-x")
    assert first.messages == ({"role": "user", "content": "Do it."},)
    assert first.tools == ({"name": "note"}, {"name": "close"})
    assert [message["role"] for message in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1]["content"] == list(model.turns[0].content)
    assert told(model.requests) == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "{'a': 1}", "is_error": False},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "{'a': 2}", "is_error": False},
    ]


def test_calls_run_in_their_order_and_readers_side_by_side(table: Table) -> None:
    """Neighbours that only read meet each other; one that writes has the place to itself; results keep the order."""
    meeting = asyncio.Barrier(2)

    async def meet(_given: JsonObject, place: str) -> Result:
        async with asyncio.timeout(5):
            await meeting.wait()
        return Result(f"met {place}")

    calls = [call("see"), call("see"), call("write"), call("see"), call("see"), call("write")]
    model = Scripted([turn(*calls), turn(closing())])

    table.hold(model, table.tool("see", meet, reads=True), table.tool("write"))

    assert table.ran[:6] == ["see 1.1", "see 1.2", "write 1.3", "see 1.4", "see 1.5", "write 1.6"]
    contents = [block["content"] for block in told(model.requests)]
    assert contents == ["met 1.1", "met 1.2", "{}", "met 1.4", "met 1.5", "{}"]


# Answers to whatever a model says


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (call("web_search", query="x"), "There is no tool `web_search` here; there are note, close."),
        ({"type": "tool_use", "name": "note", "input": "words"}, "The input of `note` must be a JSON object."),
        ({"type": "tool_use", "name": "note", "input": None}, "The input of `note` must be a JSON object."),
        ({"type": "tool_use", "name": "note"}, "The input of `note` must be a JSON object."),
        ({"type": "tool_use", "name": "note", "input": [{}]}, "The input of `note` must be a JSON object."),
        (call("note", a="\ud800"), "`note` failed: UnicodeEncodeError: "),
    ],
    ids=["unknown tool", "text", "null", "nothing", "a list", "half a character"],
)
def test_a_call_that_cannot_be_carried_out_is_answered(table: Table, block: dict[str, Any], said: str) -> None:
    """Whatever a model calls, it reads in one line why not, and the session goes on."""
    model = Scripted([turn(block), turn(closing())])

    ended = table.hold(model, table.tool("note"))

    (result,) = told(model.requests)
    assert result["is_error"] and result["content"].startswith(said) and "\n" not in result["content"]
    assert ended.by == "finish" and table.ran == ["close 2.1"]


@pytest.mark.parametrize("error", [ValueError("two\nlines"), RecursionError("deep"), KeyError("x"), AssertionError()])
def test_an_unforeseen_fault_of_a_tool_is_one_line_for_the_agent(table: Table, error: Exception) -> None:
    """What an input provokes in a tool does not end the run."""

    async def fail(_given: JsonObject, _place: str) -> Result:
        raise error

    model = Scripted([turn(call("note")), turn(closing())])

    ended = table.hold(model, table.tool("note", fail))

    (result,) = told(model.requests)
    assert ended.by == "finish"
    assert result["is_error"] and "\n" not in result["content"]
    assert result["content"].startswith(f"`note` failed: {type(error).__name__}")


@pytest.mark.parametrize(
    "error", [StorageError("full"), OSError(28, "full"), TransientError("busy")], ids=["storage", "os", "transient"]
)
@pytest.mark.parametrize("reads", [True, False], ids=["side by side", "one by one"])
def test_a_fault_of_the_machine_stops_the_session_before_its_results(
    table: Table, error: Exception, *, reads: bool
) -> None:
    """A full disk is nobody's answer: the turn stands, its results do not, and what ran beside it has ended."""
    ended: list[str] = []

    async def fail(_given: JsonObject, _place: str) -> Result:
        raise error

    async def slow(_given: JsonObject, place: str) -> Result:
        await asyncio.sleep(0.01)
        ended.append(place)
        return Result("done")

    model = Scripted([turn(call("slow"), call("fail"))])

    with pytest.raises(type(error)):
        table.hold(model, table.tool("fail", fail, reads=reads), table.tool("slow", slow, reads=reads))

    assert table.ids()[-1] == "turn-1"
    assert ended == ["1.1"]


def test_words_alone_are_answered_once_and_then_end_the_session(table: Table) -> None:
    """A turn without a call gets one nudge; a second in a row is silence."""
    model = Scripted([turn(WORDS), turn(call("note")), turn(WORDS), turn(WORDS)])

    ended = table.hold(model, table.tool("note"))

    assert model.requests[1].messages[-1] == {"role": "user", "content": loop.NUDGE}
    assert (ended.by, ended.turns, ended.detail) == ("silence", 4, "two turns in a row without a tool call")


def test_an_empty_turn_leaves_a_conversation_that_can_go_on(table: Table) -> None:
    """A message without content is refused by the API, so none is kept."""
    model = Scripted([turn(), turn(closing())])

    ended = table.hold(model)

    assert ended.by == "finish"
    assert model.requests[1].messages[1] == {"role": "assistant", "content": [{"type": "text", "text": "(nothing)"}]}


# Closing


def test_other_calls_of_the_closing_turn_run_too(table: Table) -> None:
    """What stands beside the closing call, before or after it, is done, and the session ends."""
    model = Scripted([turn(call("note"), closing(), call("note"))])

    ended = table.hold(model, table.tool("note"))

    assert table.ran == ["note 1.1", "close 1.2", "note 1.3"]
    assert (ended.by, ended.turns) == ("finish", 1)


@pytest.mark.parametrize(
    "blocks",
    [(call("fail"), closing()), (closing(), call("fail")), (closing(), call("nothing")), (closing(), closing())],
    ids=["after a failure", "before a failure", "beside an unknown tool", "twice"],
)
def test_a_closing_beside_a_failure_does_not_close(table: Table, blocks: Sequence[dict[str, Any]]) -> None:
    """Nothing is handed over unseen: the agent reads what failed, and closes again."""

    async def fail(_given: JsonObject, _place: str) -> Result:
        return Result("No.", is_error=True)

    model = Scripted([turn(*blocks), turn(closing())])

    ended = table.hold(model, table.tool("fail", fail))

    assert (ended.by, ended.turns) == ("finish", 2)
    assert any(block["content"].startswith("Not closed") for block in told(model.requests))
    assert all(block["is_error"] for block in told(model.requests))


def test_a_verdict_ends_a_review(table: Table) -> None:
    """How a session ended tells a review from work."""
    model = Scripted([turn(call("close", close={"decision": "approve", "summary": "Good.", "findings": []}))])

    assert table.hold(model).by == "verdict"


def test_files_that_cannot_be_kept_are_the_agents_to_mend(table: Table) -> None:
    """A nested repository is named to the agent, and until it is gone the session does not close."""
    refusals = ["nested repositories cannot be kept: sub; remove them or their .git"]

    async def checkpoint() -> str:
        if refusals:
            raise UnfitError(refusals.pop())
        return "c" * 40

    model = Scripted([turn(closing()), turn(closing())])

    ended = table.hold(model, checkpoint=checkpoint)

    assert (ended.by, ended.turns) == ("finish", 2)
    result, refusal = told(model.requests)
    assert result["type"] == "tool_result"
    assert refusal["type"] == "text" and "nested repositories cannot be kept: sub" in refusal["text"]


def test_the_worktree_is_kept_only_after_what_may_have_changed_it(table: Table) -> None:
    """Reading, and what no tool carried out, costs no commit."""
    kept: list[int] = []

    async def checkpoint() -> str:
        kept.append(len(table.ran))
        return f"{len(kept)}" * 40

    turns = [turn(call("see")), turn(call("nothing")), turn(call("note")), turn(closing())]

    table.hold(Scripted(turns), table.tool("see", reads=True), table.tool("note"), checkpoint=checkpoint)

    results = [record for record in read(table.journal.path) if record["type"] == "results"]
    assert [record["commit"] for record in results] == [None, None, "1" * 40, "2" * 40]


# Bounds


def test_turns_are_bounded(table: Table) -> None:
    """The last turn's tools still run; no further turn is asked for."""
    model = Scripted([turn(call("note", n=number)) for number in range(9)])

    ended = table.hold(model, table.tool("note"), limits=Limits(turns=4))

    assert (ended.by, ended.turns, len(table.ran)) == ("turns", 4, 4)
    assert ended.detail == "the limit of 4 turns is reached"


def test_closing_in_the_last_turn_is_closing(table: Table) -> None:
    """A session that ends itself has not run into a limit."""
    assert table.hold(Scripted([turn(closing(), dollars=99.0)]), limits=Limits(turns=1, dollars=1)).by == "finish"


def test_seconds_are_bounded_over_kills(table: Table) -> None:
    """Time counts as journalled, so a session does not get its time anew by being resumed."""
    transcript = Transcript(table.journal)
    transcript.open(SESSION, "You are one.", "Do it.")
    message = {"role": "assistant", "content": [call("note") | {"id": "a"}]}
    usage = Usage().model_dump(mode="json")
    transcript.turn(SESSION, 1, {"message": message, "usage": usage, "seconds": 40.0, "stop_reason": "tool_use"})
    results = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]}
    transcript.results(SESSION, 1, {"message": results, "closing": None, "commit": None, "seconds": 30.0})

    ended = table.hold(Scripted([]), limits=Limits(seconds=60))

    assert (ended.by, ended.seconds, ended.detail) == ("seconds", 70.0, "the limit of 60 s is reached")


@pytest.mark.parametrize(
    ("prices", "by", "turns", "dollars"),
    [
        ([0.4, 0.4, 0.4], "dollars", 3, 1.2),
        ([0.4, None, 0.4, 0.4], "dollars", 4, None),
        ([None, None, None, None], "finish", 4, None),
        ([0.1, 0.1, 0.1, 0.1], "finish", 4, 0.4),
    ],
    ids=["known", "one unknown", "all unknown", "below"],
)
def test_known_dollars_are_bounded_and_unknown_ones_stay_unknown(
    table: Table, prices: list[float | None], by: str, turns: int, dollars: float | None
) -> None:
    """The known part alone can reach the limit; one unknown price makes the whole unknown, never less."""
    notes = [turn(call("note", n=number), dollars=price) for number, price in enumerate(prices)]
    model = Scripted([*notes[:3], turn(closing(), dollars=prices[3]) if by == "finish" else notes[-1], turn(closing())])

    ended = table.hold(model, table.tool("note"), limits=Limits(turns=30, dollars=1.0))

    assert (ended.by, ended.turns) == (by, turns)
    assert ended.usage.dollars == (pytest.approx(dollars) if dollars else None)
    assert ended.usage.output_tokens == turns


@pytest.mark.parametrize(
    ("cycle", "turns"),
    [(1, REPEATS), (2, 2 * REPEATS), (3, 3 * REPEATS)],
    ids=["one call", "back and forth", "three in turn"],
)
def test_the_same_again_and_again_is_a_loop(table: Table, cycle: int, turns: int) -> None:
    """Equal turns with equal results end the session with the reason, in a row or going round."""
    model = Scripted([turn(WORDS, call("note", n=number % cycle)) for number in range(20)])

    ended = table.hold(model, table.tool("note"))

    assert (ended.by, ended.turns) == ("loop", turns)
    assert ended.detail == "the same calls again and again, with the same results"


def test_results_that_differ_in_numbers_are_a_loop_later(table: Table) -> None:
    """A test run that says another time each time is still the same; measuring a few times is not held against it."""

    async def run(_given: JsonObject, place: str) -> Result:
        return Result(f"1 failed in 0.{place.replace('.', '')}s at 0x{int(float(place)):x}f")

    ended = table.hold(Scripted(same(call("test"), times=20)), table.tool("test", run))

    assert (ended.by, ended.turns) == ("loop", ALIKE)


@pytest.mark.parametrize("change", ["input", "result", "tool"])
def test_progress_is_no_loop(table: Table, change: str) -> None:
    """Another input, another result or another call in between is no repetition."""
    words = iter(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])

    async def run(_given: JsonObject, _place: str) -> Result:
        return Result(next(words) if change == "result" else "same")

    turns = [
        turn(call("note", n=number if change == "input" else 0), *([call("more")] * (number % 5 * (change == "tool"))))
        for number in range(11)
    ]

    ended = table.hold(Scripted([*turns, turn(closing())]), table.tool("note", run), table.tool("more"))

    assert ended.by == "finish"


# Models that do not answer


@dataclass
class Failing:
    """A model that fails with these errors in turn and then goes on like another."""

    errors: list[Exception]
    then: Scripted
    name: str = "failing"

    async def turn(self, request: Any) -> Turn:
        """Raise the next error, or give the next turn."""
        if self.errors:
            raise self.errors.pop(0)
        return await self.then.turn(request)


def test_a_passing_fault_of_the_model_goes_up_and_the_next_try_goes_on(table: Table) -> None:
    """Nothing that was journalled is asked for again."""
    model = Failing([], Scripted([turn(call("note")), turn(closing())]))
    first = Failing([], model.then)

    async def fail_next(_given: JsonObject, _place: str) -> Result:
        first.errors.append(TransientError("overloaded"))
        return Result("noted")

    with pytest.raises(TransientError, match="overloaded"):
        table.hold(first, table.tool("note", fail_next))
    ended = table.hold(model, table.tool("note"))

    assert (ended.by, ended.turns) == ("finish", 2)
    assert table.ran == ["note 1.1", "close 2.1"]


def test_a_playbook_without_a_next_turn_ends_the_session(table: Table) -> None:
    """Its words are the reason."""
    ended = table.hold(Failing([PlaybookExhausted("no more turns")], Scripted([])))

    assert (ended.by, ended.detail, ended.closing, ended.turns) == ("playbook", "no more turns", None, 0)


# Kills


def test_an_ended_session_is_not_run_again(table: Table) -> None:
    """What is journalled to its end is the same end, without a model or a tool."""
    first = table.hold(Scripted([turn(call("note")), turn(closing())]), table.tool("note"))
    before = len(table.ran)

    again = table.hold(Scripted([]), table.tool("note"))

    assert again == first
    assert len(table.ran) == before


def test_tools_run_again_only_where_their_results_are_not_journalled(table: Table) -> None:
    """After a kill between turn and results the turn is not asked for again; its calls run once more, as before."""
    places: list[str] = []

    async def die(_given: JsonObject, place: str) -> Result:
        places.append(place)
        if len(places) == 2:
            raise KeyboardInterrupt
        return Result("done")

    model = Scripted([turn(call("note", n=1)), turn(call("note", n=2)), turn(closing())])

    with pytest.raises(KeyboardInterrupt):
        table.hold(model, table.tool("note", die))
    asked = len(model.requests)
    ended = table.hold(model, table.tool("note", die))

    assert places == ["1.1", "2.1", "2.1"]
    assert (asked, len(model.requests)) == (2, 3)
    assert (ended.by, ended.turns) == ("finish", 3)


def hold(seat: Bench, turns: Sequence[Turn]) -> tuple[loop.Ended, str, Scripted]:
    """Run a real session on a bench from where it stands, as the work step does, and return how it ended and where."""
    repository = Repository(seat.home)
    journal = Journal(seat.home.transcript(SESSION.key))
    transcript = Transcript(journal)
    recalled = transcript.recall(SESSION)
    base = repository.head()
    repository.open_slot(SLOT, recalled.commit or base, seat.sandbox.owner(SLOT))
    if not recalled.messages:
        transcript.open(SESSION, "You are one.", "Do it.")

    async def checkpoint() -> str:
        return await asyncio.to_thread(repository.snapshot, SLOT, f"refs/mbo/work/{SESSION.id}", base)

    model = Scripted(list(turns))
    conversation = loop.Conversation(
        session=SESSION,
        model=model,
        tools=kit.tools(seat),
        limits=Limits(turns=20),
        transcript=transcript,
        checkpoint=checkpoint,
        on_turn=lambda *_: None,
    )
    try:
        ended = asyncio.run(loop.run(conversation))
        return ended, asyncio.run(checkpoint()), model
    finally:
        journal.close()


WORK = [
    turn(edit("create", "a.txt", file_text="one\n"), edit("view", "a.txt"), bash("cat a.txt")),
    turn(bash("mkdir sub && git -C sub init -q . && touch sub/x"), FINISH),
    turn(bash("rm -rf sub/.git"), edit("view", "missing.txt"), FINISH),
    turn(bash("echo two >> a.txt"), FINISH),
]


def test_a_whole_session_in_a_real_worktree(seat: Bench) -> None:
    """Files, a nested repository that must go, a closing too early, and the commit that holds the result."""
    ended, commit, model = hold(seat, WORK)

    assert (ended.by, ended.closing, ended.turns) == ("finish", {"summary": "Done."}, 4)
    assert [block["content"] for block in model.requests[1].messages[-1]["content"]] == [
        "Wrote a.txt.",
        "     1\tone",
        "one\n",
    ]
    repository = Repository(seat.home)
    assert "nested repositories cannot be kept: sub" in model.requests[2].messages[-1]["content"][-1]["text"]
    assert repository.read(commit, "a.txt") == b"one\ntwo\n"
    assert repository.files(commit) == ("a.txt", "sub/x")


DYING = """
import os, signal, sys
from pathlib import Path
from agents.transcript import Transcript
from orchestrator.home import Home
from tests import test_loop, workbench

at = int(sys.argv[2])
written = 0
append = Transcript._append

def dying(*arguments):
    global written
    if written == at:
        os.kill(os.getpid(), signal.SIGKILL)
    written += 1
    append(*arguments)

Transcript._append = dying
with workbench.bench(Home(Path(sys.argv[1]))) as seat:
    test_loop.hold(seat, test_loop.GROWING)
"""
MESSAGE = {"to_agent": "ALL", "message_type": "notification", "action": "test", "artifact": "code", "data": {}}
GROWING = [
    turn(edit("create", "log.txt", file_text=""), call("record_decision", subject="S", decision="D", reason="R")),
    *(turn(bash(f"echo {number} >> log.txt; ls > seen-{number}"), call("send_message", **MESSAGE)) for number in "12"),
    turn(FINISH),
]


@pytest.mark.parametrize(
    ("at", "asked"),
    [(3, 3), (4, 2), (8, 0)],
    ids=["a turn is lost", "results are lost", "the end is lost"],
)
def test_a_kill_anywhere_changes_nothing_of_what_comes_out(home: Home, tmp_path: Path, at: int, asked: int) -> None:
    """Killed before any step of the transcript, a session goes on to the same files, messages and decisions."""
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    root = Path(__file__).parent.parent

    died = subprocess.run([sys.executable, "-c", DYING, str(home.root), str(at)], cwd=root, env=os.environ, check=False)
    with bench(home) as seat:
        ended, commit, model = hold(seat, GROWING)
        said = [record["kind"] for record in read(home.metrics)]

    assert died.returncode == -signal.SIGKILL
    assert (ended.by, ended.turns) == ("finish", 4)
    assert len(model.requests) == asked
    repository = Repository(home)
    assert repository.read(commit, "log.txt") == b"1\n2\n"
    assert repository.read(commit, "seen-1") == b"log.txt\nseen-1\n"
    assert said == ["decision", "message", "message"]
    assert len(list((home.agent("mcp-testing-quality") / "messages").glob("*.json"))) == 2
