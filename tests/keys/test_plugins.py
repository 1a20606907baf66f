import os
import tempfile
from pathlib import Path

import pytest

from fluxsecrets.errors import IdentityError, RecipientError
from fluxsecrets.keys.agefile import Stanza
from fluxsecrets.keys.host import Host
from fluxsecrets.keys.plugins import (
    PluginError,
    identity_plugin,
    is_installed,
    plugin_problem,
    recipient_plugin,
    unwrap_with_plugin,
    wrap_with_plugin,
)
from fluxsecrets.sops import bech32

RECIPIENT = bech32.encode("age1xor", b"throw-away")
IDENTITY = bech32.encode("age-plugin-xor-", b"throw-away").upper()
FILE_KEY = bytes(range(16))


@pytest.fixture
def host(plugin):
    def make(mode="", timeout=20.0, **more):
        return Host({**plugin, "PLUGIN_MODE": mode}, plugin_timeout=timeout, **more)

    return make


def test_names_are_read_from_recipients_and_identities():
    assert recipient_plugin(RECIPIENT) == identity_plugin(IDENTITY) == "xor"
    assert recipient_plugin(bech32.encode("age1a-b.c_d+9", b"")) == "a-b.c_d+9"


@pytest.mark.parametrize("prefix", ["age1", "age1../x", "age1a/b", "age1a\\b", "age", "x1name", "age1a~"])
def test_recipients_without_a_proper_name_are_refused(prefix):
    with pytest.raises(ValueError, match=r"plugin"):
        recipient_plugin(bech32.encode(prefix, b"x"))


@pytest.mark.parametrize("prefix", ["age-plugin-", "age-plugin--", "age-plugin-a/b-", "age-plugin-x", "x-y-"])
def test_identities_without_a_proper_name_are_refused(prefix):
    with pytest.raises(ValueError, match=r"plugin|PLUGIN"):
        identity_plugin(bech32.encode(prefix, b"x").upper())


def test_a_file_key_goes_there_and_back(host, plugin):
    stanzas = wrap_with_plugin(host(), RECIPIENT, FILE_KEY)
    assert [(one.type, one.args) for one in stanzas] == [("xor", ("arg",))]
    assert unwrap_with_plugin(host(), IDENTITY, [Stanza("X25519"), *stanzas]) == FILE_KEY
    assert unwrap_with_plugin(host(), IDENTITY, [Stanza("X25519")]) is None
    log = Path(plugin["PLUGIN_LOG"]).read_text().splitlines()
    assert [line.split()[0] for line in log] == ["--age-plugin=recipient-v1"] + [
        "--age-plugin=identity-v1"
    ] * 2
    assert {os.path.realpath(line.split(" ", 1)[1]) for line in log} == {
        os.path.realpath(tempfile.gettempdir())
    }


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("ends", "ended before it was done"),
        ("error", "the device is not plugged in"),
        ("leak", "its message is not shown"),
        ("rubbish", "ended before it was done"),
        ("endless", "ended before it was done"),
    ],
)
def test_failures_of_a_plugin_are_said(host, mode, reason):
    with pytest.raises(RecipientError, match=f"age-plugin-xor: .*{reason}") as caught:
        wrap_with_plugin(host(mode), RECIPIENT, FILE_KEY)
    assert caught.value.hint
    with pytest.raises(PluginError, match=reason) as failed:
        unwrap_with_plugin(host(mode), IDENTITY, [Stanza("xor", (), FILE_KEY)])
    assert not failed.value.fatal
    problem = plugin_problem("xor", failed.value)
    assert isinstance(problem, IdentityError)
    assert "QQQQ" not in str(problem)
    assert "more" not in str(problem)


def test_a_plugin_that_says_nothing_is_ended(host):
    silent = host("silent", timeout=0.5)
    with pytest.raises(RecipientError, match=r"within 0\.5 seconds"):
        wrap_with_plugin(silent, RECIPIENT, FILE_KEY)
    with pytest.raises(PluginError, match=r"within 0\.5 seconds") as failed:
        unwrap_with_plugin(silent, IDENTITY, [Stanza("xor", (), FILE_KEY)])
    assert failed.value.fatal


@pytest.mark.parametrize("mode", ["short", "index"])
def test_a_plugin_that_breaks_the_protocol_is_an_error(host, mode):
    with pytest.raises(PluginError, match="protocol"):
        unwrap_with_plugin(host(mode), IDENTITY, [Stanza("xor", (), FILE_KEY)])


def test_a_plugin_must_not_use_a_passphrase(host):
    with pytest.raises(RecipientError, match="passphrase"):
        wrap_with_plugin(host("scrypt"), RECIPIENT, FILE_KEY)


def test_a_plugin_may_ask_the_user(host):
    asked = []

    def ask(question):
        asked.append(question)
        return "1234" if "PIN" in question else "1"

    told = []
    assert wrap_with_plugin(host("asks", ask=ask, notify=told.append), RECIPIENT, FILE_KEY)
    assert asked == ["age-plugin-xor: PIN?", "age-plugin-xor: sure? (1: go on, 2: stop)"]
    assert told == ["age-plugin-xor: touch it"]


def test_nobody_to_ask_or_no_answer_is_told_to_the_plugin(host):
    def refuse(_question):
        raise IdentityError("no terminal")

    for asking in (host("asks"), host("asks", ask=refuse)):
        with pytest.raises(RecipientError, match="wrong PIN"):
            wrap_with_plugin(asking, RECIPIENT, FILE_KEY)
    for answer in ("2", "", "3", "12"):
        ask = lambda question, answer=answer: "1234" if "PIN" in question else answer  # noqa: E731
        with pytest.raises(RecipientError, match="not sure"):
            wrap_with_plugin(host("asks", ask=ask), RECIPIENT, FILE_KEY)


def test_a_missing_plugin_is_said(host):
    assert is_installed(host(), "xor")
    assert not is_installed(host(), "no-such-plugin")
    with pytest.raises(RecipientError, match="not installed"):
        wrap_with_plugin(host(), bech32.encode("age1no-such-plugin", b"x"), FILE_KEY)


def test_plugins_are_not_taken_from_the_working_directory(host, plugin, monkeypatch):
    monkeypatch.chdir(plugin["PATH"].split(os.pathsep)[0])
    here = Host({**plugin, "PATH": os.pathsep.join([".", ""])})
    assert not is_installed(here, "xor")
