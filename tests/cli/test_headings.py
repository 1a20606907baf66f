"""Help of commands with many options: sections, and nothing left out."""

import re

import click
import pytest

from fluxsecrets.cli import edit, encrypt, rotate


@pytest.mark.parametrize(
    ("module", "headings"),
    [
        (encrypt, ["Options", "Recipients, instead of the rule's", "Selector, instead of the rule's"]),
        (edit, ["Options", "Recipients of a new file, instead of the rule's"]),
        (rotate, ["Options", "Recipients to add and to remove", "A new identity for a cluster"]),
    ],
)
def test_every_option_is_in_one_section(cli, module, headings):
    name = module.command.name
    text = cli(name, "--help").stdout
    assert re.findall(r"(?m)^(\S.*):$", text) == [*headings, "Examples"]
    for option in module.command.params:
        if isinstance(option, click.Option) and not option.hidden:
            shown = re.findall(
                rf"(?m)^  .*{re.escape(option.opts[0])}(?=[ ,\n])", text[text.index("Options:") :]
            )
            assert len(shown) >= 1, option.name
    assert "PATH\n" not in text[text.index("Options:") :]
