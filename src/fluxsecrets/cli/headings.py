"""Help texts of commands with many options: some stand under headings of their own."""

from __future__ import annotations

from typing import Any

import click

_OTHERS = "Options"


class HeadedOption(click.Option):
    """An option that help shows under a heading."""

    def __init__(self, *arguments: Any, heading: str, **given: Any) -> None:
        """Take the heading, and what an option takes."""
        super().__init__(*arguments, **given)
        self.heading = heading


class HeadedCommand(click.Command):
    """A command whose help has a section per heading, after the options without one."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, in the order in which options first name them."""
        sections: dict[str, list[tuple[str, str]]] = {_OTHERS: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                heading = parameter.heading if isinstance(parameter, HeadedOption) else _OTHERS
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
