"""Items of 1Password through a Connect server: read as the operator reads, written, and what goes wrong."""

import pytest

from connectserver import TOKEN, connect_server, identifier
from fluxsecrets.clouds import onepassword as cloud
from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.errors import ConfigError, ServiceError, StoreError
from fluxsecrets.external.stores import STORES, Opening
from fluxsecrets.external.stores.onepassword import OnePasswordStore
from webserver import Answer, Hang

pytest.importorskip("onepasswordconnectsdk")
SECRET = "hunter2-throwaway"


@pytest.fixture
def connect(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with connect_server() as server:
        yield server


def opened(connect, *vaults, token=TOKEN, slept=None, address=None, timeout=5.0):
    address = address or connect.address
    client = cloud.make_client({"OP_CONNECT_HOST": address, "OP_CONNECT_TOKEN": token}, timeout=timeout)
    waits = slept if slept is not None else []
    caller = Caller(cloud.SERVICE, CallLimits(tries=3), sleep=waits.append)
    return OnePasswordStore(address, vaults or ("Prod",), client, caller, waits.append)


def members(stored):
    return {name: value.decode() for name, value in stored.content.members().items()}


def test_reads_writes_and_compares(connect):
    store = opened(connect)
    assert store.read("apps/db") is None
    store.write("apps/db", {"tls.crt": SECRET, "empty": ""}, None)
    first = store.read("apps/db")
    assert members(first) == {"tls.crt": SECRET, "empty": ""}
    assert (first.content.part("empty"), first.content.part("gone")) == (b"", None)
    store.write("apps/db", {"empty": "ü\n", "new": "x"}, first)
    assert connect.fields("apps/db") == {"tls.crt": SECRET, "empty": "ü\n", "new": "x"}
    for expected in (first, None):
        with pytest.raises(StoreError, match="was changed in the store meanwhile"):
            store.write("apps/db", {"new": "y"}, expected)
    assert SECRET not in repr(first)
    assert TOKEN not in repr(store)


def test_what_it_does_not_know_of_an_item_stays(connect):
    item = connect.add(
        "db", [("a", "1"), ("notesPlain", "kept")], urls=[{"href": "https://x"}], later={"x": 1}
    )
    store = opened(connect)
    store.write("db", {"a": "2"}, store.read("db"))
    assert (item["urls"], item["later"], item["version"]) == ([{"href": "https://x"}], {"x": 1}, 2)
    assert connect.fields("db") == {"a": "2", "notesPlain": "kept"}


def test_vaults_are_searched_in_order(connect):
    connect.vaults["Shared"] = []
    connect.add("db", [("a", "shared")], "Shared")
    store = opened(connect, "Prod", "Shared")
    assert members(store.read("db")) == {"a": "shared"}
    store.write("db", {"a": "new"}, store.read("db"))
    assert connect.fields("db", "Shared") == {"a": "new"}
    store.write("own", {"a": "x"}, None)
    assert connect.fields("own") == {"a": "x"}
    assert members(opened(connect, connect.id_of("Shared")).read("db")) == {"a": "new"}


def test_files_of_documents(connect):
    files = [{"id": identifier(7), "name": "tls.crt"}, {"id": identifier(8), "name": "b"}]
    connect.files = {identifier(7): b"\0file", identifier(8): b"b"}
    connect.add("doc", [("notesPlain", "n")], category="DOCUMENT", files=files)
    connect.add("item", [("password", "p")], files=files)
    doc, item = (opened(connect).read(title).content for title in ("doc", "item"))
    assert (doc.whole(), doc.part("b"), doc.part("field/notesPlain")) == (b"\0file", b"b", b"n")
    assert doc.members() == {"tls.crt": b"\0file", "b": b"b"}
    assert (item.whole(), item.part("file/b"), item.part("b")) == (b"p", b"b", None)
    with pytest.raises(StoreError, match="is a document"):
        opened(connect).check("doc", {"a": "b"}, opened(connect).read("doc"))


def test_what_is_there_twice_is_not_chosen(connect):
    connect.add("db", [("a", "1"), ("a", "2")])
    with pytest.raises(StoreError, match="has 2 fields 'a'"):
        opened(connect).read("db").content.part("a")
    connect.add("twice", [])
    connect.add("twice", [])
    with pytest.raises(StoreError, match="has 2 items of this title"):
        opened(connect).read("twice")


def test_somebody_is_faster(connect):
    store = opened(connect)
    connect.add("db", [("a", "1")])
    first = store.read("db")
    connect.vaults["Prod"][0]["version"] += 1
    with pytest.raises(StoreError, match="was changed in the store meanwhile"):
        store.write("db", {"a": "2"}, first)
    now = store.read("db")

    def write():
        connect.vaults["Prod"][0]["version"] += 1

    connect.before_write = write
    with pytest.raises(StoreError, match="someone else changed it in the store at the same time"):
        store.write("db", {"a": "2"}, now)


def test_it_waits_until_the_server_shows_a_new_item(connect):
    slept = []
    store = opened(connect, slept=slept)
    connect.delay = 4
    store.write("db", {"a": "1"}, None)
    assert (slept.count(0.5), members(store.read("db"))) == (3, {"a": "1"})
    connect.delay = 100
    with pytest.raises(StoreError, match="the server does not show it yet"):
        store.write("late", {"a": "1"}, None)


@pytest.mark.parametrize(
    ("answers", "reason", "asked"),
    [
        ([Answer(401, {"message": SECRET})], "bad-credentials", 1),
        ([Answer(403, {"message": SECRET})], "denied", 1),
        ([Answer(400, {"message": SECRET})], "rejected", 1),
        ([Answer(302, {}, {"Location": "http://127.0.0.1:1/"})], "failed", 1),
        ([Answer(429, {}, {"Retry-After": "2"})] * 3, "throttled", 3),
        ([Answer(503, b"<html>")] * 3, "unavailable", 3),
        ([Answer(200, b"<html>")], "failed", 1),
        ([Answer(200, {"a": 1})], "failed", 1),
        ([Answer(200, b"[" * 100_000)], "failed", 1),
    ],
)
def test_why_a_request_failed(connect, answers, reason, asked):
    connect.answers = list(answers)
    with pytest.raises(ServiceError) as error:
        opened(connect).read("db")
    assert (error.value.reason, len(connect.asked)) == (reason, asked)
    assert SECRET not in repr((error.value, error.value.hint))
    assert error.value.path == f"1Password {connect.address}, Prod"


def test_a_write_is_made_again_only_if_it_was_not_carried_out(connect):
    slept = []
    store = opened(connect, slept=slept)
    store.read("db")

    def answer(*answers):
        connect.answers = [Answer(200, []), *answers]
        connect.asked.clear()

    answer(Answer(429, {}, {"Retry-After": "7"}))
    store.write("db", {"a": SECRET}, None)
    assert 7.0 in slept
    answer(Answer(503, {}))
    with pytest.raises(ServiceError, match="is not available now") as error:
        store.write("other", {"a": SECRET}, None)
    assert [method for method, _ in connect.asked] == ["GET", "POST"]
    assert SECRET not in repr((error.value, error.value.hint, error.value.__cause__))


def test_offline_and_silent_servers(connect):
    slept = []
    away = opened(connect, address="http://127.0.0.1:1", slept=slept)
    for _ in range(2):
        with pytest.raises(ServiceError, match="can't be reached") as error:
            away.read("db")
    # Two tries more for the first request, none for the second; other waits are those of the rate.
    assert ([wait > 0.1 for wait in slept].count(True), TOKEN in str(error.value)) == (2, False)
    connect.answers = [Hang()]
    with pytest.raises(ServiceError, match="did not answer in time"):
        opened(connect, timeout=0.1).read("db")


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(200, [{"id": "../../x", "name": "Prod"}])],
        [Answer(200, ["x"])],
        [Answer(200, [{"id": identifier(0), "name": "Prod"}]), Answer(200, [{"id": "x/../../y"}])],
        [
            Answer(200, [{"id": identifier(0), "name": "Prod"}]),
            Answer(200, [{"id": identifier(1)}]),
            Answer(200, {"id": identifier(1), "vault": {"id": "../x"}}),
        ],
    ],
)
def test_identifiers_of_an_answer_do_not_lead_elsewhere(connect, answers):
    connect.answers = answers
    with pytest.raises(StoreError, match="does not come from a Connect server"):
        opened(connect).read("db")


