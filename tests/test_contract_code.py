"""Promises of Python contracts: a break is seen by reading the code, and code that is right is not refused."""

from collections.abc import Mapping

import pytest

from orchestrator.contracts.python.code import Code
from orchestrator.contracts.python.signatures import parse
from orchestrator.contracts.python.sources import Sources, roots
from orchestrator.errors import InputError
from orchestrator.models import Contract, PythonInterface

SIGNATURE = "(path: str, *, fresh: bool = False) -> Answer"
ABSENT = "is not there"
UNREAD = "is no function whose parameters can be read; define it with `def`"
PROPERTY = "is a property, where the contract states a call"


def code(files: Mapping[str, str]) -> Code:
    """Return the code of a tree of these files."""
    return Code(Sources(frozenset(files), files.get, roots("src")))


def contract(signature: str | None, name: str = "lookup", module: str = "parts.lookup") -> Contract:
    """Return a contract of one name."""
    stated = PythonInterface(module=module, name=name, signature=signature)
    return Contract(name="lookup", python=(stated,))


def away(name: str) -> str:
    """Return the clause about something that is not in the tree."""
    return f"comes from {name}, outside the tree, so that its parameters cannot be read; wrap it in a function"


def found(definition: str, signature: str | None, name: str = "lookup", **files: str) -> str | None:
    """Return what is wrong with `name` where `parts/lookup.py` and other modules of `parts` are as given."""
    tree = {"src/parts/lookup.py": definition, **{f"src/parts/{key}.py": text for key, text in files.items()}}
    faults = list(code(tree).definition_faults(contract(signature, name)))
    assert len(faults) <= 1
    return faults[0].removeprefix(f"parts.lookup.{name} ") if faults else None


# What is defined


@pytest.mark.parametrize(
    ("wanted", "definition", "differs"),
    [
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False) -> Answer: ...", None),
        (SIGNATURE, "def lookup(path: 'str', *, fresh: bool = False) -> 'Answer': ...", None),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False) -> model.Answer: ...", None),
        (SIGNATURE, "def lookup(path): ...", "takes (path), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, fresh=False): ...", "takes (path, fresh=False), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, *, fresh): ...", "takes (path, *, fresh), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(name, *, fresh=0): ...", "takes (name, *, fresh=0), not (path, *, fresh=False)"),
        (SIGNATURE, "def lookup(path, *, fresh=0): ...", "takes `path` that is not annotated, not str"),
        (SIGNATURE, "def lookup(path: bytes, *, fresh=0): ...", "takes `path` that is bytes, not str"),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False): ...", "does not say that it returns Answer"),
        (SIGNATURE, "def lookup(path: str, *, fresh: bool = False) -> int: ...", "returns int, not Answer"),
        (SIGNATURE, "async def lookup(path): ...", "is async, where the contract is not"),
        ("async (path)", "def lookup(path): ...", "is not async, as the contract is"),
        ("async (path)", "async def lookup(path: str) -> int: ...", None),
        ("async (path)", "async def lookup(path):\n    yield path", "is not async, as the contract is"),
        ("(path) -> AsyncIterator[str]", "async def lookup(path) -> t.AsyncIterator[str]:\n    yield path", None),
        ("async ()", "async def lookup():\n    def inner(): yield 1", None),
        ("(path)", "def lookup(path: str) -> int: ...", None),
        ("(a, /)", "def lookup(b, /): ...", None),
        ("(a, /)", "def lookup(a): ...", "takes (a), not (a, /)"),
        ("(*args, **options)", "def lookup(*a, **o): ...", None),
        ("(a)", "def lookup(a, b=2): ...", "takes (a, b=2), not (a)"),
        ("(a, *, x, y=1)", "def lookup(a, *, y=1, x): ...", None),
        ("(*, x: int, y: str)", "def lookup(*, y: int, x: str): ...", "takes `x` that is str, not int"),
        ("(a, b)", "def lookup(b, a): ...", "takes (b, a), not (a, b)"),
    ],
)  # fmt: skip
def test_a_definition_is_held_against_a_signature(wanted: str, definition: str, differs: str | None) -> None:
    """Names and kinds must be the same, keyword-only ones in any order; annotations where the contract states them."""
    assert found(definition, wanted) == differs


