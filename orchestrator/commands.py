"""Commands that our own words tell people to type."""

import re

COMMAND = re.compile(r"`(mbo [^`]+)`")
"""How our own words name a command to type."""


def completed(words: str, again: str) -> str:
    """Return words in which each command has the options `again`, so that it means the same home and plan."""
    return COMMAND.sub(lambda found: f"`{found[1]}{again}`", words)
