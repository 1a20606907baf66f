"""A provider over a key service: how often it asks, what it remembers, threads and processes."""

import multiprocessing
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.clouds import refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient, kms

ARN = "arn:aws:kms:eu-central-1:123456789012:key/throwaway"
SECRET = b"throwaway-data-key-of-32-bytes!!"


class Client:
    """A key service in memory; `made` counts its clients."""

    kind = "kms"
    title = "the service"
    limits = CallLimits(per_second=1e9, first_wait=0.0, tries=3)
    made = 0

    def __init__(self, failure=None):
        type(self).made += 1
        self.failure = failure
        self.calls = []
        self.hold = None

    def check(self, recipient):
        if "bad" in recipient.id:
            raise RecipientError("not a key", hint="use one")

    def address(self, recipient):
        return recipient.id

    def encrypt(self, recipient, secret):
        self._called("encrypt", recipient)
        return recipient, turned(secret).hex()

    def decrypt(self, recipient, enc):
        self._called("decrypt", recipient)
        return turned(bytes.fromhex(enc))

    def _called(self, action, recipient):
        self.calls.append((action, recipient.id))
        if self.hold is not None:
            self.hold.wait(5)
        if self.failure is not None:
            raise refusal.refusal(self.failure, self.title)

    def has_credentials(self, recipient):
        return True

    def looked_in(self):
        return ("a place",)


def turned(secret):
    return bytes(each ^ 0xFF for each in secret)


def provider(failure=None):
    client = Client(failure)
    return ServiceProvider(lambda: client), client


def wrapped(secret=SECRET, recipient=None):
    return WrappedKey(recipient or kms(ARN), turned(secret).hex(), "2026-11-29T00:00:00Z")


def test_a_round_trip():
    one, client = provider()
    key = one.wrap(kms(ARN), SECRET)
    assert one.unwrap(key) == SECRET
    assert key.created_at.endswith("Z")
    assert client.calls == [("encrypt", ARN), ("decrypt", ARN)]
    assert SECRET.hex() not in repr(one)
    assert SECRET.hex() not in repr(key)


def test_the_same_wrapped_key_is_asked_for_once():
    one, client = provider()
    assert {one.unwrap(wrapped()) for _ in range(200)} == {SECRET}
    assert len(client.calls) == 1


def test_threads_that_want_the_same_key_wait_for_one_request():
    one, client = provider()
    client.hold = threading.Event()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(one.unwrap, wrapped()) for _ in range(64)]
        client.hold.set()
        assert {each.result() for each in asked} == {SECRET}
    assert len(client.calls) == 1


def test_threads_share_one_client():
    Client.made = 0
    one = ServiceProvider(Client)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: one.wrap(kms(ARN), bytes([n] * 32)), range(64)))
    assert Client.made == 1


def test_a_failure_is_asked_for_once_and_each_file_gets_its_own_error():
    one, client = provider(refusal.FAILED)
    errors = []
    for path in ("a.yaml", "b.yaml"):
        with pytest.raises(IdentityError) as caught:
            one.unwrap(wrapped())
        errors.append(caught.value.in_file(path))
    assert [each.path for each in errors] == ["a.yaml", "b.yaml"]
    assert len(client.calls) == 1


@pytest.mark.parametrize("reason", [refusal.DENIED, refusal.DISABLED, refusal.NOT_FOUND])
def test_a_refusal_of_the_key_holds_for_all_files(reason):
    one, client = provider(reason)
    for number in range(9):
        with pytest.raises(IdentityError):
            one.unwrap(wrapped(bytes([number] * 32)))
    for number in range(9):  # who may not decrypt may be allowed to encrypt
        with pytest.raises(RecipientError, match="can't encrypt for arn:aws:kms:"):
            one.wrap(kms(ARN), bytes([number] * 32))
    assert [action for action, _ in client.calls] == ["decrypt", "encrypt"]
    with pytest.raises(IdentityError):
        one.unwrap(wrapped(recipient=kms(ARN + "-other")))
    assert len(client.calls) == 3


@pytest.mark.parametrize(
    ("reason", "asked"),
    [
        (refusal.OFFLINE, 3),
        (refusal.TIMED_OUT, 1),
        (refusal.NO_CREDENTIALS, 1),
        (refusal.EXPIRED, 1),
        (refusal.BAD_CREDENTIALS, 1),
        (refusal.CLOCK_SKEW, 1),
        (refusal.MISSING_EXTRA, 1),
    ],
)
def test_many_files_have_one_wait_for_what_fails_as_a_whole(reason, asked):
    one, client = provider(reason)
    for number in range(200):
        with pytest.raises(IdentityError):
            one.unwrap(wrapped(bytes([number] * 32)))
    assert len(client.calls) == asked