@pytest.mark.parametrize(
    ("wanted", "written", "same"),
    [
        ("False", "False", True),
        ("False", "True", False),
        ("'a'", '"a"', True),
        ("1000", "1_000", True),
        ("1", "1.0", False),
        ("-1", "- 1", True),
        ("None", "()", False),
        ("...", "True", True),
        ("...", "make()", True),
        ("Mode.FAST", "Mode.FAST", True),
        ("Mode.FAST", "modes.Mode.FAST", True),
        ("Mode.FAST", "Mode.SLOW", False),
        ("30.0", "SECONDS", True),
        ("SECONDS", "SECONDS", True),
        ("31.0", "SECONDS", False),
        ("'x'", "other.NAME", True),
        ("'y'", "other.NAME", False),
        ("'fast'", "Mode.FAST", False),
        ("30.0", "elsewhere.SECONDS", False),
        ("[]", "list()", True),
    ],
)
def test_a_stated_default_is_the_default(wanted: str, written: str, same: bool) -> None:
    """The same expression, or a constant of the tree with its value; three dots stand for any default."""
    text = "from parts import other\nimport elsewhere\nSECONDS = 30.0\nclass Mode(Enum):\n    FAST = 'fast'\n"
    text += f"def lookup(a={written}): ..."

    differs = f"takes `a` that is {'[]' if written == 'list()' else written} by default, not {wanted}"
    assert found(text, f"(a={wanted})", other="NAME = 'x'") == (None if same else differs)


@pytest.mark.parametrize(
    ("wanted", "written", "shown"),
    [
        ("int | None", "Optional[int]", None),
        ("int | None", "None | int", None),
        ("int | None", "t.Union[None, int, int]", None),
        ("Optional[int | str]", "str | None | int", None),
        ("int | None", "int", "int"),
        ("int | None", "Optional[str]", "str | None"),
        ("list[int]", "List[int]", None),
        ("list[int]", "typing.List['int']", None),
        ("dict[str, tuple[int, ...]]", "Dict[str, Tuple[int, ...]]", None),
        ("list[int]", "List[str]", "list[str]"),
        ("Sequence[int]", "collections.abc.Sequence[int]", None),
        ("Callable[[int], str | None]", "Callable[['int'], Optional[str]]", None),
        ("Literal['a', 'b']", "t.Literal['b', 'a']", None),
        ("Literal['a']", "t.Literal['b']", "Literal['b']"),
        ("int", "Annotated[int, Positive()]", None),
        ("Answer", "Reply", None),
        ("Answer", "m.Answer", None),
        ("list[int]", "Ids", None),
        ("Ids", "Ids", None),
        ("list[str]", "Ids", "Ids"),
        ("dict[str, list[int]]", "dict[str, model.Ids]", None),
        ("type", "type", None),
    ],
)
def test_annotations_that_mean_the_same_are_the_same(wanted: str, written: str, shown: str | None) -> None:
    """Unions in any order, old names of types, quotes, modules, other names by an import and aliases of the tree."""
    text = "from parts import model\nfrom parts.model import Answer as Reply, Ids\nimport parts.model as m\n"
    text += f"def lookup(a: {written}) -> {written}: ..."
    model = "class Answer: ...\nIds = list[int]"

    assert found(text, f"(a: {wanted})", model=model) == (shown and f"takes `a` that is {shown}, not {wanted}")
    assert found(text, f"(a) -> {wanted}", model=model) == (shown and f"returns {shown}, not {wanted}")


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ("def lookup(): ...\ndef lookup(path): ...", None),
        ("def lookup(path): ...\ndef lookup(): ...", "takes (), not (path)"),
        ("def lookup(path): ...\n@typing.overload\ndef lookup(): ...", None),
        ("def lookup(path): ...\ndel lookup", ABSENT),
        ("def lookup(path): ...\nlookup = 3", UNREAD),
        ("def lookup(path): ...\nlookup, other = 1, 2", UNREAD),
        ("def lookup(path): ...\nlookup += 1", UNREAD),
        ("def lookup(path): ...\nfor lookup in (): ...", UNREAD),
        ("def lookup(path): ...\nwith x as lookup: ...", UNREAD),
        ("def lookup(path): ...\n(lookup := 3)", UNREAD),
        ("def lookup(path): ...\nimport ext as lookup", away("ext")),
        ("def lookup(path): ...\nfrom ext import lookup", away("ext.lookup")),
        ("def lookup(path): ...\nfrom ext import other", None),
        ("def lookup(path): ...\nfrom ext import *", None),
        ("def lookup(path): ...\n[lookup for lookup in x]", None),
        ("def lookup(path): ...\nfor other in x:\n    def lookup(path): ...", None),
        ("def lookup(path): ...\ndef f():\n    lookup = 3", None),
        ("def lookup(path): ...\nlookup: int", None),
        ("lookup: int", ABSENT),
        ("def other(): ...", ABSENT),
        ("def lookup(:", ABSENT),
        ("lookup = make()", UNREAD),
        ("if TYPE_CHECKING:\n    def lookup(path): ...", ABSENT),
        ("def lookup(path): ...\nif typing.TYPE_CHECKING:\n    def lookup(): ...", None),
        ("if TYPE_CHECKING:\n    def lookup(): ...\nelse:\n    def lookup(path): ...", None),
        ("if not TYPE_CHECKING:\n    def lookup(path): ...", None),
        ("if False:\n    def lookup(path): ...", ABSENT),
        ("if __name__ == '__main__':\n    def lookup(path): ...", ABSENT),
        ("def lookup(path): ...\nif __name__ == '__main__':\n    lookup = 3", None),
        ("if fast:\n    def lookup(path): ...", None),
        ("if fast:\n    def lookup(path): ...\nelse:\n    def lookup(): ...", "takes (), not (path)"),
        ("if fast:\n    lookup = make()\nelse:\n    def lookup(path): ...", None),
        ("while True:\n    def lookup(path): ...\n    break", None),
        ("match x:\n    case 1:\n        def lookup(path): ...", None),
        ("def lookup(path): ...\nmatch x:\n    case lookup: ...", UNREAD),
        ("with x:\n    def lookup(path): ...", None),
        ("try:\n    from ext import lookup\nexcept ImportError:\n    def lookup(path): ...", None),
        ("try:\n    from ext import lookup\nexcept ImportError:\n    def lookup(): ...", "takes (), not (path)"),
        ("try:\n    from ext import lookup\nexcept ImportError:\n    lookup = None", away("ext.lookup")),
        ("try:\n    def lookup(path): ...\nexcept ImportError:\n    def lookup(): ...", "takes (), not (path)"),
        ("def lookup(path): ...\ntry: ...\nexcept E as lookup: ...", None),
        ("def lookup(path): ...\nwith suppress(ImportError):\n    from ext import lookup", None),
        ("def lookup(): ...\ntry: ...\nfinally:\n    def lookup(path): ...", None),
        ("\ufeffdef lookup(path): ...", None),
    ],
)
def test_a_name_is_what_it_is_at_run_time(definition: str, fault: str | None) -> None:
    """The last binding counts; of several that may hold each that can be read must fit; type checkers' own do not."""
    assert found(definition, "(path)") == fault


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ("lookup = 3", None),
        ("lookup, other = x", None),
        ("from ext import lookup", None),
        ("import ext as lookup", None),
        ("from ext import *", None),
        ("from parts.other import lookup", None),
        ("from parts.other import *", None),
        ("from parts.third import lookup", ABSENT),
        ("from parts.third import *", ABSENT),
        ("from parts.listed import *", ABSENT),
        ("def __getattr__(name): ...", None),
        ("lookup = 3\ndel lookup", ABSENT),
        ("if TYPE_CHECKING:\n    from ext import lookup", ABSENT),
    ],
)
def test_a_name_without_a_signature_must_be_there(definition: str, fault: str | None) -> None:
    """Anything that binds the name at run time is enough, also where what it is cannot be read."""
    listed = "__all__ = ['other']\nother = lookup = 1"

    assert found(definition, None, other="lookup = 1", third="", listed=listed) == fault


