"""Promises of the report: right figures, the same text from the same journal, no markup of the agents' own."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from analytics.markdown import bar, code, dollars, duration, item, phrase, text
from analytics.page import html
from analytics.report import SECTIONS, VERSION, as_json, markdown
from orchestrator import holds
from orchestrator.errors import InputError
from orchestrator.home import Home
from orchestrator.journal import Journal, read
from orchestrator.models import Usage
from tests.history import PLAN, History, everything, use_powers, work


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Stand for an empty home."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Hold a run in which everything that can happen happened; not to be changed."""
    home = Home(tmp_path_factory.mktemp("built"))
    everything(home).end("failed", seconds=200)
    return home


@pytest.fixture(scope="module")
def disputed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Hold a run that in addition used every power, and stopped itself; not to be changed."""
    home = Home(tmp_path_factory.mktemp("disputed"))
    history = everything(home)
    use_powers(history)
    history.event("breaker", "b/1", {"failure": "gate", "tasks": ["3.2"], "reason": "3 tasks failed by red gates"})
    history.end("paused")
    return home


@pytest.fixture(scope="module")
def report(built: Home) -> str:
    """Hold the report on that run."""
    return markdown(built)


def section(report: str, title: str) -> str:
    """Return the text of one section."""
    return report.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()


def rows(report: str, title: str) -> dict[str, list[str]]:
    """Return the tables of one section: the cells behind each row's first."""
    lines = [line for line in section(report, title).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {first: rest for first, *rest in cells}


def words(report: str, title: str) -> str:
    """Return one section with its line breaks taken out."""
    return " ".join(section(report, title).split())


def test_summary_says_what_stands_and_what_it_rests_on(report: str) -> None:
    """The summary holds the totals of every other section."""
    said = words(report, "Executive summary")

    assert "**Merged 4 of 7 tasks**; 1 failed, 1 blocked, 1 waiting." in said
    assert "Complete components: 1 alpha, 2 beta. - Begun: 3 gamma (1 of 2)." in said
    assert "Lines of code: 147 added, 12 removed, 135 net." in said
    assert "Checks: 9 of 11 green, 29 tests passed in them." in said
    assert "Cost: unknown (over $1.50) for 14 turns." in said
    assert "1 run; the last build: failed, 3 m 20 s." in said
    assert "Checkout: fast-forwarded to abc123." in said


def test_scripted_turns_and_a_missing_sandbox_are_said_plainly(report: str) -> None:
    """Nobody takes a playbook for a model, or no sandbox for one."""
    said = words(report, "Executive summary")

    assert "Model: `playbook`. The turns were scripted by a playbook: no model was called for them." in said
    assert "Sandbox: `none`. What agents and checks ran was not isolated from this machine." in said


def test_a_real_model_in_a_sandbox_is_not_called_scripted(home: Home) -> None:
    """The warnings stand only where they are true, and for as many runs as they are."""
    history = History(home)
    history.begin(model="opus", sandbox="bubblewrap")

    alone = words(markdown(home), "Executive summary")
    history.run = "run-2"
    history.begin(model="playbook", sandbox="bubblewrap")
    mixed = words(markdown(home), "Executive summary")

    assert "Model: `opus`. - Sandbox: `bubblewrap`." in alone + "."
    assert "Model: `opus`, `playbook`. The turns of 1 of 2 runs were scripted by a playbook" in mixed
    assert "not isolated" not in mixed


def test_progress_counts_each_state_of_each_phase(report: str) -> None:
    """A phase shows its bar and how many tasks are in each state that any task is in."""
    table = rows(report, "Task completion")

    assert table["1 Ground"] == ["`############`", "3 of 3", "0", "0", "0"]
    assert table["2 Roof"] == ["`###.........`", "1 of 4", "1", "1", "1"]


def test_agents_get_the_tasks_they_ended(report: str) -> None:
    """A task that changed hands counts as planned for the one and merged for the other; reviews count as well."""
    table = rows(report, "Agent metrics")

    assert table["agent"] == ["planned", "merged", "failed", "blocked", "rounds", "reviews", "time"]
    assert table["`coder`"] == ["2", "3", "0", "0", "6", "0", "1 m 00 s"]
    assert table["`joiner`"] == ["1", "0", "0", "0", "1", "0", "10.0 s"]
    assert table["`watcher`"] == ["1", "0", "1", "0", "1", "0", "10.0 s"]
    assert table["`security`"] == ["0", "0", "0", "0", "0", "2", "8.0 s"]


def test_lines_are_summed_for_each_component(report: str) -> None:
    """Added, removed and net lines come from the merges."""
    table = rows(report, "Lines of code")

    assert table["1 alpha"] == ["2 of 2", "4", "130", "10", "120"]
    assert "4 delta" not in table
    assert section(report, "Lines of code").endswith("- Nothing merged: 4 delta.")
    assert table["all"] == ["4 of 7", "8", "147", "12", "135"]


def test_red_checks_name_their_problem_and_their_repair(report: str) -> None:
    """A red check is counted, quoted in one line, and either repaired by somebody or not."""
    said = words(report, "Checks")

    assert rows(report, "Checks")["tests"] == ["merged tree", "4", "4", "0", "12", "8.0 s"]
    assert "answer" in said and "| 7 |" in said
    assert (
        "**1.2** tests on the answer, attempt 1 round 1 (`coder`): 2 of 3 tests failed: test_a, test_b "
        "- Repaired by 1.2 in attempt 1 round 2 (`coder`)."
    ) in said
    assert "**3.2** tests on the answer, attempt 1 round 1 (`watcher`): no test ran - Not repaired." in said


def test_reviews_count_rounds_and_quote_the_veto(report: str) -> None:
    """A reviewed task shows its rounds, each kind of verdict, and the ruling that ended it."""
    assert rows(report, "Reviews")["2.1"] == ["approve (all-approve)", "2", "2", "1", "1", "0"]
    assert "**2.1** veto by `security`, attempt 1 round 1: the password is in the log" in words(report, "Reviews")


def test_integration_points_are_merges_that_need_several_components(report: str) -> None:
    """Only the merge whose dependencies lie in two components is named, with both."""
    assert words(report, "Integration points") == "- **3.1** Join both ends (`coder`) joins alpha, beta."


def test_conflicts_name_both_sides_and_their_end(report: str) -> None:
    """A conflict shows its files, the task it met, who repaired it and the merge."""
    assert words(report, "Conflicts") == (
        "- **2.1** (`coder`, attempt 1 round 2) with 1.2 in `src/store.py`. "
        "- `coder` was sent to repair it in attempt 1 round 3; merged as `abc123abc123`."
    )


def test_unknown_prices_are_unknown_and_playbooks_cost_nothing(report: str) -> None:
    """Each agent's tokens on each model are summed; an unknown price stays unknown in its row and in the total."""
    lines = [re.sub(r" +", " ", line) for line in section(report, "Tokens and dollars").splitlines()]

    assert [line for line in lines if line.startswith("Model")] == [
        "Model `homemade`:",
        "Model `opus`:",
        "Model `playbook`:",
    ]
    assert "| `architect` | 2 | 300 | 100 | 0 | 0 | $0.00 |" in lines
    assert "| `coder` | 2 | 2,000 | 20 | 0 | 0 | $1.50 |" in lines
    assert "| `coder` | 3 | 21 | 0 | 0 | 0 | unknown |" in lines
    assert lines[-1] == "All models: 14 turns, unknown (over $1.50)."


def test_times_are_split_into_work_review_and_checks(report: str) -> None:
    """A task's sessions, its reviewers' sessions and its checks are summed apart, beside the whole."""
    table = rows(report, "Time")

    assert table["run-1"] == ["2026-01-02 03:04", "playbook", "none", "failed", "3 m 20 s"]
    assert table["2.1"] == ["30.0 s", "16.0 s", "8.0 s", "20.0 s"]
    assert table["4.1"] == ["0.0 s", "0.0 s", "0.0 s", "20.0 s"]


def test_decisions_are_quoted_harmlessly(report: str) -> None:
    """A decision shows its subject, its words and its reason, with no markup of the agent's own."""
    assert words(report, "Decisions and authority") == (
        r"- **1.1** `architect`: Layout - Decided: One \| package - Because: \<b>Short\</b> imports"
    )


def test_every_use_of_a_power_is_told(disputed: Home) -> None:
    """Approvals, waivers, holds, component reviews, deadlocks and pauses stand beside the decisions, with their end."""
    said = words(markdown(disputed), "Decisions and authority")

    for told in (
        "**1.1** approved by `coordinator`: sound",
        "**4.2** waits for the approval of `user`.",
        "**2.1**: veto set aside by `user`: known and accepted",
        "component 1 (alpha) held by a block of `security`: thin tests - Lifted: security approves in review 2",
        "component 1 (alpha) held by a block of `tester`: thin tests - Lifted: waived: for us only",
        "component 3 (gamma) held by a block of `security`: thin tests - Lifted: said anew in a later review",
        "component 3 (gamma) held by a veto of `security`: thin tests - It stands; lifted by a later review",
        "component 3 (gamma), review 2: veto.",
        "**3.2** deadlocked (rounds): they go in circles - Resolved by `coordinator`, give-up: too big",
        "**3.2** deadlocked (requests): they go in circles - Not resolved.",
        "run `run-1` stopped itself: 3 tasks failed by red gates",
    ):
        assert told in said


def test_contradictions_show_both_sides_and_which_one_stands(disputed: Home) -> None:
    """They follow the merge conflicts; an open one says so."""
    said = words(markdown(disputed), "Conflicts")

    assert (
        "two sides on one decision, Format 1 - 1.1 `architect`: use a - 1.2 `coder`: use b "
        "- Open: nobody has said which one stands."
    ) in said
    assert (
        "Format 2 - 1.1 `architect` (stands): use a - 1.2 `coder`: use bb - Resolved by `architect`: by rank"
    ) in said


def test_json_holds_the_rows_of_every_section(disputed: Home) -> None:
    """The names are stable and versioned, times are UTC in ISO form, and the rows are those of the questions."""
    value = json.loads(as_json(disputed))

    assert value["version"] == VERSION
    assert (value["plan"]["name"], value["phase"], value["began"]) == ("ends", None, "2026-01-02T03:04:01.000Z")
    assert [name for name in value if isinstance(value[name], dict)][1:] == [section.name for section in SECTIONS]
    assert value["executive_summary"]["totals"][0]["merged"] == 4
    assert [row["state"] for row in value["task_completion"]["tasks"]][-3:] == ["failed", "blocked", "waiting"]
    assert value["decisions_and_authority"]["component_reviews"][0]["decision"] == "veto"
    assert {row["kind"] for row in value["timeline"]["spans"]} == {"work", "review", "gate", "integrate"}


def test_a_phase_has_its_own_rows(disputed: Home) -> None:
    """JSON on one phase holds nothing of the other's tasks."""
    value = json.loads(as_json(disputed, phase=1))

    assert [row["task"] for row in value["task_completion"]["tasks"]] == ["1.1", "1.2", "2.1"]
    assert [row["task"] for row in value["decisions_and_authority"]["approvals"]] == ["1.1"]
    assert [row["component"] for row in value["decisions_and_authority"]["holds"]] == [1, 1]


def test_the_report_tells_of_the_holds_that_the_release_waits_for(disputed: Home) -> None:
    """What stands, and what lifts it, is the same for the report as for whoever starts a release, word for word."""
    rows = json.loads(as_json(disputed))["decisions_and_authority"]["holds"]
    stand = holds.standing(read(disputed.metrics))

    names = ("component", "by_agent", "power", "reason", "lifts")
    told = [tuple(row[name] for name in names) for row in rows if row["lifted"] is None]
    assert told == [(hold.component, hold.by, hold.power, hold.reason, hold.lifts) for hold in stand]
    assert told


def test_reassignments_say_from_whom_to_whom_and_why(report: str) -> None:
    """A task that changed hands shows both, the reason and how it stands."""
    assert words(report, "Reassignments") == (
        "- **3.1** from `joiner` to `coder` (attempt 2): no usable answer in 3 rounds - The task is merged."
    )


def test_failures_say_why_and_what_they_hold_up(report: str) -> None:
    """A failure shows its reason and all that waits for it, near and far; what is blocked by it follows."""
    assert words(report, "Failures") == (
        "- **3.2** Watch the ends (`watcher`) failed: red after 3 rounds "
        "- Lifted by another try. - Holds up: 4.1, 4.2. "
        "- **4.1** Show the ends blocked: 3.2 failed"
    )


def test_rulings_stand_apart_from_what_agents_decided(home: Home) -> None:
    """A ruling is told with its task, the task's title and its rule, below the decisions on the design."""
    history = everything(home)
    made = {"id": "d/2", "time": "2026-01-02T03:04:05Z", "task_id": "1.2", "agent": "security", "reason": "unsafe"}
    ruling = {**made, "subject": "answer 1.1 to task 1.2", "decision": "veto", "authority": "security-veto"}
    history.event("decision", "d/2", ruling, task="1.2", agent="security")

    designs, _, rulings = section(markdown(home), "Decisions and authority").partition("### Rulings and powers")
    page = html(home)

    assert "**1.1**" in designs and "answer 1.1 to task 1.2" not in designs
    assert "**1.2** Parse the input: veto by `security` (answer 1.1 to task 1.2; security-veto)" in " ".join(
        rulings.split()
    )
    assert page.index("<h3>What agents decided</h3>") < page.index("<h3>Rulings and powers</h3>") < page.index("unsafe")


def test_turns_that_cost_nothing_are_one_line(home: Home) -> None:
    """What a playbook took is no table of zeros; a model's turns are one, and all are in the sum."""
    history = History(home)
    history.begin()
    history.session(work("1.1", "architect"), Usage(), Usage())
    history.session(work("1.2", "coder"), Usage(input_tokens=7, dollars=2.0), model="opus")

    said = section(markdown(home), "Tokens and dollars")

    assert list(rows(markdown(home), "Tokens and dollars")) == ["agent", "-" * 7, "`coder`", "all"]
    assert "- Turns without tokens and cost: architect 2." in said
    assert said.endswith("All models: 3 turns, $2.00.")


def test_a_phase_shows_itself_alone(built: Home) -> None:
    """The report on one phase counts only that phase's tasks."""
    report = markdown(built, phase=2)

    assert report.startswith("# Build report: ends, phase 2 (Roof)\n")
    assert "**Merged 1 of 4 tasks**" in report
    assert list(rows(report, "Task completion")) == ["phase", "-" * 6, "2 Roof"]
    assert section(report, "Decisions and authority") == "No decision was recorded."
    assert "2.1" not in rows(report, "Time")


def test_an_unknown_phase_names_those_there_are(built: Home) -> None:
    """Asking for a phase that is not in the plan says which are."""
    with pytest.raises(InputError, match="phase 7: not in this plan; ask for one of 1, 2"):
        markdown(built, phase=7)


def test_the_same_journal_gives_the_same_text(built: Home, report: str, tmp_path: Path) -> None:
    """The report is the same byte for byte, from the file, from a new file, and in a home elsewhere."""
    copy = Home(tmp_path / "copy")
    copy.shared.mkdir(parents=True)
    shutil.copy(built.metrics, copy.metrics)

    elsewhere = markdown(copy)
    from_file = markdown(copy)
    copy.database.unlink()
    again = markdown(copy)

    assert [elsewhere, from_file, again] == [report, report, report]


def test_an_empty_section_says_so(home: Home) -> None:
    """A build that has only begun reports without a gap."""
    history = History(home)
    history.begin()

    report = markdown(home)

    assert "**Merged 0 of 7 tasks**; 7 waiting." in report
    assert section(report, "Failures") == "Nothing failed, nothing is blocked."
    assert section(report, "Reviews") == "Nothing was reviewed."
    assert "no end" in section(report, "Time")


def test_a_retried_task_is_judged_by_its_last_end(home: Home) -> None:
    """A task that failed in one run, is in work in the next and is merged there, stands as what it is each time."""
    history = History(home)
    history.begin()
    history.outcome(work("1.1", "architect"), "failed", "red")
    failed = markdown(home)
    history.run = "run-2"
    history.begin()
    history.session(work("1.1", "architect", number=2, cause="gate"), Usage())
    in_work = markdown(home)
    history.merged(work("1.1", "architect", number=2), 1, 0)
    merged = markdown(home)

    assert "**Merged 0 of 7 tasks**; 1 failed, 6 waiting." in failed
    assert "**Merged 0 of 7 tasks**; 1 in work, 6 waiting." in in_work
    assert "**Merged 1 of 7 tasks**; 6 waiting." in merged


def test_an_older_plan_that_is_run_again_is_the_one_reported(home: Home) -> None:
    """The plan of the newest run counts, though its event is older than another plan's."""
    history = History(home)
    history.begin()
    history.run = "run-2"
    history.begin(plan={**PLAN, "name": "other"})
    other = markdown(home)
    history.run = "run-3"
    history.begin()

    assert other.startswith("# Build report: other\n")
    assert markdown(home).startswith("# Build report: ends\n")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        pytest.param(lambda _: None, "run `mbo init` first", id="no home"),
        pytest.param(lambda home: Journal(home.metrics).close(), "nothing has run yet", id="empty journal"),
        pytest.param(lambda home: History(home).event("plan", "plan/x", PLAN), "nothing has run yet", id="only a plan"),
    ],
)
def test_without_a_run_it_says_what_to_do(home: Home, prepare: Callable[[Home], None], message: str) -> None:
    """No home and no run are one clear line each, and nothing is created."""
    prepare(home)

    with pytest.raises(InputError, match=message) as error:
        markdown(home)
    assert "\n" not in str(error.value)
    assert not home.database.exists()