def test_a_wrong_key_is_damage():
    one, _ = provider(refusal.WRONG_KEY)
    with pytest.raises(IntegrityError, match="was encrypted with another one, or was changed"):
        one.unwrap(wrapped())


@pytest.mark.parametrize("length", [0, 16, 31, 34, 4096])
def test_an_answer_that_is_not_a_data_key_is_refused(length):
    one, _ = provider()
    with pytest.raises(IntegrityError, match=f"decrypted {length} bytes"):
        one.unwrap(wrapped(bytes(length)))


def test_a_malformed_recipient_is_not_sent():
    one, client = provider()
    with pytest.raises(RecipientError):
        one.wrap(kms("bad"), SECRET)
    with pytest.raises(IdentityError, match="not a key"):
        one.unwrap(wrapped(recipient=kms("bad")))
    assert not one.owns(kms("bad"))
    assert client.calls == []


def test_what_stays_the_same():
    one, _ = provider()
    assert one.owns(kms(ARN))
    assert not one.at_hand(kms(ARN))
    assert one.search_further([kms(ARN)]) == ()
    assert one.looked_in() == ("a place",)


def test_a_pickle_keeps_what_was_opened_and_refused():
    one = ServiceProvider(Client)
    one.unwrap(wrapped())
    other = pickle.loads(pickle.dumps(one))
    assert other.unwrap(wrapped()) == SECRET
    assert other._connection.client.calls == []
    denied = ServiceProvider(partial(Client, refusal.DENIED))
    with pytest.raises(IdentityError):
        denied.unwrap(wrapped())
    again = pickle.loads(pickle.dumps(denied))
    with pytest.raises(IdentityError):
        again.unwrap(wrapped(bytes(32)))
    assert again._connection.client.calls == []


def _in_child(one, queue):
    queue.put((one.unwrap(wrapped()), one.unwrap(wrapped(bytes(32))), one._connection.client.calls))


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_makes_its_own_client_and_keeps_what_was_opened():
    one = ServiceProvider(Client)
    one.unwrap(wrapped())
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(one, queue))
    child.start()
    assert queue.get() == (SECRET, bytes(32), [("decrypt", ARN)])
    child.join()
    assert len(one._connection.client.calls) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_does_not_wait_for_a_request_of_its_parent():
    held = Client()
    held.hold, asked = threading.Event(), threading.Event()
    held.address = lambda recipient: asked.set() or recipient.id
    clients = iter([held, Client()])
    one = ServiceProvider(lambda: next(clients))
    waiting = threading.Thread(target=one.unwrap, args=(wrapped(),))
    waiting.start()
    assert asked.wait(5)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(one, queue))
    child.start()
    assert queue.get() == (SECRET, bytes(32), [("decrypt", ARN), ("decrypt", ARN)])
    child.join()
    held.hold.set()
    waiting.join()


def test_nothing_is_remembered_of_a_request_that_ctrl_c_ended():
    one, client = provider()
    client.address = Mock(side_effect=[KeyboardInterrupt, ARN])
    with pytest.raises(KeyboardInterrupt):
        one.unwrap(wrapped())
    assert one.unwrap(wrapped()) == SECRET


def test_it_is_pickled_while_threads_open_keys():
    one, stop = ServiceProvider(Client), threading.Event()

    def open_many():
        for number in range(20_000):
            if stop.is_set():
                return
            one.unwrap(wrapped(number.to_bytes(32)))

    opening = threading.Thread(target=open_many)
    opening.start()
    try:
        copies = [pickle.loads(pickle.dumps(one)) for _ in range(20)]
    finally:
        stop.set()
        opening.join()
    counts = [len(each._opened) for each in copies]
    assert counts == sorted(counts)
    assert counts[-1] <= len(one._opened)


names = st.text(alphabet="ab'\"(),:= {}[]\\", max_size=6)
recipients = st.builds(
    lambda key, role, context, profile: kms(ARN + key, role=role, context=context, aws_profile=profile),
    st.sampled_from(["a", "b"]),
    names,
    st.dictionaries(names, names, max_size=2),
    names,
)


@given(
    st.lists(recipients, min_size=2, max_size=6), st.lists(st.sampled_from([SECRET, bytes(32)]), min_size=1)
)
def test_a_role_a_context_or_a_profile_makes_another_request(found, secrets):
    one, client = provider()
    asked = [wrapped(secret, recipient) for recipient in found for secret in secrets]
    for key in asked:
        one.unwrap(key)
    distinct = []
    for key in asked:
        same = [(each.recipient, each.enc) for each in distinct]
        if (key.recipient, key.enc) not in same:
            distinct.append(key)
    assert len(client.calls) == len(distinct)


def test_kinds_with_the_same_name_are_apart():
    one, client = provider()
    one.unwrap(wrapped())
    one.unwrap(WrappedKey(Recipient("hckms", ARN, kms(ARN).attributes), SECRET.hex()))
    assert len(client.calls) == 2