@pytest.mark.parametrize(
    "files",
    [
        {"src/parts/lookup.py": "def lookup(path): ..."},
        {"src/parts/lookup/__init__.py": "def lookup(path): ...", "src/parts/lookup.py": "def lookup(): ..."},
        {"parts/lookup.py": "def lookup(path): ..."},
        {"src/parts/lookup/__init__.py": "from .deep.impl import find as lookup",
         "src/parts/lookup/deep/impl.py": "def find(path): ..."},
        {"src/parts/lookup.py": "from parts.impl import *", "src/parts/impl.py": "def lookup(path): ..."},
        {"src/parts/lookup.py": "from parts.impl import *",
         "src/parts/impl.py": "__all__ = ['lookup']\nfrom parts.deep import lookup",
         "src/parts/deep.py": "def lookup(path): ..."},
        {"src/parts/lookup.py": "from .impl import lookup", "src/parts/impl.py": "def lookup(path): ..."},
        {"src/parts/lookup.py": "def find(path): ...\nlookup = find"},
        {"src/parts/lookup.py": "def find(path): ...\nlookup = find\ndef find(): ..."},
        {"src/parts/lookup.py": "import parts.impl\nlookup = parts.impl.find", "src/parts/impl.py":
         "def find(path): ..."},
        {"src/parts/lookup.py": "try:\n    import x\nexcept ImportError:\n    def lookup(path): ..."},
        {"src/parts/lookup/__init__.py": "from . import lookup as impl\nlookup = impl.find",
         "src/parts/lookup/lookup.py": "def find(path): ..."},
    ],
    ids=["module", "package first", "root", "re-export", "star", "star of star", "relative", "alias", "alias then",
         "module's", "try", "package's own"],
)  # fmt: skip
def test_a_name_is_found_where_an_import_would_find_it(files: Mapping[str, str]) -> None:
    """Re-exports, renamed functions and a package over a module of its name are followed as Python does."""
    assert list(code(files).definition_faults(contract("(path)"))) == []


