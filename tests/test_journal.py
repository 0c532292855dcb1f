"""Promises about append-only journals: nothing acknowledged is lost, nothing is doubled, damage is never silent."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from orchestrator.errors import JournalError, StorageError
from orchestrator.journal import Journal, encode, read

ROOT = Path(__file__).parent.parent
RECORDS = [
    {"id": "a", "text": "naïve 東京"},
    {"id": "b", "text": 'quotes " and \\ and ,"crc":"00000000"}'},
    {"id": "c", "text": "line\nbreak\u2028"},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a journal with three records."""
    path = tmp_path / "folder" / "journal.jsonl"
    journal = Journal(path)
    for record in RECORDS:
        journal.append(record)
    journal.close()
    return path


def test_gives_back_what_was_written_in_its_order(path: Path) -> None:
    """A record comes back equal, without its checksum, whatever its text holds."""
    assert list(read(path)) == RECORDS


def test_every_line_is_plain_json(path: Path) -> None:
    """Any other reader can take the lines apart; only a last field `crc` is added."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]

    assert [list(line) for line in lines] == [["id", "text", "crc"]] * 3
    assert [{"id": line["id"], "text": line["text"]} for line in lines] == RECORDS


def test_half_a_surrogate_pair_comes_back(tmp_path: Path) -> None:
    """Text that UTF-8 cannot hold, as models and tools sometimes give, is written as JSON's escape and not refused."""
    record = {"id": "a", "text": "cut \ud83d here"}
    with closing(Journal(tmp_path / "j")) as journal:
        journal.append(record)

    assert list(read(tmp_path / "j")) == [record]


def test_no_file_holds_no_records(tmp_path: Path) -> None:
    """Reading before anything was written is no error."""
    assert list(read(tmp_path / "none.jsonl")) == []


def test_same_id_is_appended_once(path: Path) -> None:
    """A step repeated after a kill doubles nothing, even where its record would differ."""
    with closing(Journal(path)) as journal:
        answers = [journal.append(record) for record in ({"id": "b", "text": "other"}, {"id": "d"}, {"id": "d"})]

    assert answers == [False, True, False]
    assert list(journal.records()) == [*RECORDS, {"id": "d"}]
    assert ("d" in journal, "e" in journal) == (True, False)


def test_same_id_from_many_threads_is_appended_once(tmp_path: Path) -> None:
    """Threads that record the same events side by side double none, and each is acknowledged to one thread."""
    with closing(Journal(tmp_path / "j")) as journal, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: journal.append({"id": str(number % 100)}), range(800)))

    assert answers.count(True) == 100
    assert sorted(int(record["id"]) for record in read(tmp_path / "j")) == list(range(100))


def test_listeners_hear_each_record_once_it_is_on_disk(tmp_path: Path) -> None:
    """A listener acts on what a kill can no longer take back, and hears nothing twice."""
    heard: list[tuple[str, int]] = []
    with closing(Journal(tmp_path / "j")) as journal:
        journal.listen(lambda record: heard.append((record["id"], len(list(read(tmp_path / "j"))))))
        for name in ("a", "b", "a"):
            journal.append({"id": name})

    assert heard == [("a", 1), ("b", 2)]


def test_torn_tail_is_cut_at_every_byte(path: Path) -> None:
    """Wherever a kill tears the last line, all before it is kept and the next record follows it whole."""
    whole = path.read_bytes()
    start = len(whole) - len(encode(RECORDS[2]))
    kept: list[list[str]] = []
    for end in range(start, len(whole)):
        path.write_bytes(whole[:end])
        assert [record["id"] for record in read(path)] == ["a", "b"]
        journal = Journal(path)
        journal.append({"id": "new"})
        journal.close()
        kept.append([record["id"] for record in read(path)])

    assert kept == [["a", "b", "new"]] * (len(whole) - start)


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"{}\n{}\n", b'{"id":"x","crc":"00000000"}\n'])
def test_tail_of_anything_else_is_cut(path: Path, tail: bytes) -> None:
    """What a power cut may leave behind the last record, zeros or old blocks, goes the way of a torn line."""
    whole = path.read_bytes()
    path.write_bytes(whole + tail)

    Journal(path).close()

    assert path.read_bytes() == whole


