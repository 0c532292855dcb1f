"""The command line: parse, call one function, print. Data goes to stdout, talk to stderr."""

from orchestrator.cli.main import main

__all__ = ["main"]
