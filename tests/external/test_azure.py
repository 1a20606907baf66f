"""Secrets of Azure Key Vault: read as the operator reads them, written, and what goes wrong."""

import json

import pytest

from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.errors import ConfigError, ServiceError, StoreError
from fluxsecrets.external.stores import STORES, Opening
from fluxsecrets.external.stores.azure import SERVICE, AzureStore

pytest.importorskip("azure.keyvault.keys")
pytest.importorskip("azure.identity")

from azuresecrets import Secrets
from azureserver import PRIVATE_VAULT, VAULT, Answer, failure

SECRET = "hunter2-throwaway"
KIND = STORES["azure"]
URL = f"https://{VAULT}"


@pytest.fixture
def secrets(azure):
    found = Secrets()
    azure.collections["secrets"] = found.answer
    return found


def opened(azure, slept=None, url=URL):
    store = KIND.open(Opening(azure.environ, "s", "azurekv", {}, {"vaultUrl": url}))
    waits = slept if slept is not None else []
    return AzureStore(store.origin, store._vault, Caller(SERVICE, CallLimits(tries=3), sleep=waits.append))


def members(stored):
    return {name: value.decode() for name, value in stored.content.members().items()}


def test_reads_writes_and_compares(azure, secrets):
    store = opened(azure)
    assert store.read("apps-db") is None
    store.write("apps-db", {"tls.crt": SECRET, ".dot": "ü"}, None)
    assert secrets.newest("apps-db")["contentType"] == "application/json"
    first = store.read("secret/apps-db")
    assert (members(first), first.version) == ({"tls.crt": SECRET, ".dot": "ü"}, f"{1:032x}")
    assert first.content.part("tls.crt") == SECRET.encode()
    store.write("apps-db", {"new": "", "tls.crt": "x"}, first)
    assert json.loads(secrets.newest("apps-db")["value"]) == {"tls.crt": "x", ".dot": "ü", "new": ""}
    assert members(store.read("apps-db", first.version)) == {"tls.crt": SECRET, ".dot": "ü"}
    for expected in (first, None):
        with pytest.raises(StoreError, match="was changed in the store meanwhile"):
            store.write("apps-db", {"new": "y"}, expected)
    assert SECRET not in repr(first)


def test_a_new_version_keeps_what_the_last_one_had(azure, secrets):
    attributes = {"enabled": True, "exp": 2_000_000_000, "nbf": 1_000_000_000}
    secrets.put("db", '{"a":"1"}', contentType="text/x", tags={"team": "t"}, attributes=attributes)
    store = opened(azure)
    store.write("db", {"b": "2"}, store.read("db"))
    expected = {
        "value": '{"a":"1","b":"2"}',
        "contentType": "text/x",
        "tags": {"team": "t"},
        "attributes": attributes,
    }
    assert secrets.newest("db") == expected


def test_the_name_of_a_deleted_secret_is_taken(azure, secrets):
    secrets.deleted.add((VAULT, "db"))
    with pytest.raises(StoreError, match="deleted secret of this name can still be recovered") as error:
        opened(azure).write("db", {"a": SECRET}, None)
    assert "`az keyvault secret recover --vault-name team --name db`" in error.value.hint
    assert SECRET not in repr((error.value, error.value.hint))


def test_disabled_secrets(azure, secrets):
    secrets.put("db", "{}", attributes={"enabled": False})
    with pytest.raises(StoreError, match="is disabled in the vault"):
        opened(azure).read("db")


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        (failure(403, "Forbidden", SECRET, "ForbiddenByRbac"), "denied", 1),
        (failure(400, "BadParameter", SECRET), "rejected", 1),
        (failure(429, "Throttled", SECRET, Retry_After="3"), "throttled", 3),
        (Answer(503, "<html>"), "unavailable", 3),
        (Answer(200, "<html>"), "failed", 1),
        (Answer(200, {"value": 1, "id": "x"}), "failed", 1),
        (Answer(200, {"value": "x", "id": "https://team.vault.azure.net/secrets/db/"}), "failed", 1),
    ],
)
def test_why_a_request_failed(azure, secrets, fault, reason, tries):
    azure.faults.extend([fault] * tries)
    with pytest.raises(ServiceError) as error:
        opened(azure).read("db")
    assert (error.value.reason, azure.faults) == (reason, [])
    assert error.value.path == f"Azure Key Vault {URL}: db"
    assert SECRET not in repr((error.value, error.value.hint))


