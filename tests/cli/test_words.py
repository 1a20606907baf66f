"""Words of sops, kubeseal, gitleaks and others: the error says what they are called here."""

import click
import pytest

from commandlines import check
from fluxsecrets.cli import words
from fluxsecrets.cli.app import cli as group
from fluxsecrets.cli.usage import usage_error
from fluxsecrets.errors import UsageError

TABLE = [(command, word, found) for command, own in words.WORDS.items() for word, found in own.items()]


def refused(*arguments):
    """The error of a command line, which is parsed and not run."""
    with pytest.raises((UsageError, click.UsageError)) as caught:
        group.main(args=[*arguments], prog_name="fluxsecrets", standalone_mode=False)
    return caught.value if isinstance(caught.value, UsageError) else usage_error(caught.value)


def test_every_word_is_unknown_here_and_its_error_says_what_it_is_called():
    """A word that became a command or an option has to leave the table."""
    for command, word, found in TABLE:
        error = refused(*command.split(), word)
        assert error.message.startswith(("there is no command", "no such option")), (command, word)
        assert error.hint == words.explain_word(word, found), (command, word)


@pytest.mark.parametrize("command", ["init --ci", "env add --from"])
def test_an_option_without_its_value_names_the_help_of_its_command(command):
    error = refused(*command.split())
    assert error.hint == f"see `fluxsecrets {command.rpartition(' ')[0]} --help`"


def test_every_suggested_command_can_be_run_as_it_is_printed():
    for _, word, found in TABLE:
        for each in found.commands:
            check(f"fluxsecrets {each}")
        assert found.commands or found.note, word


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("-d", "a.yaml"), "sops's -d is `fluxsecrets decrypt PATH` here"),
        (("updatekeys", "a.yaml"), "sops's updatekeys is `fluxsecrets recipients sync PATH` here"),
        (("--cert", "a.pem"), "kubeseal's --cert is `fluxsecrets seal PATH --cert FILE` here"),
        (("protect", "--staged"), "gitleaks's protect is `fluxsecrets scan --staged` here"),
        (("unlock",), "git-crypt's unlock is `fluxsecrets decrypt PATH` or `fluxsecrets edit PATH` here"),
        (("recipients", "rm", "alice"), "rm is `fluxsecrets recipients remove WHO` here"),
        (("recipients", "remov", "alice"), "did you mean `fluxsecrets recipients remove`?"),
        (("keys", "nonsense"), "see `fluxsecrets keys --help`"),
        (("scan", "--report-path", "a"), "gitleaks's --report-path is `fluxsecrets scan -o FILE` here"),
    ],
)
def test_what_is_meant(cli, arguments, hint):
    result = cli(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"hint: {hint}" in result.stderr


def test_the_message_names_the_whole_command(cli):
    assert "there is no command 'recipients rm'" in cli("recipients", "rm").stderr
