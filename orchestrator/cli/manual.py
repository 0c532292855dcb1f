"""Help texts that are manuals: paragraphs are filled, and a paragraph with indented lines stands as it was written."""

import inspect

import click


class Manual(click.Command):
    """A command whose help shows examples and tables line by line."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 click's own
        """Write the help text."""
        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            formatter.write_paragraph()
            with formatter.indentation():
                if "\n " in paragraph:
                    indent = " " * formatter.current_indent
                    formatter.write("".join(f"{indent}{line}\n" for line in paragraph.splitlines()))
                else:
                    formatter.write_text(paragraph)


class ManualGroup(Manual, click.Group):
    """A command with subcommands, which does something of its own where none is named."""
