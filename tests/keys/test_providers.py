import json
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fluxsecrets.errors import IdentityError, RecipientError
from fluxsecrets.keys import EXTRAS, PROVIDERS, Allowed, Extra, Unsupported, User, has_library, make_providers
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import KINDS, Recipient

OTHERS = [kind for kind in KINDS if kind not in PROVIDERS]


def test_there_is_a_provider_for_every_kind_of_key_that_sops_writes():
    assert set(KINDS) == {"age", "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"}
    providers = make_providers({})
    assert {kind: providers[kind].kind for kind in providers} == {kind: kind for kind in KINDS}
    assert len(providers) == len(KINDS)


def test_a_provider_is_made_once():
    providers = make_providers({})
    assert providers["age"] is providers["age"]
    assert providers["pgp"] is providers["pgp"]


def test_unknown_kinds_are_not_there():
    providers = make_providers({})
    assert "rot13" not in providers
    assert providers.get("rot13") is None


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_are_not_mine_and_cannot_be_wrapped_for(kind):
    provider = make_providers({})[kind]
    recipient = Recipient(kind, "some-id")
    answer = provider.unwrap(WrappedKey(recipient, "enc"))
    assert isinstance(answer, NotMine)
    assert answer.reason.endswith("keys are not supported by this version")
    for action in (lambda: provider.check(recipient), lambda: provider.wrap(recipient, bytes(32))):
        with pytest.raises(RecipientError, match="keys are not supported by this version") as caught:
            action()
        assert caught.value.hint
    assert provider.looked_in() == ()
    assert not provider.owns(recipient)
    assert isinstance(provider, Unsupported)


def test_a_run_that_decrypts_nothing_encrypts(secrets, recipients):
    environ, recipient = {"SOPS_AGE_KEY": secrets["alice"]}, Recipient("age", recipients["alice"])
    closed = make_providers(environ, allowed=Allowed(identities=False))["age"]
    closed.check(recipient)
    key = closed.wrap(recipient, b"k" * 32)
    assert make_providers(environ)["age"].unwrap(key) == b"k" * 32
    assert closed.unwrap(key).reason == "this run decrypts nothing"
    assert not closed.owns(recipient)
    assert not closed.at_hand(recipient)
    assert closed.search_further([recipient]) == ()
    assert closed.looked_in() == ("nowhere: this run decrypts nothing",)


def test_the_age_provider_looks_in_the_given_environment(secrets, recipients):
    providers = make_providers({"SOPS_AGE_KEY": secrets["alice"]})
    recipient = Recipient("age", recipients["alice"])
    key = providers["age"].wrap(recipient, b"k" * 32)
    assert providers["age"].unwrap(key) == b"k" * 32


def test_providers_reach_a_worker_process(secrets, recipients):
    providers = make_providers({"SOPS_AGE_KEY": secrets["alice"]})
    key = providers["age"].wrap(Recipient("age", recipients["alice"]), b"k" * 32)
    assert pickle.loads(pickle.dumps(providers))["age"].unwrap(key) == b"k" * 32


def test_no_environment_in_the_repr(secrets):
    assert secrets["alice"] not in repr(make_providers({"SOPS_AGE_KEY": secrets["alice"]}))


def test_age_is_loaded_when_it_is_used():
    code = (
        "import sys; from fluxsecrets.keys import make_providers; p = make_providers({}); p['pgp'];"
        "age = 'fluxsecrets.keys.age'; assert age not in sys.modules; p['age']; assert age in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_programs_and_post_quantum_keys_are_loaded_when_they_are_used():
    code = (
        "import sys; from fluxsecrets.keys import make_providers;"
        "make_providers({'SOPS_AGE_KEY': ''})['age'].own_recipients(); c = 'cryptography.hazmat.primitives.';"
        "late = ('subprocess', 'getpass', c + 'hpke', c + 'serialization', c + 'asymmetric.x25519');"
        "print([name for name in late if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_the_user_is_asked_but_not_by_workers(vectors, tmp_path):
    locked = vectors / "age" / "locked_bob.txt"
    asked = []

    def ask(question):
        asked.append(question)
        return "throw-away passphrase"

    recipients = json.loads((vectors / "keys" / "recipients.json").read_text())
    wrapped = json.loads((vectors / "age" / "wrapped.json").read_text())["two-recipients-bob"]
    key = WrappedKey(Recipient("age", recipients["bob"]), wrapped["enc"])
    environ = {"SOPS_AGE_KEY_FILE": str(locked), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    providers = make_providers(environ, User(ask=ask))
    for copy in (pickle.dumps(providers), pickle.dumps((providers["age"], providers))):
        worker = pickle.loads(copy)
        worker = worker[1] if isinstance(worker, tuple) else worker
        with pytest.raises(IdentityError, match="nobody to ask"):
            worker["age"].unwrap(key)
    assert asked == []
    assert providers["age"].unwrap(key).hex() == wrapped["data_key"]
    assert asked == ["passphrase for SOPS_AGE_KEY_FILE"]
    assert pickle.loads(pickle.dumps(providers))["age"].unwrap(key).hex() == wrapped["data_key"]


def test_kinds_that_need_a_library_name_an_extra_that_there_is(monkeypatch):
    assert EXTRAS.keys() == PROVIDERS.keys() - {"age", "pgp"}
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert {each.extra for each in EXTRAS.values()} <= declared["project"]["optional-dependencies"].keys()
    assert has_library("age")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not any(map(has_library, EXTRAS))


def test_a_library_without_even_its_package_is_missing(monkeypatch):
    monkeypatch.setattr("fluxsecrets.keys.EXTRAS", {"kms": Extra("aws", "no_such_package_here.keys")})
    assert not has_library("kms")