def test_a_write_is_made_again_only_if_it_was_not_carried_out(azure, secrets):
    slept = []
    store = opened(azure, slept)
    secrets.put("db", "{}")
    now = store.read("db")
    answer = secrets.answer

    def failing(*faults):
        left = list(faults)

        def once(service, request, parts):
            return left.pop(0) if request.method == "PUT" and left else answer(service, request, parts)

        azure.collections["secrets"] = once

    failing(failure(429, "Throttled", "later", Retry_After="7"))
    store.write("db", {"a": "1"}, now)
    assert 7.0 in slept
    failing(Answer(503, "<html>"))
    azure.asked.clear()
    with pytest.raises(ServiceError, match="is not available now"):
        store.write("db", {"a": "2"}, store.read("db"))
    assert [method for method, _ in azure.calls()].count("PUT") == 1


def test_denied_writes(azure, secrets):
    azure.denied["set"] = "ForbiddenByPolicy"
    with pytest.raises(ServiceError, match="denied the request") as error:
        opened(azure).write("db", {"a": SECRET}, None)
    assert SECRET not in repr((error.value, error.value.hint, error.value.__cause__))


def test_a_vault_that_is_away_is_found_out_once(azure, secrets):
    slept = []
    store = opened(azure, slept, "https://gone.vault.azure.net")
    for key in ("a", "b"):
        with pytest.raises(ServiceError) as error:
            store.read(key)
        assert (error.value.reason, error.value.path[-3:]) == ("offline", f": {key}")
    assert [wait > 0.1 for wait in slept].count(True) == 2


@pytest.mark.parametrize(
    "key", ["", "a/b", "../x", "a?b", "a%2fb", "a\n", "x" * 128, "secret/a/b", "secret/"]
)
def test_names_do_not_lead_elsewhere(azure, secrets, key):
    with pytest.raises(StoreError, match="is not the name of a secret"):
        opened(azure).read(key)
    with pytest.raises(StoreError, match="is not a version"):
        opened(azure).read("db", "1/../2")
    assert azure.asked == []


@pytest.mark.parametrize("key", ["key/db", "cert/db"])
def test_keys_and_certificates_are_not_read(azure, secrets, key):
    with pytest.raises(StoreError, match="only secrets can be read here"):
        opened(azure).read(key)
    assert KIND.readable.fullmatch(key)


def test_what_is_too_large_or_not_found_is_refused_before(azure, secrets):
    store = opened(azure)
    with pytest.raises(StoreError, match="larger than 25 KiB together"):
        store.check("db", {"a": "x" * 25_600}, None)
    secrets.put("db", '{"tls": {"crt": "in the way"}}')
    with pytest.raises(StoreError, match=r"would not find 'tls\.crt' there"):
        store.check("db", {"tls.crt": SECRET}, store.read("db"))


def test_a_manifest_names_vaults_of_azure_only(azure, secrets):
    def settings(url):
        return Opening(azure.environ, "s", "azurekv", {}, {"vaultUrl": url})

    assert KIND.open(settings("https://Team.vault.azure.net/")).origin == URL
    for url in (f"https://{PRIVATE_VAULT}", "https://team.vault.azure.net.evil.example"):
        with pytest.raises(ServiceError, match="only the file names") as error:
            KIND.open(settings(url))
        assert error.value.hint == f"if you know this vault, add `--vault {url}`"
        given = Opening(azure.environ, "s", "azurekv", {"vault": url}, {})
        assert KIND.open(given).origin == url
    for url in ("http://team.vault.azure.net", "team", "https://a@team.vault.azure.net"):
        with pytest.raises(ConfigError, match="is not the address of a vault"):
            KIND.open(settings(url))
    for url in ("", "${VAULT_URL}"):
        with pytest.raises(ConfigError, match="the vault of s is not known"):
            KIND.open(settings(url))
    assert azure.asked == []
