"""Values in Vault's KV version 2 and AWS Secrets Manager: read, written, and what goes wrong."""

from dataclasses import replace

import pytest

from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.errors import ServiceError, StoreError
from fluxsecrets.external.stores.aws import SERVICE, open_aws
from fluxsecrets.external.stores.vault import open_vault
from motoserver import moto_server, variables
from vaultserver import KV1, KV2, TOKEN, vault_server
from webserver import Answer, Hang, web_server

pytest.importorskip("hvac")
SECRET = "hunter2-throwaway"


@pytest.fixture(autouse=True)
def _nothing_of_the_developers(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def vault():
    with vault_server() as server:
        yield server


def values(stored):
    """What a store has, by property."""
    return {key: value.decode() for key, value in stored.content.members().items()}


def opened(vault, token=TOKEN, mount="kv"):
    return open_vault({"VAULT_ADDR": vault.address, "VAULT_TOKEN": token}, mount)


def test_vault_reads_writes_and_compares(vault):
    store = opened(vault)
    assert store.read("apps/db") is None
    store.write("apps/db", {"a": SECRET}, None)
    first = store.read("apps/db")
    assert (first.content.members(), first.version) == ({"a": SECRET.encode()}, 1)
    store.write("apps/db", {"b": "x"}, first)
    assert values(store.read("apps/db", "1")) == {"a": SECRET}
    assert (
        values(store.read("kv/data/apps/db")) == values(store.read("kv/apps/db")) == {"a": SECRET, "b": "x"}
    )
    with pytest.raises(StoreError, match="was changed in the store meanwhile"):
        store.write("apps/db", {"a": "y"}, first)
    with pytest.raises(StoreError, match="was changed in the store meanwhile"):
        store.write("apps/db", {"a": "y"}, None)
    assert SECRET not in repr(first)
    assert TOKEN not in repr(store)


def test_vault_after_a_deletion_the_next_version_follows(vault):
    store = opened(vault)
    vault.put("apps/db", {"a": "x"})
    vault.put("apps/db", None)
    found = store.read("apps/db")
    assert (found.content, found.version) == (None, 2)
    store.write("apps/db", {"a": "y"}, found)
    assert vault.newest("apps/db") == {"a": "y"}


def test_vault_errors_say_no_value_and_no_token(vault):
    for store, words in (
        (opened(vault, "wrong"), "Vault denied"),
        (
            open_vault({"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": TOKEN}, "kv"),
            "can't be reached",
        ),
    ):
        with pytest.raises(ServiceError, match=words) as error:
            store.write("apps/db", {"a": SECRET}, None)
        assert SECRET not in repr((error.value, error.value.hint, error.value.__cause__))
        assert TOKEN not in str(error.value)


@pytest.mark.parametrize("key", ["", "../../auth/token/lookup-self", "a/../b", "a?list=true", "a%2fb", "a\n"])
def test_vault_paths_stay_in_the_mount(vault, key):
    with pytest.raises(StoreError, match="is not a path in this store"):
        opened(vault).read(key)
    assert vault.asked == []


def test_an_address_with_a_password_is_refused_and_not_shown():
    environ = {"VAULT_ADDR": "https://alice:throwaway@vault.example", "VAULT_TOKEN": TOKEN}
    with pytest.raises(StoreError, match="not the address of a Vault") as caught:
        open_vault(environ, "kv")
    assert "throwaway" not in str(caught.value)


def test_vault_shows_nothing_that_a_server_repeats(vault):
    for mount in ({"type": TOKEN}, {"type": "kv", "path": f"{TOKEN}/", "options": {}}):
        vault.mounts["kv"] = mount
        with pytest.raises(StoreError) as caught:
            opened(vault).check_mount()
        assert TOKEN not in str(caught.value)


def test_vault_is_where_the_environment_says(tmp_path):
    with pytest.raises(StoreError, match="VAULT_ADDR is not the address"):
        open_vault({"VAULT_TOKEN": TOKEN}, "kv")
    with pytest.raises(ServiceError, match="no token"):
        open_vault({"VAULT_ADDR": "https://vault.example", "HOME": str(tmp_path)}, "kv")
    (tmp_path / ".vault-token").write_text(TOKEN)
    store = open_vault({"VAULT_ADDR": "https://vault.example/", "HOME": str(tmp_path)}, "/kv/")
    assert store.shown == "Vault https://vault.example, kv"


@pytest.mark.parametrize(
    ("mounts", "mount", "words"),
    [
        ({"kv": KV1}, "kv", "is KV version 1"),
        ({"kv": {"type": "kv", "options": None}}, "kv", "is KV version 1"),
        ({"kv": {"type": "database", "options": {}}}, "kv", "the engine 'database', not of KV version 2"),
        ({"kv": {}}, "kv", "not a mount that can be checked"),
        ({"kv": KV2}, "kv/apps", "the mount is kv, and the rest is a path in it"),
    ],
)
def test_vault_mounts_that_are_not_version_2(vault, mounts, mount, words):
    vault.mounts = mounts
    with pytest.raises(StoreError, match=words):
        opened(vault, mount=mount).check_mount()
    vault.mounts = {}
    opened(vault, mount=mount).check_mount()


@pytest.mark.parametrize("mount", ["", "../auth", "kv?list=true", "kv%2f.."])
def test_vault_mounts_are_paths(vault, mount):
    with pytest.raises(StoreError, match="is not the path of a mount"):
        opened(vault, mount=mount)


def test_a_sealed_vault_has_its_own_hint(vault):
    vault.sealed = True
    with pytest.raises(ServiceError, match="Vault is sealed") as error:
        opened(vault).read("apps/db")
    assert "`vault operator unseal`" in error.value.hint


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (Answer(403, {"errors": [SECRET]}), "denied", 1),
        (Answer(429, {"errors": [SECRET]}, {"Retry-After": "2"}), "throttled", 3),
        (Answer(503, {"errors": ["error performing token check"]}), "unavailable", 3),
        (Answer(500, b"<html>"), "unavailable", 3),
        (Answer(302, {}, {"Location": "http://127.0.0.1:1/"}), "rejected", 1),
    ],
)
def test_why_vault_failed(answer, reason, tries):
    asked, slept = [], []

    def service(request):
        asked.append(request)
        return answer

    with web_server(service) as address:
        store = open_vault({"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN}, "kv")
        store = replace(store, _caller=Caller("Vault", CallLimits(tries=3), sleep=slept.append))
        with pytest.raises(ServiceError) as error:
            store.read("apps/db")
        assert (error.value.reason, len(asked)) == (reason, tries)
        assert error.value.path == f"Vault {address}, kv: apps/db"
        assert SECRET not in repr((error.value, error.value.hint))
        asked.clear()
        with pytest.raises(ServiceError):
            store.write("apps/db", {"a": SECRET}, None)
        # After `unavailable` the server is not asked again; after a lost answer nobody knows.
        assert len(asked) == {"throttled": 3, "unavailable": 0}.get(reason, 1)


BAO, HERE = "https://bao.example", "https://vault.example"


@pytest.mark.parametrize(
    ("environ", "product", "used"),
    [
        ({"BAO_ADDR": BAO, "BAO_TOKEN": "b"}, "Vault", ("OpenBao", BAO, "b")),
        ({"BAO_ADDR": BAO, "VAULT_TOKEN": "v"}, "OpenBao", ("OpenBao", BAO, "v")),
        ({"VAULT_ADDR": HERE, "VAULT_TOKEN": "v", "BAO_TOKEN": "b"}, "OpenBao", ("Vault", HERE, "v")),
        (
            {"VAULT_ADDR": HERE, "VAULT_TOKEN": "v", "BAO_ADDR": BAO, "BAO_TOKEN": "b"},
            "Vault",
            ("Vault", HERE, "v"),
        ),
        (
            {"VAULT_ADDR": HERE, "VAULT_TOKEN": "v", "BAO_ADDR": BAO, "BAO_TOKEN": "b"},
            "OpenBao",
            ("OpenBao", BAO, "b"),
        ),
    ],
)
def test_openbao_has_variables_of_its_own(environ, product, used):
    store = open_vault(environ, "kv", product=product)
    assert (store.product, store.address, store._client.token) == used


def test_a_token_is_not_sent_to_the_address_of_the_other_product(tmp_path):
    environ = {"VAULT_ADDR": HERE, "VAULT_TOKEN": "v", "BAO_ADDR": BAO, "HOME": str(tmp_path)}
    with pytest.raises(ServiceError, match="no token for OpenBao") as error:
        open_vault(environ, "kv", product="OpenBao")
    assert error.value.hint == "run `bao login`, or set BAO_TOKEN"


@pytest.fixture(scope="module")
def aws_address(aws_descriptions):
    pytest.importorskip("moto.server", reason="moto is not installed: AWS is not tried")
    pytest.importorskip("boto3")
    with moto_server() as address:
        yield address


@pytest.fixture
def aws(aws_address, environment, monkeypatch):
    for name, text in variables(aws_address).items():
        monkeypatch.setenv(name, text)


def test_aws_reads_writes_and_compares(aws):
    store = open_aws("eu-central-1", "staging/")
    assert store.read("apps/db") is None
    store.write("apps/db", {"tls.crt": SECRET}, None)
    first = store.read("apps/db")
    assert values(first) == {"tls.crt": SECRET}
    store.write("apps/db", {"tls.crt": "new"}, first)
    assert values(open_aws("eu-central-1").read("staging/apps/db")) == {"tls.crt": "new"}
    assert values(store.read("apps/db", f"uuid/{first.version}")) == {"tls.crt": SECRET}
    for expected in (first, None):
        with pytest.raises(StoreError, match="was changed in the store meanwhile"):
            store.write("apps/db", {"tls.crt": "other"}, expected)
    assert SECRET not in repr(first)


def test_aws_values_that_are_no_properties(aws):
    import boto3

    client = boto3.client("secretsmanager", region_name="eu-west-1")
    client.create_secret(Name="text", SecretString="only text")
    client.create_secret(Name="bytes", SecretBinary=b'{"a": 1}')
    store = open_aws("eu-west-1")
    text = store.read("text").content
    assert (text.members(), text.whole()) == (None, b"only text")
    assert store.read("bytes").content.members() == {"a": b"1"}


@pytest.mark.parametrize("region", ["", "evil.example/", "eu-central-1.evil.example"])
def test_aws_wants_a_region_that_is_one(region):
    with pytest.raises(StoreError, match="no AWS region"):
        open_aws(region)


def aws_store(slept):
    """A store that waits for nothing between its tries."""
    store = open_aws("eu-central-1")
    return replace(store, _caller=Caller(SERVICE, CallLimits(tries=3), sleep=slept.append))


def test_aws_offline_is_found_out_once(aws, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    slept = []
    store = aws_store(slept)
    for key in ("a", "b"):
        with pytest.raises(ServiceError, match="can't be reached") as error:
            store.read(key)
        assert error.value.path == f"AWS Secrets Manager eu-central-1: {key}"
    assert [wait > 0.1 for wait in slept].count(True) == 2
    with pytest.raises(StoreError, match="is not a valid name for a secret"):
        store.read("")


def aws_error(status, code, **headers):
    data = {"__type": code, "message": SECRET}
    return Answer(
        status, data, {"x-amzn-ErrorType": code, "Content-Type": "application/x-amz-json-1.1", **headers}
    )


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (aws_error(400, "AccessDeniedException"), "denied", 1),
        (aws_error(400, "ExpiredTokenException"), "expired", 1),
        (aws_error(400, "UnrecognizedClientException"), "bad-credentials", 1),
        (aws_error(400, "ThrottlingException", **{"Retry-After": "2"}), "throttled", 3),
        (aws_error(500, "InternalServiceError"), "unavailable", 3),
        (Answer(200, b"<html>"), "failed", 1),
        (Hang(), "timed-out", 1),
    ],
)
def test_why_aws_failed(aws, monkeypatch, answer, reason, tries):
    monkeypatch.setattr("fluxsecrets.clouds.aws._TIMEOUT", 0.2)
    asked = []

    def service(request):
        asked.append(request)
        return answer

    with web_server(service) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(ServiceError) as error:
            aws_store([]).read("apps/db")
        assert (error.value.reason, len(asked)) == (reason, tries)
        assert SECRET not in repr((error.value, error.value.hint))
        asked.clear()
        with pytest.raises(ServiceError) as error:
            aws_store([]).write("apps/db", {"a": SECRET}, None)
        assert len(asked) == (3 if reason == "throttled" else 1)
        assert SECRET not in repr((error.value, error.value.hint, error.value.__cause__))


def test_aws_values_that_are_too_large(aws):
    with pytest.raises(StoreError, match="larger than 64 KiB together"):
        open_aws("eu-central-1").check("db", {"a": "x" * 65_536}, None)
