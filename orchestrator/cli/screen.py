"""The one way to the terminal: what agents, plans and journals say is shown there, and cannot steer it."""

import re

import click

_STEERS = re.compile(r"(\x1b\[(?:0|3[1-7])m)|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""A colour as `click.style` sets and ends it; else a control character but the line feed, one that begins a line or
turns the direction of text around, or half of one."""
_TAB = 4


def echo(text: str = "", *, styled: bool = False, nl: bool = True) -> None:
    """Print data; with `styled`, the colours in it are ours, put there when its words were visible already."""
    click.echo(visible(text, styled=styled), nl=nl)


def say(text: str = "") -> None:
    """Print talk, to stderr."""
    click.echo(visible(text), err=True)


def visible(text: str, *, styled: bool = False) -> str:
    """Return `text` with what steers a terminal written as JSON writes it, so that JSON means what it meant."""

    def shown(found: re.Match[str]) -> str:
        is_ours = styled and found[1]
        return found[0] if is_ours else f"\\u{ord(found[0][0]):04x}{found[0][1:]}"

    return _STEERS.sub(shown, text.replace("\r\n", "\n").expandtabs(_TAB))
