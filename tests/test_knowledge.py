"""Promises about what agents learned: found by any words, across all agents, once each, and never lost for good."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from agents.context.knowledge import find, fitting, learn, rebuild, records, search
from orchestrator.errors import StorageError
from orchestrator.home import Home
from orchestrator.models import Knowledge, now

ROOT = Path(__file__).parent.parent


def known(name: str, title: str, text: str = "nothing more", agent: str = "mcp-testing") -> Knowledge:
    """Return a record of knowledge."""
    about = {"task_id": "1.1", "type": "pattern", "references": ("src/a.py",)}
    return Knowledge.model_validate({"id": name, "time": now(), "agent": agent, "title": title, "text": text, **about})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a home in which two agents know something."""
    home = Home(tmp_path)
    learn(home, "mcp-testing", known("k1", "Fixtures", "Use tmp_path for every file a test writes."))
    learn(home, "mcp-security", known("k2", "Paths", "Resolve a path before comparing it.", "mcp-security"))
    return home


BOTH = ("mcp-testing", "mcp-security", "mcp-without-file")
STRANGE = (
    *('"', "'", "path AND", "NOT path", "NEAR(", "title:path*", "^path", "-", "", " \n", "\0path", "path\ud83d", "((("),
    *("{a b}: x", "路径", "path OR", "a;drop table knowledge", "'; --"),
)


def ids(records: list[Knowledge]) -> list[str]:
    """Return the ids of records."""
    return [record.id for record in records]


def test_comes_back_equal(home: Home) -> None:
    """A found record is what was learned, every field of it."""
    record = known("k3", "Timeouts", "Give every subprocess a timeout.")
    learn(home, "mcp-testing", record)

    assert search(home, BOTH, "timeout subprocess") == [record]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("fixtures", ["k1"]),
        ("RESOLVE", ["k2"]),
        ("comparing paths", ["k2", "k1"]),
        ("a test that writes files", ["k1"]),
        ("a", ["k2", "k1"]),
        ("tmp_path", ["k1"]),
        ("submarine", []),
    ],
    ids=[
        "title",
        "case",
        "forms of a word",
        "some words of many",
        "only words that say nothing",
        "identifier",
        "unknown",
    ],
)
def test_finds_by_words_best_first(home: Home, query: str, found: list[str]) -> None:
    """Words in a title or text find a record in any agent's file, the better match first."""
    assert ids(search(home, BOTH, query)) == found


def test_small_file_ranks_beside_a_large_one(home: Home) -> None:
    """The one record that matches best comes first, though its agent knows little and another knows much."""
    learn(home, "mcp-security", known("best", "Rotate signing keys", "Rotate signing keys each month."))
    for number in range(30):
        learn(home, "mcp-testing", known(f"n{number}", f"Note {number}", "Nothing about it."))
    learn(home, "mcp-testing", known("weak", "Keys", "A dictionary keeps its keys in the order they were added."))

    assert ids(search(home, BOTH, "rotate signing keys"))[:2] == ["best", "weak"]


def test_searches_only_the_agents_asked(home: Home) -> None:
    """What another agent knows stays out, and an agent without a file is no error and gets none."""
    assert ids(search(home, ["mcp-security", "mcp-without-file"], "path test fixtures")) == ["k2"]
    assert not home.agent("mcp-without-file").exists()


@pytest.mark.parametrize("author", BOTH[:2])
def test_a_superseded_record_is_kept_and_not_found(home: Home, author: str) -> None:
    """Whoever's file holds the newer record, the older one is found by nobody, even where only its agent is asked."""
    newer = known("k3", "Fixtures", "Use tmp_path_factory.", author).model_copy(update={"supersedes": ("k1",)})
    learn(home, author, newer)

    assert ids(search(home, BOTH, "fixtures")) == ["k3"]
    assert "k1" not in ids(search(home, ["mcp-testing"], "fixtures"))
    assert ids(records(home, BOTH)) == ["k1", "k2", "k3"]
    assert find(home, "k1") is not None and find(home, "k9") is None


def test_the_solution_of_an_issue_is_searched_too(home: Home) -> None:
    """Who looks for the cure finds the ill."""
    learn(home, "mcp-testing", known("k3", "Locked").model_copy(update={"solution": "Wait for the mutex."}))

    assert ids(search(home, BOTH, "mutex")) == ["k3"]


def test_records_fit_a_budget_best_first(home: Home) -> None:
    """As many of the first as the budget holds, and one in any case."""
    found = [known(f"n{number}", "1234", "x" * 96) for number in range(4)]

    assert [len(fitting(found, budget)) for budget in (10, 100, 299, 300, 10_000)] == [1, 1, 2, 3, 4]