@pytest.mark.parametrize("key", ['a" or title co "', "a\\"])
def test_titles_do_not_leave_the_filter(connect, key):
    with pytest.raises(StoreError, match="can't be looked for"):
        opened(connect).read(key)
    assert STORES["onepassword"].problem_with(key) is not None


def test_versions_vaults_and_tokens(connect):
    with pytest.raises(StoreError, match="has no versions"):
        opened(connect).read("db", "1")
    with pytest.raises(StoreError, match="no vault named 'None'"):
        opened(connect, "None").read("db")
    with pytest.raises(ServiceError, match="does not accept the credentials") as error:
        opened(connect, token="throwaway-wrong").read("db")
    assert "OP_CONNECT_TOKEN" in error.value.hint
    connect.closed = {"Prod"}
    with pytest.raises(ServiceError, match="denied"):
        opened(connect, connect.id_of("Prod")).read("db")


HERE = {"OP_CONNECT_HOST": "http://127.0.0.1:1", "OP_CONNECT_TOKEN": TOKEN}


def test_the_environment_alone_says_where_the_token_goes():
    notes = []
    settings = {"connectHost": "https://evil.example", "vaults": {"b": 2, "a": 1}}
    store = STORES["onepassword"].open(Opening(HERE, "s", "onepassword", {}, settings, notes.append))
    assert (store.address, store.vaults) == ("http://127.0.0.1:1", ("a", "b"))
    assert notes == ["the store s is at https://evil.example, OP_CONNECT_HOST says http://127.0.0.1:1"]
    for environ in (
        {},
        {"OP_CONNECT_TOKEN": TOKEN},
        {**HERE, "OP_CONNECT_HOST": "ftp://x"},
        {**HERE, "OP_CONNECT_HOST": "https://user@evil.example"},
        {**HERE, "OP_CONNECT_TOKEN": ""},
        {**HERE, "OP_CONNECT_TOKEN": "a\nb"},
    ):
        with pytest.raises(ServiceError, match="no credentials for 1Password Connect") as error:
            STORES["onepassword"].open(Opening(environ, "s", "onepassword", {}, settings))
        assert "OP_CONNECT_HOST" in error.value.hint


@pytest.mark.parametrize("vaults", [{}, {"a": 1, "b": 1}, {"a": "x"}, {"${VAULT}": 1}, ["a"]])
def test_vaults_need_numbers(vaults):
    with pytest.raises(ConfigError, match="vault"):
        STORES["onepassword"].open(Opening(HERE, "s", "onepassword", {}, {"vaults": vaults}))


def test_without_its_library_it_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onepasswordconnectsdk.client", None)
    with pytest.raises(ServiceError) as error:
        cloud.make_client(HERE)
    assert error.value.hint == "run `pip install 'fluxsecrets[onepassword]'`"
