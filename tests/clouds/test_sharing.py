"""Things that threads share: made once, with one failure for all that wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fluxsecrets.clouds import refusal
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import ServiceError

THREADS = 16


class Maker:
    """Makes things when it may, and counts."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.count = 0
        self.go = threading.Event()

    def __call__(self):
        self.go.wait(5)
        self.count += 1
        if self.failures:
            raise self.failures.pop(0)
        return object()


def all_at_once(shared, make, names):
    """What each of some threads gets, or the error."""
    began = threading.Barrier(len(names) + 1)

    def get(name):
        began.wait(5)
        try:
            return shared.get(name, make)
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(names)) as pool:
        found = [pool.submit(get, name) for name in names]
        began.wait(5)
        threading.Event().wait(0.05)
        make.go.set()
        return [each.result() for each in found]


def test_one_thread_makes_it():
    make = Maker()
    assert len(set(all_at_once(Shared(), make, ["a"] * THREADS))) == 1
    assert make.count == 1


def test_names_do_not_wait_for_each_other():
    shared, held = Shared(), Maker()
    waiting = threading.Thread(target=shared.get, args=("a", held))
    waiting.start()
    assert shared.get("b", lambda: "b") == "b"
    held.go.set()
    waiting.join()


def test_threads_that_wait_share_a_failure_and_the_next_call_tries_again():
    shared, make = Shared(), Maker(refusal.refusal(refusal.TIMED_OUT, "the service"))
    errors = all_at_once(shared, make, ["a"] * THREADS)
    assert make.count == 1
    assert {each.reason for each in errors} == {refusal.TIMED_OUT}
    errors[0].path = "a.yaml"
    assert {each.path for each in errors[1:]} == {None}, "each thread completes an error of its own"
    assert shared.get("a", make) is shared.get("a", make)
    assert make.count == 2


def test_a_failure_that_is_remembered():
    shared, make = Shared(), Maker(refusal.refusal(refusal.DENIED, "the service"), KeyboardInterrupt())
    make.go.set()
    for name, failure in (("a", ServiceError), ("b", KeyboardInterrupt)):
        with pytest.raises(failure):
            shared.get(name, make, remembers=lambda error: isinstance(error, ServiceError))
    with pytest.raises(ServiceError):
        shared.get("a", make)
    assert shared.get("b", make)
    assert make.count == 3
