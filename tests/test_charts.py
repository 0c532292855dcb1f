"""Promises of the charts: time is drawn in order, nothing lies on something else, and words stay words."""

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from analytics import paths
from analytics.charts import bar, burn_up, clock, graph, svg, timeline

START = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 the store's times are UTC without saying so
SECOND = timedelta(seconds=1)
DEPS = {"1": [], "2": ["1"], "3": ["1", "2"], "4": ["3", "1"], "5": ["elsewhere"]}


def span(began: float, ended: float, **given: Any) -> dict[str, Any]:
    """Return what an agent did between two seconds."""
    row = {"kind": "work", "agent": "coder", "task": "1.1", "attempt": 1, "round": 1, "met": None, "detail": None}
    return {**row, "began": START + began * SECOND, "ended": START + ended * SECOND, **given}


def task(name: str, component: int, *deps: str, state: str = "waiting") -> dict[str, Any]:
    """Return a task as the store tells it."""
    names = {"task": name, "title": f"title of {name}", "agent": "coder", "component_name": f"part {component}"}
    return {**names, "component": component, "deps": list(deps), "state": state}


def test_a_pause_is_squeezed_and_what_happened_is_not() -> None:
    """Two minutes of work with a night between them are drawn as two minutes and a narrow pause."""
    night = 8 * 3600.0
    time = clock.of([(START, START + 60 * SECOND), (START + (night + 60) * SECOND, START + (night + 120) * SECOND)])

    pauses = list(time.pauses())

    assert time.seconds == pytest.approx(122.4)
    assert [length for _, _, length in pauses] == [timedelta(hours=8)]
    assert time.at(START + 30 * SECOND) == 30
    assert time.at(START + (night + 90) * SECOND) == pytest.approx(92.4)
    assert time.at(START + 3600 * SECOND) == pytest.approx(pauses[0][1])


@pytest.mark.parametrize("seconds", [0.5, 7, 90, 5400, 86400 * 3, 86400 * 400], ids=lambda value: f"{value:g} s")
def test_there_are_a_few_ticks_and_none_too_near(seconds: float) -> None:
    """Whatever the length, the labels have room beside each other."""
    time = clock.of([(START, START + seconds * SECOND)])

    ticks = [at for at, _ in time.ticks(7)]

    assert len(ticks) <= 8
    assert all(later - earlier >= time.seconds / 10 for earlier, later in pairwise(ticks))


def test_after_a_pause_the_date_is_told() -> None:
    """The first label behind a pause is the moment at which work went on."""
    time = clock.of([(START, START + 60 * SECOND), (START + 86400 * SECOND, START + 86460 * SECOND)])

    assert (pytest.approx(62.4), "03 Jan 03:04") in time.ticks(7)


def test_nothing_happened_is_no_error() -> None:
    """A build that has only begun has an empty clock, timeline and burn-up."""
    time = clock.of([])

    assert time.seconds == 1
    assert "<rect" not in timeline.draw([], time)
    assert "0 of 3 tasks" in burn_up.draw([], 3, time)


def test_what_happens_at_once_is_drawn_in_lanes() -> None:
    """Two things that an agent does at once lie below each other, a third that follows is back in the first lane."""
    spans = [span(0, 10), span(5, 12, kind="review"), span(12, 20)]

    drawn = timeline.draw(spans, clock.of([(row["began"], row["ended"]) for row in spans]))

    assert len(set(re.findall(r'<rect x="[^"]*" y="([^"]*)"', drawn))) == 2


def test_a_bar_says_what_it_was_and_a_conflict_is_marked() -> None:
    """Red gates and merge conflicts differ by more than colour, and their words are escaped."""
    spans = [
        span(0, 9, kind="gate", met="red", detail="<b>1 failed</b>"),
        span(9, 10, kind="integrate", met="conflict"),
    ]

    drawn = timeline.draw(spans, clock.of([(row["began"], row["ended"]) for row in spans]))

    assert 'class="bar gate red"' in drawn
    assert "1.1 checks of the answer, red, attempt 1 round 1, 03:04:00 for 9.0 s: &lt;b&gt;1 failed" in drawn
    assert drawn.count('class="mark"') == 1


def test_a_task_stands_behind_all_that_it_waits_for_and_on_nothing() -> None:
    """Dependencies are to the left, components are rows from top to bottom, and no two tasks share a place."""
    tasks = [
        task("1.1", 1),
        task("1.2", 1, "1.1"),
        task("1.3", 1, "1.1"),
        task("2.1", 2, "1.2", "gone"),
        task("2.2", 2),
    ]

    places, bands = graph.arrange(tasks)

    assert len(set(places.values())) == 5
    assert all(places[dep].x < places[row["task"]].x for row in tasks for dep in row["deps"] if dep in places)
    assert [band.name for band in bands] == ["1 part 1", "2 part 2"]
    assert max(places[name].y for name in ("1.1", "1.2", "1.3")) < bands[1].top < places["2.1"].y


