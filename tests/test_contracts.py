"""Promises of contracts: each kind is held against a tree by reading it, and every break says what and where."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import contracts
from orchestrator.contracts import commands, patterns, schemas
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, CommandInterface, Contract
from orchestrator.process import Finished

SIGNATURE = "(path: str, *, fresh: bool = False) -> Answer"


def task(task_id: str, **more: Any) -> BuildTask:
    """Return a task."""
    fields = {"id": task_id, "phase": 1, "component": 1, "component_name": "parts", "title": "Part", "agent": "one"}
    return BuildTask.model_validate({**fields, "kind": "code", "effort": 1, "accept": ["works"], **more})


PLAN = (
    task("1.1", declares=["lookup"], kind="design"),
    task("1.2", produces=["lookup"]),
    task("1.3", consumes=["lookup"]),
    task("1.4"),
)


# Documents


SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^[a-z]+$"}}}


def hold(rules: Mapping[str, Any], given: list[tuple[str, str, str]]) -> list[str]:
    """Return what the program that holds documents against schemas prints."""
    asked = json.dumps({"schemas": rules, "documents": given})
    command = [sys.executable, "-I", schemas.__file__]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, cwd="/", env={})
    return json.loads(done.stdout)


def test_documents_match_their_schemas_or_say_where_not() -> None:
    """Each fault names the file, the place in it and what is wrong; a wrong schema is told once."""
    remote = {"$ref": "https://example.org/schema.json"}
    schemas = {"part": SCHEMA, "broken": {"type": "objekt"}, "remote": remote, "file": {"$ref": "file:///etc/passwd"}}
    texts = {"a": '{"id": "x"}', "b": '{"id": 5}', "c": "{}", "d": "{", "e": '{"id": "X"}'}

    found = hold(
        schemas,
        [*((f"{name}.json", text, "part") for name, text in texts.items()), ("f", "1", "broken"),
         ("g", "1", "remote"), ("h", "1", "file")],
    )  # fmt: skip

    assert found[:1] == ["broken: at type: 'objekt' is not valid under any of the given schemas"]
    assert found[1:3] == ["b.json: at id: 5 is not of type 'string'", "c.json: 'id' is a required property"]
    assert found[3].startswith("d.json: is no JSON: ") and found[4] == "e.json: at id: 'X' does not match '^[a-z]+$'"
    assert [fault.partition(": ")[2].partition(":")[0] for fault in found[5:]] == [
        "cannot be held against its schema",
        "cannot be held against its schema",
    ]


TREE = ["top.json", "data/b.json", "data/a.json", "data/deep/c.json", "data/deep/er/d.json", "src/x.py"]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("data/a.json", ["data/a.json"]),
        ("data/*.json", ["data/a.json", "data/b.json"]),
        ("*/a.json", ["data/a.json"]),
        ("*.json", ["top.json"]),
        ("data/*/*.json", ["data/deep/c.json"]),
        ("data/**/*.json", ["data/a.json", "data/b.json", "data/deep/c.json", "data/deep/er/d.json"]),
        ("**/*.json", ["data/a.json", "data/b.json", "data/deep/c.json", "data/deep/er/d.json", "top.json"]),
        ("**/c.json", ["data/deep/c.json"]),
        ("**/deep/**/d.json", ["data/deep/er/d.json"]),
        ("data/**/**/d.json", ["data/deep/er/d.json"]),
        ("data/deep/**", ["data/deep/c.json", "data/deep/er/d.json"]),
        ("data/a.json/**", []),
        ("data/**.json", ["data/a.json", "data/b.json"]),
        ("/".join(["**", "*"] * 12), []),
    ],
)
def test_a_pattern_names_files_a_folder_at_a_time(pattern: str, files: list[str]) -> None:
    """A star stops at the end of a folder's name, and two stars alone stand for any folders or none."""
    assert patterns.matching(pattern, TREE) == files


# Commands


HELP = "usage: parts [-h] [--json] [--no-json-lines] FILE\n"


@pytest.mark.parametrize(
    ("stated", "ended", "fault"),
    [
        ({"usage": {"options": ["--json", "-h"], "arguments": ["FILE"]}}, (0, HELP), None),
        ({"usage": {"options": ["--js", "--json-lines"]}}, (0, HELP), "does not name --js, --json-lines"),
        ({"usage": {"arguments": ["file"]}}, (0, HELP), "does not name file"),
        ({"usage": {}}, (2, HELP), "ends with exit code 2, not 0"),
        ({"usage": {}, "exit_code": 2}, (2, HELP), None),
        ({}, (1, ""), "ends with exit code 1, not 0"),
    ],
)
def test_a_command_shows_how_it_is_used(stated: Any, ended: tuple[int, str], fault: str | None) -> None:
    """Every option and argument stands in the help as a whole word, and the exit code is the stated one."""
    command = CommandInterface.model_validate({"run": ["{python}", "-m", "parts"], **stated})
    finished = Finished(ended[0], ended[1], 0.1, timed_out=False, truncated=False)

    asked = "`{python} -m parts --help`" if "usage" in stated else "`{python} -m parts`"
    assert commands.fault(command, finished) == (fault and f"{asked} {fault}")
    assert (
        commands.fault(command, Finished(137, "", 60, timed_out=True, truncated=False))
        == f"{asked} has not ended after 60 s"
    )


