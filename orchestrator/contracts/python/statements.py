"""What single statements do, read and not run: which names they bind, what they import from, which way they go."""

import ast
from collections.abc import Iterator

from orchestrator.contracts.python.bindings import last_name


def stored(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node's own expressions and patterns bind, not those of statements and scopes in it."""
    left = [node]
    while left:
        match left.pop():
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)) as part:
                yield name
                left += ast.iter_child_nodes(part)
            case ast.comprehension() as part:
                left += [part.iter, *part.ifs]
            case part:
                inner = ast.stmt | ast.ExceptHandler | ast.match_case | ast.Lambda
                left += (child for child in ast.iter_child_nodes(part) if not isinstance(child, inner))


def truth(test: ast.expr, *, imported: bool) -> bool | None:
    """Return what a condition is at run time, in a module that is `imported` or may be run; None where it may vary."""
    match test:
        case ast.Constant():
            return bool(test.value)
        case ast.UnaryOp(op=ast.Not()):
            opposite = truth(test.operand, imported=imported)
            return None if opposite is None else not opposite
        case ast.BoolOp(op=ast.And()):
            return False if any(truth(part, imported=imported) is False for part in test.values) else None
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]) if imported:
            return False
        case _:
            return False if last_name(test) == "TYPE_CHECKING" else None


def absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """Return the module that a `from … import` in `module` names."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])