def test_a_module_of_a_package_is_a_name_of_it() -> None:
    """An import of it finds it, whether the package says so or not; it has no signature."""
    tree = code({"src/parts/__init__.py": "", "src/parts/lookup.py": "def lookup(): ..."})

    assert list(tree.definition_faults(contract(None, module="parts"))) == []
    assert list(tree.definition_faults(contract("()", "lookup.lookup", module="parts"))) == []
    assert list(tree.definition_faults(contract("()", module="parts"))) == [f"parts.lookup {UNREAD}"]


@pytest.mark.parametrize(
    ("stated", "name", "fault"),
    [
        ("async (key)", "get", None),
        ("async (name)", "get", "takes async (key), not async (name)"),
        ("@staticmethod (place)", "at", None),
        ("@staticmethod (place)", "put", "is no @staticmethod, as the contract says"),
        ("(place)", "at", "is a @staticmethod, which the contract does not say"),
        ("@classmethod (text) -> Store", "of", None),
        ("@classmethod async ()", "open", None),
        ("@classmethod (text)", "at", "is no @classmethod, as the contract says"),
        ("(text)", "of", "is a @classmethod, which the contract does not say"),
        ("(value)", "put", None),
        ("()", "size", PROPERTY),
        ("(value)", "size", PROPERTY),
        ("()", "cached", PROPERTY),
        (None, "size", None),
        ("(a)", "traced", None),
        ("(a, b)", "traced", "takes (a), not (a, b)"),
        ("(value)", "set", None),
        ("(now=1)", "close", None),
        ("(x)", "far", None),
        ("(y)", "generic", None),
        ("(z)", "ring", ABSENT),
        (None, "count", None),
        (None, "key", None),
        (None, "total", ABSENT),
        ("()", "Row.first", None),
    ],
)
def test_methods_are_found_in_the_class_and_above_it(stated: str | None, name: str, fault: str | None) -> None:
    """A method's own first parameter is left out; what is called on the class says so, in code and contract alike."""
    text = (
        "import functools\nfrom functools import cached_property as keep\nfrom parts.deep import Base, traced\n"
        "import parts.other as q\n"
        "class Store(Base, q.Far[int], q.Generic_['x']):\n"
        "    key: str\n"
        "    def __init__(self) -> None:\n        self.count = self.total()\n"
        "    async def get(self, key): ...\n"
        "    @staticmethod\n    def at(place): ...\n"
        "    @classmethod\n    def of(cls, text) -> 'Store': ...\n"
        "    @classmethod\n    async def open(cls): ...\n"
        "    @functools.lru_cache(maxsize=None)\n    def put(self, value): ...\n"
        "    @property\n    def size(self): ...\n    @size.setter\n    def size(self, value): ...\n"
        "    @keep\n    def cached(self): ...\n"
        "    @traced\n    def traced(self, a): ...\n"
        "    set = put\n"
        "    class Row:\n        def first(self): ...\n"
    )
    deep = "def traced(function): ...\nclass Base:\n    def close(self, now=1): ..."
    other = "from typing import Generic\nclass Far(Generic[T]):\n    def far(self, x): ...\n"
    other += "class Generic_(Generic[T]):\n    def generic(self, y): ...\n    def close(self): ...\n"

    assert found(text, stated, f"Store.{name}", deep=deep, other=other) == fault


def test_what_a_class_may_have_from_elsewhere_is_said() -> None:
    """A parent that is not in the tree may give a member, but none whose parameters count as read."""
    text = "import ext\nclass Store(ext.Base):\n    def get(self, key): ...\nclass Own(Own.Inner): ..."

    assert found(text, "(key)", "Store.get") is None
    assert found(text, None, "Store.put") is None
    assert found(text, "(key)", "Store.put") == away("ext.Base.put")
    assert found(text, "()", "Own.put")


def test_parents_are_asked_in_the_order_of_python() -> None:
    """In a diamond, what stands between a class and its first ancestor goes first."""
    text = "class Top:\n    def get(self): ...\nclass Left(Top): ...\nclass Right(Top):\n    def get(self, key): ...\n"

    assert found(f"{text}class Store(Left, Right): ...", "(key)", "Store.get") is None