def test_what_the_end_hangs_on_and_what_can_begin_stand_out() -> None:
    """The critical path is drawn as a line of its own, what is ready differs from what waits, and both are said."""
    tasks = [task("1.1", 1, state="merged"), task("1.2", 1, "1.1"), task("2.1", 2, "1.2"), task("2.2", 2)]
    marked = graph.Marked(path=["1.2", "2.1"], ready={"1.2", "2.2"})

    drawn = graph.draw(tasks, marked)

    assert drawn.count('class="critical"') == 1
    assert {
        name: drawn.count(f'class="node waiting{name}"') for name in (" critical ready", " critical", " ready")
    } == {
        " critical ready": 1,
        " critical": 1,
        " ready": 1,
    }
    assert "1.2 title of 1.2: waiting (coder); waits for 1.1; on the critical path; ready to start" in drawn


def test_a_narrow_graph_has_what_is_begun_with_names_above_it() -> None:
    """A phone is shown the components in which something happened; no column of names takes their room."""
    tasks = [task("1.1", 1, state="merged"), task("1.2", 1, "1.1"), task("2.1", 2, "1.2")]

    drawn = graph.draw(graph.begun(tasks), is_narrow=True)
    places, bands = graph.arrange(graph.begun(tasks), head=16)

    assert "1 part 1" in drawn and "part 2" not in drawn
    assert drawn.count("<svg") == 1
    assert min(place.y for place in places.values()) - bands[0].top > 16


def test_the_timeline_can_be_read_in_words() -> None:
    """Each agent's bars are told in the order of time, for whom no pointer can rest on them."""
    spans = [span(5, 7, task="1.2"), span(0, 2), span(3, 4, agent="reviewer", kind="review")]

    told = timeline.told(spans)

    assert [agent for agent, _ in told] == ["coder", "reviewer"]
    assert [words.partition(" ")[0] for words in told[0][1]] == ["1.1", "1.2"]


def test_a_state_has_a_sign_of_its_own() -> None:
    """Whoever sees no colours sees signs; an unknown state is drawn as waiting."""
    states = ("merged", "in work", "failed", "blocked", "skipped", "waiting")

    signs = {re.search(r' d="([^"]+)"', bar.swatch(state)) for state in states}

    assert len({sign[1] for sign in signs if sign}) == 6
    assert bar.swatch("invented") == bar.swatch("waiting")


def test_the_burn_up_ends_where_the_build_stands_and_the_band_begins_there() -> None:
    """Three of four tasks are merged at the end of what was; the forecast goes on from that point to the edge."""
    time = clock.of([(START, START + 100 * SECOND)])
    merges = [{"task": str(n), "merged": START + n * 25 * SECOND} for n in (1, 2, 3)]
    ahead = [burn_up.Band(0, 3, 3, 3), burn_up.Band(100, 3, 4, 4)]

    drawn = burn_up.draw(merges, 4, time, ahead, [burn_up.Mark("90 %", 100)])
    longer = burn_up.draw(merges, 4, time, [*ahead, burn_up.Band(900, 4, 4, 4)], [burn_up.Mark("90 %", 100)])

    assert longer == drawn  # what lies behind the last mark would be a flat line
    assert "90 %: +1 m 40 s" in drawn
    assert "M0 1000H125.0V750.0H250.0V500.0H375.0V250.0H500.0" in drawn
    assert 'd="M500.0 250.0L1000.0 0.0L1000.0 250.0L500.0 250.0z" class="band"' in drawn
    assert "+1 m 40 s" in drawn


@pytest.mark.parametrize(
    ("known", "text"),
    [
        pytest.param({"a": 1, "b": '"'}, '<g a="1" b="&#34;"></g>', id="quotes"),
        pytest.param(
            {"class_": "x", "stroke_width": 1.5, "no": None}, '<g class="x" stroke-width="1.5"></g>', id="names"
        ),
    ],
)
def test_attributes_are_escaped(known: dict[str, Any], text: str) -> None:
    """No value ends its attribute."""
    assert svg.tag("g", **known) == text


def test_longest_paths_count_what_is_known() -> None:
    """A task's path is the heaviest one that ends with it, and what is not there weighs nothing."""
    assert paths.longest(DEPS, dict.fromkeys(DEPS, 1)) == {"1": 1, "5": 1, "2": 2, "3": 3, "4": 4}


def test_an_edge_that_others_imply_is_left_out() -> None:
    """What a dependency waits for already is no edge of its own."""
    assert paths.direct(DEPS) == {"1": [], "2": ["1"], "3": ["2"], "4": ["3"], "5": []}
