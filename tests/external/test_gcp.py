"""Secrets of Google's Secret Manager: read as the operator reads them, written, and what goes wrong."""

import json

import pytest

from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.errors import ConfigError, ServiceError, StoreError
from fluxsecrets.external.stores import STORES, Opening
from fluxsecrets.external.stores.gcp import SERVICE, GcpStore

pytest.importorskip("google.cloud.secretmanager_v1")

from googleserver import TOKEN, RefusedError, cause, retry_in
from secretmanager import PROJECT, secret_manager

SECRET = "hunter2-throwaway"
ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"
KIND = STORES["gcp"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with secret_manager(tmp_path_factory.mktemp("google")) as found:
        yield found


@pytest.fixture
def google(servers, environment, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    servers[0].reset()
    servers[1].versions.clear()
    servers[1].before_write = None
    return servers[0]


@pytest.fixture
def secrets(servers, google):
    return servers[1]


def environ_of(google):
    return {ENDPOINT: google.address, "GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN, "NO_GCE_CHECK": "true"}


def opened(google, slept=None, **options):
    store = KIND.open(Opening(environ_of(google), "s", "gcpsm", {"project": PROJECT, **options}))
    waits = slept if slept is not None else []
    caller = Caller(SERVICE, CallLimits(tries=3), sleep=waits.append)
    return GcpStore(store.project, store.location, store.address, store._client, caller)


def members(stored):
    return {name: value.decode() for name, value in stored.content.members().items()}


@pytest.mark.parametrize("options", [{}, {"region": "europe-west3"}])
def test_reads_writes_and_compares(google, secrets, options):
    store = opened(google, **options)
    assert store.read("apps_db") is None
    store.write("apps_db", {"tls.crt": SECRET, ".dot": "ü"}, None)
    first = store.read("apps_db")
    assert (members(first), first.version) == ({"tls.crt": SECRET, ".dot": "ü"}, 1)
    assert first.content.part(KIND.property(".dot")) == "ü".encode()
    assert first.content.part(".dot") is None  # what the operator would look for is another name
    store.write("apps_db", {"new": "", "tls.crt": "x"}, first)
    parent = store._parent
    assert json.loads(secrets.newest("apps_db", parent)) == {"tls.crt": "x", ".dot": "ü", "new": ""}
    assert members(store.read("apps_db", "1")) == {"tls.crt": SECRET, ".dot": "ü"}
    for expected in (first, None):
        with pytest.raises(StoreError, match="was changed in the store meanwhile"):
            store.write("apps_db", {"new": "y"}, expected)
    assert SECRET not in repr(first)
    assert TOKEN not in repr(store)


def test_other_members_keep_their_spelling(google, secrets):
    secrets.put("db", b'{"n": 1.50, "o": {"b":  2}}')
    store = opened(google)
    store.write("db", {"a": "1"}, store.read("db"))
    assert secrets.newest("db") == b'{"n":1.50,"o":{"b":  2},"a":"1"}'


def test_a_secret_without_versions_is_used(google, secrets):
    secrets.versions[f"projects/{PROJECT}/secrets/db"] = []
    store = opened(google)
    assert store.read("db") is None
    store.write("db", {"a": "1"}, None)
    assert members(store.read("db")) == {"a": "1"}


def test_contents_that_are_no_map(google, secrets):
    secrets.put("text", b"only text")
    secrets.put("bytes", b"\xff\0")
    store = opened(google)
    assert (store.read("text").content.members(), store.read("text").content.whole()) == (None, b"only text")
    assert store.read("bytes").content.whole() == b"\xff\0"


def test_somebody_is_faster(google, secrets):
    store = opened(google)
    secrets.put("db", b"{}")
    now = store.read("db")
    secrets.before_write = lambda: secrets.put("db", b'{"x": "theirs"}')
    with pytest.raises(StoreError, match="someone else wrote to the store at the same time"):
        store.write("db", {"a": "1"}, now)


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_versions_that_are_disabled_or_destroyed(google, secrets, state):
    secrets.put("db", b"{}", state)
    with pytest.raises(StoreError, match="its newest version is disabled or destroyed"):
        opened(google).read("db")
    with pytest.raises(StoreError, match="its version 1 is disabled or destroyed"):
        opened(google).read("db", "1")


@pytest.mark.parametrize(
    ("failure", "reason", "tries"),
    [
        (RefusedError("PERMISSION_DENIED", SECRET), "denied", 1),
        (RefusedError("UNAUTHENTICATED", SECRET), "bad-credentials", 1),
        (RefusedError("RESOURCE_EXHAUSTED", SECRET, retry_in(3)), "throttled", 3),
        (RefusedError("UNAVAILABLE", SECRET), "unavailable", 3),
        (RefusedError("INVALID_ARGUMENT", SECRET), "rejected", 1),
        (RefusedError("PERMISSION_DENIED", SECRET, cause("SERVICE_DISABLED")), "denied", 1),
    ],
)
def test_why_a_request_failed(google, failure, reason, tries):
    google.failures = [failure] * tries
    with pytest.raises(ServiceError) as error:
        opened(google).read("db")
    assert (error.value.reason, google.failures) == (reason, [])
    assert error.value.path == f"Google Secret Manager {PROJECT}: db"
    assert SECRET not in repr((error.value, error.value.hint))


def test_a_write_is_made_again_only_if_it_was_not_carried_out(google, secrets):
    secrets.put("db", b"{}")
    slept = []
    store = opened(google, slept)
    now = store.read("db")
    google.denied = {"secretmanager.versions.add"}
    with pytest.raises(ServiceError, match="denied the request") as error:
        store.write("db", {"a": SECRET}, now)
    assert "roles/secretmanager.admin" in error.value.hint
    assert SECRET not in repr((error.value, error.value.__cause__))
    google.denied = set()
    secrets.before_write = lambda: google.failures.append(None)

    def fail(status, *details):
        def once():
            secrets.before_write = None
            raise RefusedError(status, "later", *details)

        secrets.before_write = once

    fail("RESOURCE_EXHAUSTED", retry_in(7))
    store.write("db", {"a": "1"}, now)
    assert 7.0 in slept
    google.asked.clear()
    fail("UNAVAILABLE")
    with pytest.raises(ServiceError, match="is not available now"):
        store.write("db", {"a": "2"}, store.read("db"))
    assert [verb for verb, _ in google.asked].count("addVersion") == 1


def test_damaged_and_malformed_answers(google, secrets):
    secrets.put("db", b"{}")

    def damage(answer):
        if hasattr(answer, "payload"):
            answer.payload.data_crc32c = 1
        return answer

    google.changes = damage
    with pytest.raises(ServiceError, match="was damaged on its way"):
        opened(google).read("db")
    google.changes = None
    for raw in (b"<html>", b"[]", b"{}", b'{"name": "a/versions/x", "payload": {"data": "e30="}}'):
        google.raw = (200, {}, raw)
        with pytest.raises(ServiceError, match="failed"):
            opened(google).read("db")
    google.raw = (302, {"Location": "http://127.0.0.1:1/"}, b"")
    with pytest.raises(ServiceError, match="a redirect"):
        opened(google).read("db")


def test_offline_is_found_out_once(google):
    slept = []
    store = opened(google, slept)
    away = GcpStore(PROJECT, "", "http://127.0.0.1:1", store._client, store._caller)
    for key in ("a", "b"):
        with pytest.raises(ServiceError, match="can't be reached") as error:
            away.read(key)
        assert error.value.path.endswith(f": {key}")
    assert [wait > 0.1 for wait in slept].count(True) == 2


@pytest.mark.parametrize("key", ["", "a/b", "../x", "a?b", "a%2fb", "a\n", "x" * 256])
def test_names_do_not_lead_elsewhere(google, key):
    with pytest.raises(StoreError, match="is not the name of a secret"):
        opened(google).read(key)
    with pytest.raises(StoreError, match="is not a version"):
        opened(google).read("db", "1/../2")
    assert google.asked == []


def test_what_is_too_large_or_not_found_is_refused_before(google, secrets):
    store = opened(google)
    with pytest.raises(StoreError, match="larger than 64 KiB together"):
        store.check("db", {"a": "x" * 65_536}, None)
    secrets.put("db", b'{"a\\\\": {"b": "in the way"}}')
    store.check("db", {"a.b": "1"}, store.read("db"))


@pytest.mark.parametrize(
    ("settings", "options", "expected"),
    [
        ({"projectID": "p"}, {}, ("p", "", "https://secretmanager.googleapis.com")),
        ({"projectID": "p"}, {"project": "q"}, ("q", "", "https://secretmanager.googleapis.com")),
        (
            {"projectID": "example.com:p", "location": "europe-west3"},
            {},
            ("example.com:p", "europe-west3", "https://secretmanager.europe-west3.rep.googleapis.com"),
        ),
        ({}, {}, ("from-environment", "", "https://secretmanager.googleapis.com")),
        ({"projectID": "${PROJECT}"}, {}, ("from-environment", "", "https://secretmanager.googleapis.com")),
    ],
)
def test_where_the_store_is(settings, options, expected):
    environ = {"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN, "GOOGLE_CLOUD_PROJECT": "from-environment"}
    store = KIND.open(Opening(environ, "s", "gcpsm", options, settings))
    assert (store.project, store.location, store.address) == expected


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({}, {}),
        ({"projectID": "p/../q"}, {}),
        ({"projectID": "p", "location": "x.evil.example/"}, {}),
        ({"projectID": "p"}, {ENDPOINT: "https://user@evil.example"}),
        ({"projectID": "p"}, {ENDPOINT: "ftp://x"}),
    ],
)
def test_places_that_are_none(settings, environ):
    with pytest.raises(ConfigError):
        KIND.open(Opening({"GOOGLE_OAUTH_ACCESS_TOKEN": TOKEN, **environ}, "s", "gcpsm", {}, settings))
