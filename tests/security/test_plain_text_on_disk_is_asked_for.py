"""Plain text gets to a disk where somebody said so, and not without a word."""

import re

import pytest

from fluxsecrets.cli.app import cli as cli_group
from sealing import key_file, make_certificate

FILE = "apps/spicedb/overlays/staging/registry.json"
WORDS = ("json", "yaml", "yml", "dotenv", "env", "ini", "binary", "text", "table", "name", "JSON")


def options_named_output(command, path=()):
    """The commands that have `-o`, by name."""
    for name in command.list_commands(None):
        found = command.get_command(None, name)
        if hasattr(found, "list_commands"):
            yield from options_named_output(found, (*path, name))
        elif any("--output" in parameter.opts for parameter in found.params):
            yield " ".join((*path, name))


WITH_OUTPUT = tuple(options_named_output(cli_group))


def test_commands_that_write_plain_text_are_among_those_that_are_tried():
    assert {"decrypt", "unseal", "keys export", "env add", "audit", "diff"} <= set(WITH_OUTPUT)


@pytest.mark.parametrize("command", WITH_OUTPUT)
def test_the_name_of_a_format_is_no_file(tmp_path, cli, monkeypatch, command):
    """`-o json` prints in kubectl and helm. What else a command wants is asked for later."""
    monkeypatch.chdir(tmp_path)
    for word in (*WORDS, "jsonpath={.data}", "go-template=x"):
        result = cli(*command.split(), "-o", word)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"-o wants a file, and '{word}' is the name of a format" in result.stderr
        assert f"-o ./{word} for a file of that name" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("word", "output_type"), [("json", "json"), ("yml", "yaml"), ("env", "dotenv")])
def test_it_says_the_option_that_is_meant_where_there_is_one(encrypted_waddle, cli, word, output_type):
    assert f"give --output-type {output_type} for the format" in cli("decrypt", FILE, "-o", word).stderr
    assert "--output-type" not in cli("encrypt", FILE, "-o", word).stderr
    assert cli("decrypt", FILE, "--output-type", "json").exit_code == 0


def test_a_file_of_that_name_can_be_written_still(encrypted_waddle, cli):
    result = cli("decrypt", FILE, "-o", "./json")
    assert result.exit_code == 0
    assert (encrypted_waddle / "json").read_bytes() == cli("decrypt", FILE).stdout_bytes


SAYS = re.compile(r"plain text is on disk now: run `fluxsecrets encrypt (?P<where>[^`]*)` before you commit")


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (("decrypt", "-i", FILE), FILE),
        (("decrypt", "-i", FILE, "--format", "json"), FILE),
        (("decrypt", "-i", "apps/spicedb/overlays/staging"), "apps/spicedb/overlays/staging"),
        (("decrypt", "-i", "--env", "staging"), "--env staging"),
        (("decrypt", FILE, "-o", "plain text.json"), "'plain text.json'"),
        (("decrypt", FILE, "-o", "-plain.json"), "./-plain.json"),
        (("convert", FILE, "--to", "plain"), FILE),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_every_way_says_so_and_names_what_to_encrypt(encrypted_waddle, cli, command, where):
    if command[0] == "convert":  # that takes manifests only
        command = ("convert", *command[2:], "apps/cloudnative-pg/overlays/staging/secrets.yaml")
        where = command[-1]
    result = cli(*command)
    assert result.exit_code == 0, result.stderr
    assert [match["where"] for match in SAYS.finditer(result.stderr)] == [where]


def test_unseal_says_so_too(waddle, cli):
    (waddle / "cert.pem").write_bytes(make_certificate(-1, 30))
    (waddle / "key.pem").write_bytes(key_file("sealing.key"))
    source = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    assert cli("seal", source, "--cert", "cert.pem", "-o", "sealed.yaml", "--comments", "drop").exit_code == 0
    result = cli("unseal", "sealed.yaml", "--private-key", "key.pem", "-o", "plain.yaml")
    assert result.exit_code == 0, result.stderr
    assert SAYS.search(result.stderr)["where"] == "plain.yaml"


def test_what_is_printed_is_on_no_disk(encrypted_waddle, cli, git):
    for options in ((), ("-o", "-")):
        result = cli("decrypt", FILE, *options)
        assert "on disk" not in result.stderr
    assert git(encrypted_waddle, "status", "--porcelain") == ""