def test_plain_text_keeps_to_a_hundred_columns(home: Home) -> None:
    """Long words of agents are wrapped or cut, so that the report fits a terminal."""
    history = History(home)
    history.begin()
    ref = work("1.1", "architect")
    history.check(ref, "answer", problem="a very long story " * 50 + "x" * 500)
    history.verdict(ref, "security", "veto", "/a/path" * 60)
    history.outcome(ref, "failed", "because " * 200)

    report = markdown(home)

    assert max(len(line) for line in report.splitlines()) <= 100


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param("a | b", r"a \| b", id="pipe"),
        pytest.param("one\n\n# two\r\nthree", r"one \# two three", id="newlines and heading"),
        pytest.param("`rm` ```x", r"\`rm\` \`\`\`x", id="backticks"),
        pytest.param("<script>", r"\<script>", id="html"),
        pytest.param("&lt; R&D &", r"\&lt; R\&D &", id="entities"),
        pytest.param("![i](http://x) [l](y)", r"!\[i](http://x) \[l](y)", id="links"),
        pytest.param("**b** snake_case __init__", r"\*\*b\*\* snake_case \_\_init\_\_", id="emphasis"),
        pytest.param("- a 1. b > c === d", r"\- a 1\. b \> c \=== d", id="line starts"),
        pytest.param("red \x1b[31mtext\u202e", r"red \[31mtext", id="terminal codes"),
        pytest.param(r"back\slash", r"back\\slash", id="backslash"),
        pytest.param("", "-", id="nothing"),
        pytest.param(None, "-", id="none"),
    ],
)
def test_foreign_words_stay_words(words: str | None, shown: str) -> None:
    """Nothing an agent writes becomes markup, a second line or a terminal code."""
    assert text(words) == shown


