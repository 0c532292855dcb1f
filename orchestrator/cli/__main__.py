"""Run the command line as `python -m orchestrator.cli`."""

from orchestrator.cli.main import main

main()