FIELDS = "    path: str\n    size: int = 0"
INIT = "    def __init__(self, path: str, size: int = 0) -> None: ..."
CLASSES = {
    "plain": f"class lookup:\n{INIT}",
    "inherited": f"class Base:\n{INIT}\nclass lookup(Base): ...",
    "generic": f"class Base(t.Generic[T]):\n{INIT}\nclass lookup(Base[int]): ...",
    "new": "class lookup:\n    def __new__(cls, path: str, size: int = 0): ...",
    "dataclass": f"@dataclass\nclass lookup:\n{FIELDS}",
    "frozen": f"@dataclasses.dataclass(frozen=True, slots=True)\nclass lookup:\n{FIELDS}",
    "other name": f"from dataclasses import dataclass as value\n@value\nclass lookup:\n{FIELDS}",
    "field": "@dataclass\nclass lookup:\n    path: str = field(repr=False)\n    size: int = field(default=0)",
    "left out": f"@dataclass\nclass lookup:\n{FIELDS}\n    seen: int = field(init=False)",
    "class variable": f"@dataclass\nclass lookup:\n    count: ClassVar[int] = 1\n{FIELDS}",
    "quoted": "@dataclass\nclass lookup:\n    path: 'str'\n    count: 'ClassVar[int]' = 1\n    size: 'int' = 0",
    "for init alone": "@dataclass\nclass lookup:\n    path: str\n    size: InitVar[int] = 0",
    "above": "@dataclass\nclass Base:\n    path: str\n@dataclass\nclass lookup(Base):\n    size: int = 0",
    "from above": f"@dataclass\nclass Base:\n{FIELDS}\nclass lookup(Base):\n    more: int = 1",
    "changed": f"@dataclass\nclass Base:\n    path: int\n    size: int = 1\n@dataclass\nclass lookup(Base):\n{FIELDS}",
    "own": f"@dataclass\nclass lookup:\n    other: int\n{INIT}",
    "tuple": f"class lookup(NamedTuple):\n{FIELDS}",
    "tuple above": f"class Base(typing.NamedTuple):\n{FIELDS}\nclass lookup(Base):\n    x = 1",
}
IMPORTS = (
    "import dataclasses, typing\nimport typing as t\nfrom typing import ClassVar, NamedTuple\n"
    "from dataclasses import KW_ONLY, InitVar, dataclass, field\n"
)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_class_is_called_as_it_is_made(kind: str) -> None:
    """By `__init__` or `__new__`, its parents' or its own, or by the fields that Python writes one from."""
    text = IMPORTS + CLASSES[kind]

    assert found(text, "(path: str, size: int = 0)") is None
    assert found(text, "(path: str, size: int = 0) -> lookup") is None
    assert found(text, "(path: str)") == "takes (path, size=0), not (path)"
    assert found(text, "(path: str, size: int = 2)") == "takes `size` that is 0 by default, not 2"


@pytest.mark.parametrize(
    ("definition", "wanted", "fault"),
    [
        ("@dataclass(kw_only=True)\nclass lookup:\n    a: str\n    b: int = 0", "(*, b: int = 0, a: str)", None),
        ("@dataclass(kw_only=True)\nclass lookup:\n    a: str", "(a: str)", "takes (*, a), not (a)"),
        ("@dataclass\nclass lookup:\n    a: int\n    _: KW_ONLY\n    b: int", "(a, *, b)", None),
        ("@dataclass\nclass lookup:\n    a: int = field(kw_only=True)\n    b: int = 1", "(b=1, *, a)", None),
        ("@dataclass\nclass lookup:\n    a: list[int] = field(default_factory=list)", "(a: list[int] = [])", None),
        ("@dataclass\nclass lookup:\n    a: list = field(default_factory=list)", "(a=list())", None),
        ("@dataclass\nclass lookup:\n    a: X = field(default_factory=X)", "(a=field(default_factory=X))", None),
        ("@dataclass\nclass lookup:\n    a: list = field(default_factory=lambda: [1])", "(a=[1])", None),
        ("@dataclass\nclass lookup:\n    a: list = field(default_factory=list)", "(a=...)", None),
        ("@dataclass\nclass lookup:\n    a: list = field(default_factory=list)", "(a)", "takes (a=[]), not (a)"),
        ("@dataclass\nclass lookup: ...", "()", None),
        ("@dataclass(init=False)\nclass lookup:\n    a: int", "()", None),
        ("class lookup:\n    x = 1", "()", None),
        ("class lookup:\n    x = 1", "(x)", "takes (), not (x)"),
        ("@t.final\nclass lookup: ...", "()", None),
        ("class lookup(t.Protocol): ...", "()", None),
        ("class lookup:\n    def __init__(self, a): ...", "(a) -> None", None),
        ("class lookup:\n    def __init__(self, a): ...", "(a) -> int", "returns lookup, not int"),
        ("@ext.define\nclass lookup:\n    a: int", "(a: int)",
         "is a class whose parameters cannot be read; give it an `__init__`"),
        ("class Base:\n    def __init__(self, b): ...\n@ext.define\nclass lookup(Base):\n    a: int", "(a: int)",
         "is a class whose parameters cannot be read; give it an `__init__`"),
        ("class lookup(ext.Model):\n    a: int", "(*, a: int)",
         "takes what ext.Model says, outside the tree, which cannot be read; give it an `__init__`"),
        ("class Base(ext.Model): ...\nclass lookup(Base):\n    a: int", "(*, a: int)",
         "takes what ext.Model says, outside the tree, which cannot be read; give it an `__init__`"),
        ("@dataclass\nclass lookup(ext.Model):\n    a: int", "(a: int)",
         "takes what ext.Model says, outside the tree, which cannot be read; give it an `__init__`"),
        ("class lookup(ext.Model):\n    def __init__(self, a): ...", "(a)", None),
        ("@dataclass(**ext.options)\nclass lookup:\n    a: int", "(a: int)",
         "has fields that its parameters cannot be read from: `**ext.options` may be anything"),
        ("@dataclass(kw_only=ext.X)\nclass lookup:\n    a: int", "(a: int)",
         "has fields that its parameters cannot be read from: `kw_only=ext.X` may be anything"),
        ("@dataclass\nclass lookup:\n    a: int = 1\n    b: int", "(a, b)",
         "has fields that its parameters cannot be read from: non-default argument follows default argument"),
    ],
)  # fmt: skip
def test_fields_are_read_as_python_reads_them(definition: str, wanted: str, fault: str | None) -> None:
    """Keyword-only fields, defaults that are made anew, and classes whose parameters nothing in the tree tells."""
    assert found(f"{IMPORTS}import ext\n{definition}", wanted) == fault