def test_gives_no_more_than_the_limit(home: Home) -> None:
    """A brief stays short however much is known."""
    for number in range(12):
        learn(home, "mcp-testing", known(f"n{number}", "Path"))

    assert len(search(home, BOTH, "path")) == 5
    assert len(search(home, BOTH, "path", limit=2)) == 2


@pytest.mark.parametrize("query", STRANGE)
def test_any_text_is_a_query(home: Home, query: str) -> None:
    """Whatever a person or a model types finds what its words find, and is never a syntax error."""
    found = set(ids(search(home, BOTH, query)))

    assert found >= ({"k2"} if "path" in query else set())


def test_a_page_of_text_is_a_query(home: Home) -> None:
    """Thousands of words are no error, and only the first of them count, so that none takes long."""
    page = " ".join(f"word{number}" for number in range(5000))

    assert ids(search(home, BOTH, f"fixtures {page}")) == ["k1"]
    assert search(home, BOTH, f"{page} fixtures") == []


def test_learning_again_changes_nothing(home: Home) -> None:
    """A step repeated after a kill doubles nothing: the first record of an id stands and is found once."""
    learn(home, "mcp-testing", known("k1", "Another title", "Other text about fixtures."))

    assert [record.title for record in search(home, BOTH, "fixtures")] == ["Fixtures"]
    assert search(home, BOTH, "another title") == []


def test_threads_may_learn_at_once(home: Home) -> None:
    """Sessions side by side, the first of them making the file, lose and double nothing."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: learn(home, "mcp-new", known(f"n{number % 20}", "Shared note")), range(40)))

    assert sorted(ids(search(home, ["mcp-new"], "note", limit=50))) == sorted(f"n{number}" for number in range(20))


def test_missing_file_is_rebuilt(home: Home) -> None:
    """The files are a projection: from the records of the journal they come back as they were."""
    found = search(home, BOTH, "path test")
    for agent in BOTH[:2]:
        (home.agent(agent) / "knowledge.db").unlink()

    rebuild(home, found)

    assert len(found) == 2
    assert search(home, BOTH, "path test") == found


def test_rebuilding_a_whole_file_changes_nothing(home: Home) -> None:
    """Rebuilding at every start adds only what is missing."""
    found = search(home, BOTH, "path test")
    late = known("k3", "Late", "A path learned just before a kill.")

    rebuild(home, [*found, late])
    rebuild(home, [*found, late])

    assert set(ids(search(home, BOTH, "path"))) == {"k1", "k2", "k3"}


@pytest.mark.parametrize("damage", ["torn", "noise", "empty", "index"])
def test_damaged_file_is_rebuilt(home: Home, damage: str) -> None:
    """However a file is damaged, a rebuild makes it whole, and the other agents' files are left alone."""
    found = search(home, BOTH, "path test")
    path = home.agent("mcp-testing") / "knowledge.db"
    other = (home.agent("mcp-security") / "knowledge.db").read_bytes()
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "noise":
        path.write_bytes(b"\x07" * 8192)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("delete from knowledge_text_data where id > 10")

    rebuild(home, found)

    assert search(home, BOTH, "path test") == found
    assert (home.agent("mcp-security") / "knowledge.db").read_bytes() == other


def test_damaged_file_is_never_taken_for_an_empty_one(home: Home) -> None:
    """A search or a new record that meets damage names the file instead of forgetting what it held."""
    path = home.agent("mcp-testing") / "knowledge.db"
    path.write_bytes(b"\x07" * 8192)

    with pytest.raises(StorageError, match=str(path)):
        search(home, BOTH, "path")
    with pytest.raises(StorageError, match=str(path)):
        learn(home, "mcp-testing", known("k9", "New"))


LEARNER = """
import sys
from pathlib import Path
from agents.context.knowledge import learn
from orchestrator.home import Home
from orchestrator.models import Knowledge, now
for number in range(10**6):
    record = {"id": f"n{number}", "time": now(), "task_id": "1.1", "agent": "a", "type": "issue"}
    learn(Home(Path(sys.argv[1])), "a", Knowledge.model_validate(record | {"title": "note", "text": "text " * 500}))
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_learned(tmp_path: Path) -> None:
    """Killed in the middle of learning, every acknowledged record is found, and the file needs no repair."""
    process = subprocess.Popen([sys.executable, "-c", LEARNER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout
    for _ in range(25):
        process.stdout.readline()
    process.kill()
    rest, _ = process.communicate()
    acknowledged = {f"n{number}" for number in range(25 + len(rest.splitlines()))}

    assert set(ids(search(Home(tmp_path), ["a"], "note", limit=10**6))) >= acknowledged
    learn(Home(tmp_path), "a", known("after", "Afterwards"))
    assert ids(search(Home(tmp_path), ["a"], "afterwards")) == ["after"]
