"""`report`: what happened, as Markdown, JSON or a page."""

from pathlib import Path

import click

from orchestrator.cli import options
from orchestrator.cli.manual import Manual
from orchestrator.cli.screen import echo, say
from orchestrator.home import Home, project_record, write_output


@click.command(cls=Manual)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json", "html"]),
    default="markdown",
    show_default=True,
    help="Markdown, which reads well as plain text too; JSON with every section's rows for programs; or one HTML "
    "file with charts, which needs no network.",
)
@click.option("--phase", metavar="N", type=int, help="Only this phase.")
@click.option("--output", metavar="FILE", type=options.FILE, help="Write it to this file instead of stdout.")
@options.home_alone
def report(form: str, phase: int | None, output: Path | None, home: Path) -> None:
    """Tell from the journal what happened, what it cost and what comes next.

    Summary, progress, agents, risks and next steps; then checks, reviews, merges and conflicts, tokens and dollars,
    times, decisions and failures, of every run in this home and of the plans that they ran. It can be asked while a
    build runs.

    Examples:
      mbo report > report.md
      mbo report --format html --output report.html
      mbo report --phase 1
      mbo report --format json | jq '.next_steps'
    """
    project_record(Home(home))
    text = _told(form, Home(home), phase)
    if output is None:
        echo(text, nl=False)
        return
    write_output(output, text)
    say(f"report: {output}")


def _told(form: str, home: Home, phase: int | None) -> str:
    from analytics import report as reports  # DuckDB, which `--help` need not load

    again = options.again(home.root)
    if form == "html":
        from analytics import page

        return page.html(home, phase, again)
    return (reports.as_json if form == "json" else reports.markdown)(home, phase, again)