@pytest.mark.parametrize(
    ("definition", "wanted", "fault"),
    [
        ("@contextmanager\ndef lookup(a) -> Iterator[str]:\n    yield a", "(a)", None),
        ("@contextmanager\ndef lookup(a) -> Iterator[str]:\n    yield a", "(a) -> AbstractContextManager[str]", None),
        ("@contextmanager\ndef lookup(a) -> Generator[str, None, None]: ...", "(a) -> ContextManager[str]", None),
        ("@contextmanager\ndef lookup(a) -> Iterator[str]: ...", "(a) -> Iterator[str]",
         "returns AbstractContextManager[str], not Iterator[str]"),
        ("def lookup(a) -> Iterator[str]: ...", "(a) -> AbstractContextManager[str]",
         "returns Iterator[str], not AbstractContextManager[str]"),
        ("@contextlib.asynccontextmanager\nasync def lookup() -> AsyncIterator[int]:\n    yield 1",
         "() -> AbstractAsyncContextManager[int]", None),
        ("@contextlib.asynccontextmanager\nasync def lookup(): ...", "async ()", "is not async, as the contract is"),
        ("@property\ndef lookup(a): ...", "(a)", PROPERTY),
        ("@unknown(1)\ndef lookup(a): ...", "(a)", None),
        ("def property(f): ...\n@property\ndef lookup(a): ...", "(a)", None),
        ("from tkinter import *\n@property\ndef lookup(a): ...", "(a)", PROPERTY),
    ],
)  # fmt: skip
def test_marks_change_how_a_function_is_called(definition: str, wanted: str, fault: str | None) -> None:
    """A property is no call, a generator may be a context manager, and any other mark keeps what is written."""
    assert found(f"import contextlib\nfrom contextlib import contextmanager\n{definition}", wanted) == fault


def test_a_module_that_is_not_there_is_said_with_its_place() -> None:
    """The clause names where the module was looked for."""
    faults = list(code({}).definition_faults(contract(SIGNATURE)))

    assert faults == ["there is no module parts.lookup (at src/parts/lookup.py or elsewhere)"]


@pytest.mark.parametrize(
    "text",
    [
        "from parts.lookup import lookup\nlookup = lookup",
        "lookup = other\nother = lookup",
        "from parts.lookup import *\n" * 50,
        "x" + "(" * 10_000,
        "\0",
        "from ..... import lookup",
        "class lookup(lookup): ...",
        "class lookup(lookup.Inner): ...",
        "class A(lookup): ...\nclass lookup(A): ...",
        "from parts.other import lookup",
        "import parts.lookup\nlookup = parts.lookup.lookup",
    ],
    ids=["itself", "a ring", "a star of itself", "deep", "null", "above the root", "own parent", "own member's child",
         "own grandparent", "a ring of two", "by its module"],
)  # fmt: skip
def test_no_source_stops_the_search(text: str) -> None:
    """What leads in circles or cannot be read is a fault and no crash."""
    assert found(text, "(path)", other="from parts.lookup import lookup")


@pytest.mark.parametrize(
    "text",
    ["path", "", "(path", "(a): x", "(a): 1; b", "lambda: 1", "(b=1, a)", "(a, a)", "async", "@property (a)", "@ (a)"],
)
def test_what_is_no_signature_is_refused(text: str) -> None:
    """Only what stands between a function's name and its colon is one, after `async` and what a method is marked as."""
    with pytest.raises(InputError, match=r"is no signature; write it as `\(path: str"):
        parse(text)


# What is called


MISSING = "missing a required argument: 'path'"
MANY = "too many positional arguments"
PACKAGE = {
    "src/parts/__init__.py": "from parts.lookup import lookup\nfrom .lookup import lookup as search\n",
    "src/parts/lookup.py": "def lookup(path, *, fresh=False): ...\n",
    "src/parts/public.py": "from parts import *\n",
    "src/parts/both.py": "if x:\n    from parts.lookup import lookup\nelse:\n    def lookup(): ...\n",
}