def test_our_own_words_name_commands_as_code() -> None:
    """A command to type stays one, and all around it is as harmless as other words."""
    assert phrase("wait, or `mbo waive 1.1 --reason …`") == "wait, or `mbo waive 1.1 --reason …`"
    assert phrase("<b> `rm -rf` `mbo down`") == r"\<b> \`rm -rf\` `mbo down`"


def test_text_is_bounded() -> None:
    """Long words and long texts are cut, and say so."""
    assert text("x" * 100) == "x" * 71 + "…"
    assert len(text("word " * 100, limit=50)) <= 50


def test_code_spans_hold_only_what_they_can() -> None:
    """A name with a backtick or a pipe is escaped text instead."""
    assert (code("coder"), code("a|b"), code("a`b")) == ("`coder`", r"a\|b", r"a\`b")


def test_items_wrap_between_words() -> None:
    """The lines of a list item stay in the item, and its details are items below it."""
    lines = item("word " * 30, "detail " * 30)

    assert [line[:5] for line in lines] == ["- wor", "  wor", "  - d", "    d", "    d"]


@pytest.mark.parametrize(
    ("done", "whole", "filled"),
    [(0, 3, 0), (1, 3, 4), (199, 200, 11), (200, 200, 12), (0, 0, 0)],
    ids=["none", "third", "almost", "all", "empty"],
)
def test_a_bar_is_full_only_when_all_is_done(done: int, whole: int, filled: int) -> None:
    """The bar rounds down."""
    assert bar(done, whole) == f"`{'#' * filled}{'.' * (12 - filled)}`"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0, "0.0 s"), (59.94, "59.9 s"), (59.97, "1 m 00 s"), (3599.6, "1 h 00 m"), (7500, "2 h 05 m")],
    ids=["none", "zero", "seconds", "minute", "hour", "hours"],
)
def test_durations_read_like_speech(seconds: float | None, said: str) -> None:
    """Seconds become minutes and hours without a sixty in either."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("known", "unpriced", "said"),
    [
        (0, 0, "$0.00"),
        (0.0042, 0, "$0.0042"),
        (1234.5, 0, "$1,234.50"),
        (0, 2, "unknown"),
        (2, 1, "unknown (over $2.00)"),
    ],
    ids=["nothing", "cents", "much", "unknown", "partly"],
)
def test_an_unknown_price_is_never_nothing(known: float, unpriced: int, said: str) -> None:
    """Only money that was counted is shown as money."""
    assert dollars(known, unpriced) == said
