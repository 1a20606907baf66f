"""Providers that threads share: nobody is asked twice at once, and identities are looked for once."""

import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.host import Host
from fluxsecrets.keys.identities import LockedKeys, Lookup
from fluxsecrets.keys.turns import Turns, in_turn
from fluxsecrets.sops.recipients import age


class Teller(Turns):
    def __init__(self):
        super().__init__()
        self.inside = self.most = 0

    @in_turn
    def tell(self, number):
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.001)
        result = self.again(number)
        self.inside -= 1
        return result

    @in_turn
    def again(self, number):
        return number


def test_one_at_a_time_and_a_method_calls_another():
    teller = Teller()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(teller.tell, range(40))) == list(range(40))
    assert teller.most == 1
    other = pickle.loads(pickle.dumps(teller))
    assert other.tell(1) == 1


def test_threads_run_a_key_command_once(environment, monkeypatch):
    identity = pyrage.x25519.Identity.generate()
    program = environment / "print-key.py"
    runs = environment / "runs"
    program.write_text(
        f"open({str(runs)!r}, 'a').write('x')\nprint({str(identity)!r})\n", encoding="utf-8"
    )  # fluxsecrets:allow age-key — made anew in each run
    monkeypatch.setenv("SOPS_AGE_KEY_CMD", f"{Path(sys.executable).as_posix()} {program.as_posix()}")
    provider = make_providers(os.environ)["age"]
    key = provider.wrap(age(str(identity.to_public())), b"k" * 32)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(provider.unwrap, [key] * 64)) == {b"k" * 32}
    assert runs.read_text(encoding="utf-8") == "x"


def test_threads_ask_for_a_passphrase_once(monkeypatch):
    monkeypatch.setattr("fluxsecrets.keys.lockedfile.check_locked", lambda data, path: None)
    asked, together = [], threading.Barrier(8)

    def ask(question):
        asked.append(question)
        raise IdentityError("no answer")

    locked = LockedKeys("a.age", "a.age", b"age-encryption.org/v1\n")
    keys = AgeProvider(lambda: Lookup(locked=(locked,)), host=Host(ask=ask))
    recipient = age(str(pyrage.x25519.Identity.generate().to_public()))
    key = keys.wrap(recipient, b"k" * 32)

    def unwrap(_):
        together.wait(5)
        with pytest.raises(IdentityError):
            keys.unwrap(key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(unwrap, range(8)))
    assert len(asked) == 1


def test_threads_get_the_same_providers():
    providers = make_providers({})
    together = threading.Barrier(8)

    def get(_):
        together.wait(5)
        return id(providers["kms"]), id(providers["age"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(get, range(8)))) == 1