def test_reading_beside_a_writer_stops_before_a_torn_tail(path: Path) -> None:
    """A reader never cuts: what looks torn may be a line in the middle of being written."""
    torn = path.read_bytes() + encode({"id": "d"})[:-5]
    path.write_bytes(torn)

    assert list(read(path)) == RECORDS
    assert path.read_bytes() == torn


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("read_from_first", [True, False], ids=["all", "from an offset"])
def test_damage_in_the_middle_is_named(path: Path, line: int, read_from_first: bool) -> None:
    """A flipped bit with whole lines behind it is an error with its line, never a silent cut."""
    lines = [encode(record) for record in [{"id": "first"}, *RECORDS]]
    offset = 0 if read_from_first else len(lines[0])
    damaged = bytearray(b"".join(lines))
    damaged[len(b"".join(lines[:line])) + 10] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(JournalError, match=rf"{path}: line {line + 1} is damaged"):
        list(read(path, offset))
    with pytest.raises(JournalError):
        Journal(path)
    assert path.read_bytes() == damaged


def test_every_flipped_bit_is_noticed(path: Path) -> None:
    """No byte of a line can change without the line being refused."""
    whole = path.read_bytes()
    size = len(encode(RECORDS[0]))
    unnoticed: list[int] = []
    for place in range(size):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            unnoticed += [place] * (list(read(path)) == RECORDS)
        except JournalError:
            pass

    assert unnoticed == []


def test_offsets_divide_the_records(path: Path) -> None:
    """A reader that remembers the size it has read goes on with exactly the records after it."""
    offset = len(encode(RECORDS[0]))

    assert list(read(path, offset)) == RECORDS[1:]
    assert list(read(path, path.stat().st_size)) == []


def test_device_without_space_is_a_storage_error(tmp_path: Path) -> None:
    """ENOSPC is told with the path and what to do, and the record is not taken for written."""
    path = tmp_path / "journal.jsonl"
    path.symlink_to("/dev/full")

    with closing(Journal(path)) as journal, pytest.raises(StorageError, match=rf"{path}: No space.*free the disk"):
        journal.append({"id": "a"})
    assert "a" not in journal


def test_full_disk_leaves_the_file_whole(path: Path) -> None:
    """Where the disk takes only half a line, the half is cut, and the same process goes on once there is room."""
    whole = path.read_bytes()
    code = f"""
import resource
from pathlib import Path
from orchestrator.errors import StorageError
from orchestrator.journal import Journal
path = Path({str(path)!r})
journal = Journal(path)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole)} + 40, most))
try:
    journal.append({{"id": "d", "text": "x" * 100}})
except StorageError as error:
    print(error, "d" in journal, path.stat().st_size)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print(journal.append({{"id": "d"}}))
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ended.stdout == (
        f"{path}: File too large; free the disk, then run the same command False {len(whole)}\nTrue\n"
    )
    assert path.read_bytes() == whole + encode({"id": "d"})


WRITER = """
import sys
from pathlib import Path
from orchestrator.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = sum(1 for _ in journal.records())
while True:
    number += 1
    journal.append({"id": str(number), "text": "x" * (number * 37 % 5000)})
    print(number, flush=True)
"""


def test_kill_9_loses_no_acknowledged_record(tmp_path: Path) -> None:
    """Killed again and again in the middle of writing, the journal holds every acknowledged record once, in order."""
    path = tmp_path / "journal.jsonl"
    acknowledged = 0
    for records in (1, 30, 77, 150, 211, 300):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert writer.stdout
        list(islice(writer.stdout, records))
        os.kill(writer.pid, signal.SIGKILL)
        rest, _ = writer.communicate()
        acknowledged = int(rest.splitlines()[-1]) if rest.strip() else acknowledged + records
        numbers = [int(record["id"]) for record in read(path)]

        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) - acknowledged in (0, 1)
        acknowledged = len(numbers)
