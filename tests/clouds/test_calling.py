"""Calls to services: rate, retries, time limits, and addresses that are down. No test sleeps."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from fluxsecrets.clouds.calling import Caller, CallLimits, within
from fluxsecrets.clouds.refusal import DENIED, OFFLINE, THROTTLED, TIMED_OUT, UNAVAILABLE, refusal
from fluxsecrets.errors import ServiceError

PLACE = "eu-central-1"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        if seconds > 1e-6:  # what keeps the rate is not counted
            self.slept.append(round(seconds, 3))
        self.now += seconds


def caller(time, **limits):
    limits = {"per_second": 1e9, **limits}
    return Caller("KMS", CallLimits(**limits), clock=time, sleep=time.sleep, jitter=lambda: 1.0)


class Service:
    """Fails as often as it is asked to, then answers."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def throttled(**more):
    return refusal(THROTTLED, "KMS", **more)


def test_a_passing_failure_is_retried_with_growing_waits():
    time, service = Time(), Service(throttled(), throttled(), throttled())
    assert caller(time).call(PLACE, service) == "answer"
    assert (service.calls, time.slept) == (4, [0.25, 0.5, 1.0])


def test_what_never_passes_is_reported_after_the_last_try():
    time, service = Time(), Service(*(throttled() for _ in range(9)))
    with pytest.raises(ServiceError, match="is throttling requests") as caught:
        caller(time).call(PLACE, service)
    assert (caught.value.reason, service.calls) == (THROTTLED, 5)
    assert caller(time).call(PLACE, Service()) == "answer"


def test_a_refusal_is_not_retried_and_closes_nothing():
    time, service = Time(), Service(refusal(DENIED, "KMS"))
    one = caller(time)
    with pytest.raises(ServiceError, match="denied"):
        one.call(PLACE, service)
    assert one.call(PLACE, service) == "answer"
    assert time.slept == []


def test_the_service_says_when_to_come_back():
    time = Time()
    assert caller(time).call(PLACE, Service(throttled(retry_after=7.0))) == "answer"
    assert time.slept == [7.0]


@pytest.mark.parametrize("pause", [1e9, -1.0, float("nan")])
def test_a_pause_that_cannot_be_kept_ends_the_request(pause):
    time, service = Time(), Service(throttled(retry_after=pause))
    with pytest.raises(ServiceError, match="throttling"):
        caller(time).call(PLACE, service)
    assert (service.calls, time.slept) == (1, [])


def test_tries_and_waits_end_with_the_deadline():
    time, service = Time(), Service(*(throttled() for _ in range(99)))
    with pytest.raises(ServiceError):
        caller(time, tries=99, deadline=10.0).call(PLACE, service)
    assert sum(time.slept) < 10.0


def test_waits_have_a_longest():
    time, service = Time(), Service(*(throttled() for _ in range(9)))
    caller(time, tries=10, longest_wait=1.0, deadline=99.0).call(PLACE, service)
    assert max(time.slept) == 1.0


def test_an_address_that_is_down_is_not_asked_again_for_a_while():
    time, service = Time(), Service(*(refusal(OFFLINE, "KMS") for _ in range(5)))
    one = caller(time)
    with pytest.raises(ServiceError, match="can't be reached"):
        one.call(PLACE, service)
    slept = list(time.slept)
    for _ in range(200):
        with pytest.raises(ServiceError, match="can't be reached") as caught:
            one.call(PLACE, service)
        caught.value.in_file("a.yaml")  # must not stay with the error that others get
    assert caught.value.path == "a.yaml"
    assert (service.calls, time.slept) == (5, slept)
    assert one.call("us-east-1", service) == "answer"
    time.now += 61
    assert one.call(PLACE, service) == "answer"


def test_where_several_addresses_cannot_be_reached_the_others_are_tried_once():
    """A file may name any number of regions that don't exist."""
    time = Time()
    one = caller(time, down_for=60.0)
    service = Service(*(refusal(OFFLINE, "KMS") for _ in range(100)))
    for number in range(20):
        with pytest.raises(ServiceError):
            one.call(f"region-{number}", service)
    assert service.calls == 2 * 5 + 18
    time.now += 61
    with pytest.raises(ServiceError):
        one.call("region-0", service)
    assert service.calls == 28 + 5


def test_known_failures_do_not_pile_up_tracebacks():
    one = caller(Time())
    service = Service(*(refusal(TIMED_OUT, "KMS") for _ in range(5)))
    depths = []
    for _ in range(9):
        with pytest.raises(ServiceError) as caught:
            one.call(PLACE, service)
        depths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(set(depths[1:])) == 1


def test_a_request_without_an_end_is_given_up():
    never = threading.Event()
    one = Caller("KMS", CallLimits(deadline=0.05, tries=1))
    with pytest.raises(ServiceError, match="did not answer in time"):
        one.call(PLACE, never.wait)
    never.set()


def test_the_rate_is_kept_by_all_threads_together():
    time = Time()
    one = caller(time, per_second=10.0, at_once=1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: one.call(PLACE, lambda: None), range(20)))
    assert time.now - 1000 == pytest.approx(1.9, abs=0.01)


def test_no_more_requests_at_once_than_allowed():
    under_way, most, lock = 0, 0, threading.Lock()
    all_there = threading.Barrier(3)

    def request():
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        all_there.wait(5)
        with lock:
            under_way -= 1

    one = Caller("KMS", CallLimits(at_once=3, per_second=1e9))
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda _: one.call(PLACE, request), range(9)))
    assert most == 3


def test_threads_that_wait_for_a_slot_hear_that_the_address_is_down():
    started, go = threading.Event(), threading.Event()
    calls = []

    def request():
        calls.append(1)
        started.set()
        go.wait(5)
        raise refusal(TIMED_OUT, "KMS")

    one = Caller("KMS", CallLimits(at_once=1, per_second=1e9))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(one.call, PLACE, request) for _ in range(8)]
        assert started.wait(5)
        go.set()
        assert all(isinstance(each.exception(), ServiceError) for each in asked)
    assert len(calls) == 1


def test_within_passes_on_what_is_returned_and_raised():
    assert within(5, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(5, lambda: {}["x"])
    with pytest.raises(ServiceError, match="not available"):
        within(5, Service(refusal(UNAVAILABLE, "KMS")))


def test_a_request_that_must_not_be_made_twice_is_repeated_only_where_nobody_looked_at_it():
    service = Service(throttled(), throttled())
    assert caller(Time()).call(PLACE, service, once=True) == "answer"
    service = Service(refusal(UNAVAILABLE, "KMS"))
    with pytest.raises(ServiceError, match="not available"):
        caller(Time()).call(PLACE, service, once=True)
    assert service.calls == 1
