"""Promises of contracts: each kind is held against a tree by reading it, and every break says what and where."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator import bindings, commands, contracts, documents, interfaces
from orchestrator.errors import InputError
from orchestrator.models import BuildTask, CommandInterface, Contract, DocumentInterface, PythonInterface
from orchestrator.process import Finished
from orchestrator.signatures import parse
from orchestrator.sources import Sources, roots

SIGNATURE = "(path: str, *, fresh: bool = False) -> Answer"


def sources(files: Mapping[str, str], import_path: str = "src") -> Sources:
    """Return a tree of these files."""
    return Sources(frozenset(files), files.get, roots(import_path))


def interface(signature: str | None = SIGNATURE, name: str = "lookup") -> PythonInterface:
    """Return the interface of one name of `parts.lookup`."""
    return PythonInterface(module="parts.lookup", name=name, signature=signature)


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


# Python


@pytest.mark.parametrize(
    ("wanted", "definition", "differs"),
    [
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False) -> Answer: ...", None),
        (SIGNATURE, "def lookup(path: 'str', *, fresh: bool = 1 + 1) -> 'Answer': ...", None),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False) -> model.Answer: ...", None),
        (SIGNATURE, "def lookup(path): ...", "takes (path), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, fresh=False): ...", "takes (path, fresh=False), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, *, fresh): ...", "takes (path, *, fresh), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(name, *, fresh=0): ...", "takes (name, *, fresh=0), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, *, fresh=0): ...", "takes `path` that is not annotated, not str"),
        (SIGNATURE, "def lookup(path: bytes, *, fresh=0): ...", "takes `path` that is bytes, not str"),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = 0): ...", "does not say that it returns Answer"),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = 0) -> int: ...", "returns int, not Answer"),
        (SIGNATURE, "async def lookup(path): ...", "is async, where the contract is not"),
        ("async (path)", "def lookup(path): ...", "is not async, as the contract is"),
        ("async (path)", "async def lookup(path: str) -> int: ...", None),
        ("(path)", "def lookup(path: str) -> int: ...", None),
        ("(a, /)", "def lookup(b, /): ...", None),
        ("(a, /)", "def lookup(a): ...", "takes (a), not (a, /)"),
        ("(*args, **options)", "def lookup(*a, **o): ...", None),
        ("(x: int | None)", "def lookup(x: Optional[int]): ...", None),
        ("(x: Literal['a'])", "def lookup(x: t.Literal['b']): ...", "takes `x` that is Literal['b'], not Literal['a']"),
        (None, "lookup = 3", None),
        ("()", "lookup = make()", "is no function whose parameters can be read"),
        ("(path)", "class lookup:\n    def __init__(self, path) -> None: ...", None),
        ("()", "class lookup:\n    x = 1", "is no function whose parameters can be read"),
        ("()", "def other(): ...", "is not there"),
        ("()", "def lookup(:", "is not there"),
    ],
)  # fmt: skip
def test_a_definition_is_held_against_a_signature(wanted: str | None, definition: str, differs: str | None) -> None:
    """Names, kinds and defaults must be the same; annotations where the contract states them; async or not."""
    tree = sources({"src/parts/lookup.py": definition})

    assert interfaces.fault(tree, interface(wanted)) == (differs and f"parts.lookup.lookup {differs}")


@pytest.mark.parametrize(
    "files",
    [
        {"src/parts/lookup.py": "def lookup(path): ..."},
        {"src/parts/lookup/__init__.py": "def lookup(path): ...", "src/parts/lookup.py": "def lookup(): ..."},
        {"parts/lookup.py": "def lookup(path): ..."},
        {"src/parts/lookup/__init__.py": "from .deep.impl import find as lookup",
         "src/parts/lookup/deep/impl.py": "def find(path): ..."},
        {"src/parts/lookup.py": "from parts.impl import *", "src/parts/impl.py": "def lookup(path): ..."},
        {"src/parts/lookup.py": "from .impl import lookup", "src/parts/impl.py": "def lookup(path): ..."},
        {"src/parts/lookup.py": "def find(path): ...\nlookup = find"},
        {"src/parts/lookup.py": "try:\n    import x\nexcept ImportError:\n    def lookup(path): ..."},
        {"src/parts/lookup.py": "def lookup(path): ...\n@typing.overload\ndef lookup(): ..."},
        {"src/parts/lookup.py": "def lookup(): ...\ndef lookup(path): ..."},
    ],
    ids=["module", "package first", "root", "re-export", "star", "relative", "alias", "try", "overload", "last"],
)  # fmt: skip
def test_a_name_is_found_where_an_import_would_find_it(files: Mapping[str, str]) -> None:
    """Re-exports, renamed functions and a package over a module of its name are followed as Python does."""
    assert interfaces.fault(sources(files), interface("(path)")) is None


def test_methods_are_found_in_the_class_and_above_it() -> None:
    """A method's own first parameter is left out, a static one has none, and inherited ones count."""
    code = (
        "from parts.deep import Base\n"
        "class Store(Base):\n"
        "    async def get(self, key): ...\n"
        "    @staticmethod\n    def at(place): ...\n"
        "    @classmethod\n    def of(cls, text): ...\n"
    )
    tree = sources({"src/parts/lookup.py": code, "src/parts/deep.py": "class Base:\n    def close(self, now=1): ..."})
    stated = {"Store.get": "async (key)", "Store.at": "(place)", "Store.of": "(text)", "Store.close": "(now=0)"}

    assert [interfaces.fault(tree, interface(signature, name)) for name, signature in stated.items()] == [None] * 4
    assert interfaces.fault(tree, interface("()", "Store.put")) == "parts.lookup.Store.put is not there"