def misfits(text: str, files: Mapping[str, str], name: str = "lookup", signature: str = SIGNATURE) -> list[str]:
    """Return what is wrong with the calls in a module beside the one of the contract, without what all clauses say."""
    tree = code({**files, "src/parts/use.py": text})
    faults = list(tree.call_faults(contract(signature, name), ["src/parts/use.py", "README.md", "gone.py"]))
    shown = parse(signature).shown(annotated=False)
    assert all(f" calls parts.lookup.{name}, which takes {shown}: " in fault for fault in faults)
    return [f"{fault.split(':')[1].split()[0]}: {fault.split('): ')[-1]}" for fault in faults]


@pytest.mark.parametrize("files", [{}, PACKAGE], ids=["before it is there", "where it is there"])
@pytest.mark.parametrize(
    ("text", "misfit"),
    [
        ("from parts.lookup import lookup\nlookup('a', fresh=True)", None),
        ("from parts.lookup import lookup\nlookup()", MISSING),
        ("from parts.lookup import lookup as find\nfind('a', True)", MANY),
        ("import parts.lookup\nparts.lookup.lookup('a', new=1)", "got an unexpected keyword argument 'new'"),
        ("import parts.lookup as pl\npl.lookup()", MISSING),
        ("from .lookup import lookup\nlookup()", MISSING),
        ("def f():\n    from parts.lookup import lookup\n    lookup()", MISSING),
        ("from parts.lookup import lookup\nlookup(*a)", None),
        ("from parts.lookup import lookup\nlookup(**a)", None),
        ("from parts.lookup import lookup\nlookup(*a, new=1)", "got an unexpected keyword argument 'new'"),
        ("from parts.lookup import other\nother()", None),
        ("from elsewhere import lookup\nlookup()", None),
        ("from parts.lookup import lookup\nlookup(lookup('a'), fresh=lookup())", MISSING),
        ("from parts.lookup import *\nlookup()", MISSING),
        ("from parts.lookup import lookup(", None),
        ("import functools\nfrom parts.lookup import lookup\nfunctools.partial(lookup, new=1)",
         "got an unexpected keyword argument 'new'"),
        ("from functools import partial as p\nfrom parts.lookup import lookup\np(lookup, 'a', True)", MANY),
        ("from functools import partial\nfrom parts.lookup import lookup\npartial(lookup, fresh=True)", None),
        ("from parts.lookup import lookup\npartial(lookup, new=1)", None),
        ("from parts.lookup import lookup\nfind = lookup\nfind()", MISSING),
        ("import parts.lookup\ndef f():\n    find = parts.lookup.lookup\n    find()", MISSING),
        ("try:\n    from parts.lookup import lookup\nexcept ImportError:\n    lookup = None\nlookup()", MISSING),
        ("try:\n    from parts.lookup import lookup\nexcept ImportError:\n    def lookup(): ...\nlookup()", MISSING),
        ("from parts.lookup import lookup\nimport pytest\nwith pytest.raises(TypeError):\n    lookup()", None),
        ("from parts.lookup import lookup\nimport pytest\nwith pytest.raises(ValueError):\n    lookup()", MISSING),
    ],
)  # fmt: skip
def test_calls_bind_to_the_declared_signature(text: str, misfit: str | None, files: Mapping[str, str]) -> None:
    """Count and keywords of calls by an imported name must fit, side by side with the producer and after it."""
    line = text.count("\n") + 1

    assert misfits(text, files) == ([f"{line}: {misfit}"] if misfit else [])


@pytest.mark.parametrize(
    ("text", "misfit"),
    [
        ("from parts import lookup\nlookup()", MISSING),
        ("from . import lookup\nlookup()", MISSING),
        ("from parts import lookup\nlookup('a')", None),
        ("from parts import search\nsearch('a', True, mode=3)", MANY),
        ("import parts\nparts.search()", MISSING),
        ("from parts import *\nsearch()", MISSING),
        ("from parts.public import search\nsearch()", MISSING),
        ("from parts.public import *\nlookup()", MISSING),
        ("from parts.public import *\nfrom elsewhere import *\nsearch()", None),
        ("from elsewhere import *\nfrom parts import search\nsearch()", MISSING),
        ("from parts.both import lookup\nlookup()", None),
        ("from parts.both import gone\ngone()", None),
        ("from parts.gone import lookup\nlookup()", None),
        (
            "if x:\n    from parts import search\nelse:\n    from parts.lookup import lookup as search\nsearch()",
            MISSING,
        ),
        ("if x:\n    from parts import search\nelse:\n    from elsewhere import search\nsearch()", None),
    ],
)
def test_calls_are_followed_through_re_exports(text: str, misfit: str | None) -> None:
    """What a package hands on is the same thing by another name; where it may be something else nothing is judged."""
    line = text.count("\n") + 1

    assert misfits(text, PACKAGE) == ([f"{line}: {misfit}"] if misfit else [])


