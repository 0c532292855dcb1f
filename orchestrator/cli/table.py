"""Plain tables for the terminal, narrow enough for it; light, because `plan` and `status` must answer at once."""

import shutil
from collections.abc import Sequence

GAP = "  "
LEAST = 6


def render(header: Sequence[str], rows: Sequence[Sequence[str]], *, give: int, width: int | None = None) -> str:
    """Return a table at most `width` columns wide; column number `give` is cut where it would be wider."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    sizes = [max(len(row[n]) for row in (header, *rows)) for n in range(len(header))]
    over = sum(sizes) + len(GAP) * (len(sizes) - 1) - width
    sizes[give] = max(LEAST, sizes[give] - max(0, over))
    rule = [("─" * size) for size in sizes]
    return "\n".join(_line(row, sizes) for row in (header, rule, *rows))


def bar(done: int, total: int, width: int = 20) -> str:
    """Return a bar of `width` characters for `done` of `total`."""
    filled = round(width * done / total) if total else 0
    return "█" * filled + "░" * (width - filled)


def shorten(text: str, size: int) -> str:
    """Return `text` in at most `size` characters, with an ellipsis where something is left out."""
    return text if len(text) <= size else text[: max(0, size - 1)] + "…"


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return GAP.join(shorten(cell, size).ljust(size) for cell, size in zip(cells, sizes, strict=True)).rstrip()