# The text of a contract


RIGHT = {
    "name": "lookup",
    "python": [{"module": "parts.lookup", "name": "lookup", "signature": SIGNATURE}],
    "schema": [{"file": "data/*.json", "schema": SCHEMA}],
    "command": [{"run": ["{python}", "-m", "parts"], "usage": {"options": ["--json"]}}],
}


def test_a_contract_is_read_whole() -> None:
    """All three kinds stand in one file."""
    contract = contracts.read("lookup", yaml.safe_dump(RIGHT))

    assert contract == Contract.model_validate(RIGHT)
    assert (len(contract.python), len(contract.documents), len(contract.commands)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "there is no file contracts/lookup.yaml"),
        ("", "contracts/lookup.yaml: is no mapping; a contract has a name and any of python, schema and command"),
        ("name: [a", "contracts/lookup.yaml: line 2, column 1: did not find expected ',' or ']'"),
        ("name: lookup", "contracts/lookup.yaml: states nothing; give it any of python, schema and command"),
        (yaml.safe_dump(RIGHT | {"name": "other"}),
         "contracts/lookup.yaml: name: is `other`, where the file and the plan say lookup"),
        (yaml.safe_dump(RIGHT | {"python": [{"module": "a-b", "name": "c"}, {"module": "a"}]}),
         "contracts/lookup.yaml: python: item 1: module: String should match pattern"),
        (yaml.safe_dump(RIGHT | {"python": [{"module": "a", "name": "c", "signature": "(a"}]}),
         "contracts/lookup.yaml: python: item 1: signature: `(a` is no signature; write it as `(path"),
        (yaml.safe_dump(RIGHT | {"schema": [{"file": "../x", "schema": {}}]}),
         "contracts/lookup.yaml: schema: item 1: file: `../x` leads out of the tree; give a path from its root"),
        ("a: &a [1]\nb: *a\n", "contracts/lookup.yaml: refers to an anchor; write out what it stands for"),
        ("a: !!python/object:os.system x\n", "contracts/lookup.yaml: line 1, column 4: could not determine"),
        ("x" * 100_001, "contracts/lookup.yaml: is longer than 100000 characters; make two contracts of it"),
        ("[" * 40_000 + "]" * 40_000, "contracts/lookup.yaml: is nested more than 50 deep; make it flatter"),
    ],
    ids=["gone", "empty", "syntax", "nothing", "name", "module", "signature", "path", "anchor", "tag", "long", "deep"],
)  # fmt: skip
def test_a_wrong_contract_names_file_place_and_fault(text: str | None, fault: str) -> None:
    """Each way to be wrong has its one line."""
    with pytest.raises(InputError) as caught:
        contracts.read("lookup", text)

    assert str(caught.value).startswith(fault) and "\n" not in str(caught.value)


# What counts for whom


@pytest.mark.parametrize(
    ("judged", "landed", "how"),
    [
        ("1.1", [], "declared"),
        ("1.2", ["1.1"], "kept relied_on"),
        ("1.3", ["1.1"], "relied_on"),
        ("1.3", ["1.1", "1.2"], "kept relied_on"),
        ("1.4", ["1.1"], None),
        ("1.4", ["1.1", "1.2"], "kept"),
    ],
)
def test_a_contract_is_kept_by_all_once_it_was_made_true(judged: str, landed: list[str], how: str | None) -> None:
    """Who produces it must fulfil it; who consumes it must fit it; everyone else must not break it afterwards."""
    changed = next(item for item in PLAN if item.id == judged)

    found = contracts.due(PLAN, changed, landed)

    told = [" ".join(name for name in ("declared", "kept", "relied_on") if getattr(item, name)) for item in found]
    assert told == ([how] if how else [])


@pytest.mark.parametrize(
    ("judged", "sentence"),
    [
        ("1.1", "contract lookup is not declared as it must be by 1.1: x"),
        ("1.2", "contract lookup (declared by 1.1) is not fulfilled by 1.2: x"),
        ("1.3", "contract lookup (declared by 1.1, produced by 1.2) is broken by 1.3: x"),
        ("1.4", "contract lookup (declared by 1.1, produced by 1.2) is broken by 1.4: x"),
    ],
)
def test_a_break_names_the_tasks_on_both_sides(judged: str, sentence: str) -> None:
    """One sentence says whose contract it is and who broke it."""
    assert contracts.told(contracts.parties(PLAN)["lookup"], judged, "x") == sentence


def test_the_documents_program_needs_nothing_of_ours(tmp_path: Path) -> None:
    """It runs alone from any folder, so that it can be bounded from outside."""
    copy = tmp_path / "alone.py"
    copy.write_text(Path(schemas.__file__).read_text())

    done = subprocess.run(
        [sys.executable, "-I", str(copy)], input='{"schemas": {}, "documents": []}', capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.stdout == "[]\n"