def test_before_it_is_there_a_module_is_called_by_its_name() -> None:
    """A package that is not there hands nothing on, but a module of it may be meant."""
    assert misfits("from parts import lookup\nlookup.lookup()", {}) == [f"2: {MISSING}"]
    assert misfits("from . import lookup\nlookup.lookup()", {}) == [f"2: {MISSING}"]
    assert misfits("from parts import lookup\nlookup()", {}) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("lookup()\nclass K:\n    def lookup(self): ...\n    def f(self): return lookup()", [2, 5]),
        ("lookup()\nclass K:\n    lookup = print\n    x = lookup()", [2]),
        ("lookup()\nclass K:\n    lookup = print\n    x = [lookup(a) for a in lookup()]\n    y = [lookup() for a in b]",
         [2, 6]),
        ("lookup()\nclass K:\n    class L:\n        def lookup(self): ...\n    x = lookup()", [2, 6]),
        ("def f(lookup):\n    lookup()\nlookup()", [4]),
        ("def f(*lookup):\n    def g(): lookup()\n    return g\nlookup()", [5]),
        ("def f(a=lookup()):\n    lookup = a\n    return lookup()", [2]),
        ("@lookup()\ndef f(): ...", [2]),
        ("f = lambda lookup: lookup()\ng = lambda: lookup()", [3]),
        ("[lookup() for lookup in x]\n[lookup() for y in x]\n{lookup(): 1 for a, lookup in x}", [3]),
        ("def f():\n    for lookup in x: lookup()\n    with x as lookup: lookup()\nlookup()", [5]),
        ("def f():\n    lookup()\n    (lookup := 1)\nlookup()", [5]),
        ("def f():\n    match x:\n        case {'a': lookup}: lookup()\nlookup()", [5]),
        ("def f():\n    try: ...\n    except E as lookup: lookup()\nlookup()", [5]),
        ("def f():\n    from elsewhere import lookup\n    lookup()\nlookup()", [5]),
        ("def f():\n    def lookup(): ...\n    lookup()\n    def g(): lookup()\nlookup()", [6]),
        ("def f():\n    lookup()\n    def g():\n        lookup = 1", [3]),
        ("def f():\n    global lookup\n    lookup = 1\nlookup()", []),
        ("lookup = print\nlookup()", []),
        ("lookup()\nfor lookup in x: ...", []),
        ("if x:\n    lookup = print\nlookup()", []),
        ("del lookup\nlookup()", [3]),
        ("if TYPE_CHECKING:\n    lookup = print\nlookup()", [4]),
        ("if __name__ == '__main__':\n    lookup()", [3]),
        ("x.lookup()\nlookup.lookup()\nlookup()()", [4]),
    ],
)  # fmt: skip
def test_only_the_scope_of_a_name_decides_what_it_is(text: str, lines: list[int]) -> None:
    """A parameter, a method or a local name of the same name counts where Python looks for it, and nowhere else."""
    faults = misfits(f"from parts.lookup import lookup\n{text}", PACKAGE)

    assert faults == [f"{line}: {MISSING}" for line in lines]


@pytest.mark.parametrize(
    ("signature", "text", "misfit"),
    [
        ("@staticmethod (place)", "Store.at()", "missing a required argument: 'place'"),
        ("@classmethod (place)", "Store.at(1, 2)", MANY),
        ("@classmethod (place)", "Store.at(1)", None),
        ("(place)", "Store.at(store, 1)", None),
        ("@staticmethod (place)", "Store().at()", None),
    ],
)
def test_methods_are_judged_where_they_are_called_on_their_class(signature: str, text: str, misfit: str | None) -> None:
    """What an object is cannot be read off the text, and what a class is can."""
    faults = misfits(f"from parts.lookup import Store\n{text}", {}, "Store.at", signature)

    assert faults == ([f"2: {misfit}"] if misfit else [])


def test_only_what_is_named_is_read() -> None:
    """Of a large tree, what contracts and changed files lead to is read, once each however many contracts there are."""
    files = {f"src/many/m{number}.py": "def f(): ...\n" for number in range(1000)}
    files |= PACKAGE | {"src/parts/use.py": "from parts import lookup\nlookup()\n"}
    read: list[str] = []

    def text(path: str) -> str:
        read.append(path)
        return files[path]

    tree = Code(Sources(frozenset(files), text, roots("src")))
    for _ in range(3):
        assert list(tree.definition_faults(contract("(path, *, fresh=False)"))) == []
        assert len(list(tree.call_faults(contract(SIGNATURE), ["src/parts/use.py"]))) == 1

    assert sorted(read) == ["src/parts/__init__.py", "src/parts/lookup.py", "src/parts/use.py"]