def test_a_module_that_is_not_there_is_said_with_its_place() -> None:
    """The clause names where the module was looked for."""
    assert (
        interfaces.fault(sources({}), interface())
        == "there is no module parts.lookup (at src/parts/lookup.py or elsewhere)"
    )


@pytest.mark.parametrize(
    "code",
    [
        "from parts.lookup import lookup\nlookup = lookup",
        "lookup = other\nother = lookup",
        "from parts.lookup import *",
        "x" + "(" * 10_000,
        "\0",
        "from ..... import lookup",
        "class lookup(lookup): ...",
    ],
    ids=["itself", "a ring", "a star of itself", "deep", "null", "above the root", "own parent"],
)
def test_no_source_stops_the_search(code: str) -> None:
    """What leads in circles or cannot be read is a fault and no crash."""
    assert interfaces.fault(sources({"src/parts/lookup.py": code}), interface("(path)"))


@pytest.mark.parametrize(
    "text", ["path", "", "(path", "(a): x", "(a): 1; b", "lambda: 1", "(b=1, a)", "(a, a)", "async"]
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    """Only what stands between a function's name and its colon is one."""
    with pytest.raises(InputError, match=r"is no signature; write it as `\(path: str"):
        parse(text)


# Calls


@pytest.mark.parametrize(
    ("code", "misfit"),
    [
        ("from parts.lookup import lookup\nlookup('a', fresh=True)", None),
        ("from parts.lookup import lookup\nlookup()", "missing a required argument: 'path'"),
        ("from parts.lookup import lookup as find\nfind('a', True)", "too many positional arguments"),
        ("import parts.lookup\nparts.lookup.lookup('a', new=1)", "got an unexpected keyword argument 'new'"),
        ("import parts.lookup as pl\npl.lookup()", "missing a required argument: 'path'"),
        ("from parts import lookup\nlookup.lookup()", "missing a required argument: 'path'"),
        ("from .lookup import lookup\nlookup()", "missing a required argument: 'path'"),
        ("from . import lookup\nlookup.lookup()", "missing a required argument: 'path'"),
        ("def f():\n    from parts.lookup import lookup\n    lookup()", "missing a required argument: 'path'"),
        ("from parts.lookup import lookup\nlookup(*a)", None),
        ("from parts.lookup import lookup\nlookup(**a)", None),
        ("from parts.lookup import lookup\nlookup(*a, new=1)", "got an unexpected keyword argument 'new'"),
        ("from parts.lookup import other\nother()", None),
        ("from elsewhere import lookup\nlookup()", None),
        ("from parts.lookup import lookup\ndef f(lookup):\n    lookup()", None),
        ("from parts.lookup import lookup\nlookup = print\nlookup()", None),
        ("from parts.lookup import lookup(", None),
    ],
)
def test_calls_bind_to_the_declared_signature(code: str, misfit: str | None) -> None:
    """Count and keywords of calls by an imported name must fit; what is unpacked or bound otherwise is not judged."""
    found = list(bindings.faults(sources({"src/parts/use.py": code}), "src/parts/use.py", [interface()]))

    line = code.count("\n") + 1
    told = f"src/parts/use.py:{line} calls parts.lookup.lookup, which takes (path, *, fresh=False): {misfit}"
    assert found == ([told] if misfit else [])


# Documents


SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^[a-z]+$"}}}


def hold(schemas: Mapping[str, Any], given: list[tuple[str, str, str]]) -> list[str]:
    """Return what the program that holds documents against schemas prints."""
    asked = json.dumps({"schemas": schemas, "documents": given})
    command = [sys.executable, "-I", documents.__file__]
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


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("data/a.json", ["data/a.json"]),
        ("data/*.json", ["data/a.json", "data/b.json"]),
        ("*/a.json", ["data/a.json"]),
        ("*.json", ["top.json"]),
        ("data/*/*.json", ["data/deep/c.json"]),
    ],
)
def test_a_pattern_names_files_a_folder_at_a_time(pattern: str, files: list[str]) -> None:
    """A star stops at the end of a folder's name."""
    tree = ["top.json", "data/b.json", "data/a.json", "data/deep/c.json", "src/x.py"]
    stated = DocumentInterface.model_validate({"file": pattern, "schema": {}})

    assert contracts.documents(stated, tree) == files


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
        ("[" * 5_000, "contracts/lookup.yaml: "),
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
    copy.write_text(Path(documents.__file__).read_text())

    done = subprocess.run(
        [sys.executable, "-I", str(copy)], input='{"schemas": {}, "documents": []}', capture_output=True, text=True,
        check=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.stdout == "[]\n"
