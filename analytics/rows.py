"""What a section of a report is given: a way to ask, and rows as answers."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]
"""Ask a question by its name and get its rows."""
