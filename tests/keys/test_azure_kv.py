"""Data keys that Azure Key Vault wraps, against a strict server on this machine."""

import logging
import pickle
import sys
import threading
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("azure.keyvault.keys")

from azureserver import HSM, PRIVATE_VAULT, SECRET, TENANT, VAULT, Answer, failure
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import User, make_providers
from fluxsecrets.keys.azure_kv import AzureKeyVault, make
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient, azure_kv, azure_kv_from_url, recipient_key

SECRET_BYTES = bytes(range(32))
URL = f"https://{VAULT}"


@pytest.fixture
def provider(azure):
    return make(azure.environ, User())


@pytest.fixture
def newest(azure, rsa_keys):
    """The address of a key with two versions, without a version."""
    for key in rsa_keys:
        azure.add_key(key)
    return azure_kv_from_url(azure.url())


def quick(azure, *, user=None, timeout=5.0, environ=None):
    """A provider that hardly waits between its tries."""

    class Quick(AzureKeyVault):
        limits = CallLimits(first_wait=0.001, longest_wait=0.001)

    return ServiceProvider(
        lambda: Quick({**azure.environ, **(environ or {})}, user or User(), timeout=timeout)
    )


def failing(call, kind, azure):
    """The error of a call; neither a token nor a secret is in anything that a user may see of it."""
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + f"{error}{error.hint}{error.details}{vars(error)}"
    assert not [each for each in (*azure.tokens, SECRET, SECRET_BYTES.hex()) if each in shown]
    return error


def wrap_error(azure, recipient, **options):
    return failing(lambda: quick(azure, **options).wrap(recipient, SECRET_BYTES), RecipientError, azure)


def unwrap_error(azure, wrapped, kind=IdentityError, **options):
    return failing(lambda: quick(azure, **options).unwrap(wrapped), kind, azure)


@pytest.fixture
def wrapped(azure, provider, newest):
    """A wrapped data key, and no request made yet."""
    key = provider.wrap(newest, SECRET_BYTES)
    azure.asked.clear()
    return key


# --- encrypt and decrypt ----------------------------------------------------------------------------------


def test_what_is_wrapped_is_unwrapped(azure, provider, newest):
    wrapped = provider.wrap(newest, SECRET_BYTES)
    assert make(azure.environ, User()).unwrap(wrapped) == SECRET_BYTES
    assert wrapped.created_at.endswith("Z")


def test_the_newest_version_is_asked_for_once_and_goes_into_the_file(azure, provider, newest):
    version = f"{2:032x}"
    wrapped = [provider.wrap(newest, SECRET_BYTES) for _ in range(3)]
    assert {each.recipient for each in wrapped} == {azure_kv(URL, "sops", version)}
    assert azure.calls() == [("GET", "/keys/sops/")] + [("POST", f"/keys/sops/{version}/encrypt")] * 3
    assert recipient_key(wrapped[0].recipient) == recipient_key(newest)


def test_a_version_that_is_named_is_used(azure, provider, newest):
    recipient = azure_kv(URL, "sops", f"{1:032x}")
    wrapped = provider.wrap(recipient, SECRET_BYTES)
    assert wrapped.recipient == recipient
    assert azure.calls() == [("POST", f"/keys/sops/{1:032x}/encrypt")]


def test_an_old_version_still_decrypts(azure, provider, rsa_keys):
    azure.add_key(rsa_keys[0])
    wrapped = provider.wrap(azure_kv(URL, "sops"), SECRET_BYTES)
    azure.add_key(rsa_keys[1])
    assert make(azure.environ, User()).unwrap(wrapped) == SECRET_BYTES


def test_one_request_decrypts_what_stands_in_many_files(azure, provider, newest):
    wrapped = provider.wrap(newest, SECRET_BYTES)
    azure.asked.clear()
    threads = [threading.Thread(target=provider.unwrap, args=(wrapped,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert azure.calls() == [("POST", f"/keys/sops/{2:032x}/decrypt")]


def test_a_managed_hsm(azure, provider, rsa_keys):
    azure.add_key(rsa_keys[0], host=HSM)
    wrapped = provider.wrap(azure_kv(f"https://{HSM}", "sops"), SECRET_BYTES)
    assert make(azure.environ, User()).unwrap(wrapped) == SECRET_BYTES


def test_a_slash_at_the_end_of_the_address_stays_in_the_file(azure, provider, newest):
    recipient = azure_kv(f"{URL}/", "sops")
    wrapped = provider.wrap(recipient, SECRET_BYTES)
    assert dict(wrapped.recipient.attributes)["vault_url"] == f"{URL}/"
    assert recipient_key(wrapped.recipient) == recipient_key(newest)


def test_the_provider_reaches_a_worker_process(azure, newest):
    providers = make_providers(azure.environ, User())
    wrapped = providers["azure_kv"].wrap(newest, SECRET_BYTES)
    assert providers["azure_kv"].unwrap(wrapped) == SECRET_BYTES
    calls = azure.calls()
    assert pickle.loads(pickle.dumps(providers))["azure_kv"].unwrap(wrapped) == SECRET_BYTES
    assert azure.calls() == calls


# --- refusals of the service ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "inner", "hint"),
    [
        ("encrypt", "ForbiddenByRbac", "Key Vault Crypto User"),
        ("encrypt", "AccessDenied", "access policy"),
        ("get", "ForbiddenByPolicy", "access policy"),
        ("encrypt", "ForbiddenByFirewall", "firewall"),
        ("encrypt", "ForbiddenByConnection", "private endpoint"),
    ],
)
def test_no_permission_to_encrypt(azure, newest, operation, inner, hint):
    azure.denied[operation] = inner
    error = wrap_error(azure, newest)
    assert f"denied the request (Forbidden: {inner})" in error.message
    assert hint in error.hint


def test_no_permission_to_decrypt(azure, wrapped):
    azure.denied["decrypt"] = "ForbiddenByRbac"
    error = unwrap_error(azure, wrapped)
    assert error.message == "Azure Key Vault denied the request (Forbidden: ForbiddenByRbac)"


def test_a_refusal_of_a_key_is_not_asked_for_again(azure, wrapped):
    azure.denied["decrypt"] = "ForbiddenByRbac"
    provider = quick(azure)
    for number in range(5):
        other = replace(wrapped, enc=wrapped.enc[:-4] + f"AAA{number}")
        failing(lambda other=other: provider.unwrap(other), IdentityError, azure)
    assert len(azure.calls()) == 1


def test_a_disabled_key(azure, newest, wrapped):
    azure.keys[VAULT, "sops"][f"{2:032x}"].enabled = False
    for error in (wrap_error(azure, newest), unwrap_error(azure, wrapped)):
        assert "the key is disabled or deleted (Forbidden: KeyDisabled)" in error.message
        assert "enable" in error.hint


def test_an_expired_key_still_decrypts(azure, newest, wrapped):
    azure.keys[VAULT, "sops"][f"{2:032x}"].expires = datetime.now(UTC) - timedelta(days=1)
    error = wrap_error(azure, newest)
    assert "(Forbidden: KeyExpired)" in error.message
    assert "a new version" in error.hint
    assert quick(azure).unwrap(wrapped) == SECRET_BYTES


def test_a_key_that_is_not_valid_yet(azure, rsa_keys):
    azure.add_key(rsa_keys[0], not_before=datetime.now(UTC) + timedelta(days=1))
    assert "(Forbidden: KeyNotYetValid)" in wrap_error(azure, azure_kv(URL, "sops")).message


def test_a_key_that_may_only_sign(azure, rsa_keys):
    azure.add_key(rsa_keys[0], operations=("sign", "verify"))
    assert "denied the request (Forbidden)" in wrap_error(azure, azure_kv(URL, "sops")).message


def test_a_deleted_key(azure, newest, wrapped):
    azure.keys.clear()
    for error in (wrap_error(azure, newest), unwrap_error(azure, wrapped)):
        assert "does not know the key (KeyNotFound)" in error.message
        assert "can be recovered" in error.hint


def test_another_key_of_the_same_name(azure, wrapped, rsa_keys):
    azure.keys[VAULT, "sops"][f"{2:032x}"].key = rsa_keys[0]
    error = unwrap_error(azure, wrapped, IntegrityError)
    assert "encrypted with another one, or was changed" in error.message


def test_a_wrapped_key_that_was_changed(azure, wrapped):
    flipped = "B" if wrapped.enc[8] == "A" else "A"
    changed = replace(wrapped, enc=wrapped.enc[:8] + flipped + wrapped.enc[9:])
    unwrap_error(azure, changed, IntegrityError)
    assert len(azure.calls()) == 1


@pytest.mark.parametrize("enc", ["", "=", "AAAAA", "AA+A", "AA/A", "AA A", "AA\nA", "AAA=", "ÄAAA"])
def test_a_wrapped_key_that_is_not_one_is_not_sent(azure, wrapped, enc):
    unwrap_error(azure, replace(wrapped, enc=enc), IntegrityError)
    assert azure.asked == []


def test_what_is_not_a_data_key(azure, provider, newest):
    assert "5 bytes" in unwrap_error(azure, provider.wrap(newest, b"short"), IntegrityError).message


# --- the network ------------------------------------------------------------------------------------------


def test_throttling_is_waited_out(azure, wrapped):
    azure.faults += [failure(429, "Throttled", "")] * 2
    assert quick(azure).unwrap(wrapped) == SECRET_BYTES
    assert len(azure.calls()) == 3


def test_throttling_that_does_not_end(azure, wrapped):
    azure.faults += [failure(429, "Throttled", "")] * 5
    error = unwrap_error(azure, wrapped)
    assert (error.message, len(azure.calls())) == ("Azure Key Vault is throttling requests (Throttled)", 5)


def test_throttling_for_longer_than_there_is_time(azure, wrapped):
    azure.faults.append(failure(429, "Throttled", "", Retry_After="3600"))
    assert "is throttling requests" in unwrap_error(azure, wrapped).message
    assert len(azure.calls()) == 1


def test_a_service_that_fails_is_tried_again(azure, wrapped):
    azure.faults += [failure(503, "ServiceUnavailable", ""), Answer(502, "<html>")]
    assert quick(azure).unwrap(wrapped) == SECRET_BYTES


def test_a_vault_that_is_down_is_asked_no_more(azure, wrapped):
    azure.faults += [failure(500, "InternalServerError", "")] * 50
    provider = quick(azure)
    for number in range(5):
        other = replace(wrapped, enc=wrapped.enc[:-4] + f"AAA{number}")
        assert (
            "is not available now"
            in failing(lambda other=other: provider.unwrap(other), IdentityError, azure).message
        )
    assert len(azure.calls()) == 5


def test_a_vault_without_an_answer_costs_one_wait(azure, wrapped):
    azure.gate.clear()
    provider = quick(azure, timeout=0.2)
    for number in range(5):
        other = replace(wrapped, enc=wrapped.enc[:-4] + f"AAA{number}")
        assert (
            "did not answer in time"
            in failing(lambda other=other: provider.unwrap(other), IdentityError, azure).message
        )
    azure.gate.set()
    assert sum(one.host == VAULT for one in azure.asked) <= 1


def test_a_vault_that_does_not_exist(azure):
    error = wrap_error(azure, azure_kv("https://nobody.vault.azure.net", "sops"))
    assert "can't be reached" in error.message
    assert "the vault's name" in error.hint


def test_no_proxy_and_no_network(azure, wrapped, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "can't be reached" in unwrap_error(azure, wrapped).message


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {}),
        Answer(200, {"value": None}),
        Answer(200, {"value": "AA+A"}),
        Answer(200, {"value": ["AAAA"]}),
        Answer(200, []),
        Answer(200, "<html>"),
        Answer(204, ""),
        Answer(302, "", {"Location": "https://evil.example/"}),
    ],
    ids=repr,
)
def test_malformed_answers_of_operations(azure, newest, wrapped, answer):
    azure.faults.append(answer)
    assert "Azure Key Vault failed" in unwrap_error(azure, wrapped).message
    azure.faults.append(answer)
    versioned = azure_kv(URL, "sops", f"{1:032x}")
    assert "Azure Key Vault failed" in wrap_error(azure, versioned).message


@pytest.mark.parametrize(
    "kid",
    [
        None,
        7,
        "",
        f"{URL}/keys/sops",
        f"{URL}/keys/sops/",
        f"{URL}/keys/other/{1:032x}",
        f"{URL}/keys/sops/..",
        f"{URL}/keys/sops/a/b",
        f"{URL}/keys/sops/a\nb: c",
    ],
)
def test_malformed_answers_about_the_newest_version(azure, newest, kid):
    azure.faults.append(Answer(200, {"key": {"kid": kid}}))
    assert "malformed answer" in wrap_error(azure, newest).message


@pytest.mark.parametrize("key", [None, [], "x"])
def test_answers_without_a_key(azure, newest, key):
    azure.faults.append(Answer(200, {"key": key}))
    assert "malformed answer" in wrap_error(azure, newest).message


def test_a_library_that_is_not_installed(azure, wrapped, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.keyvault.keys", None)
    error = unwrap_error(azure, wrapped)
    assert "needs a library that is not installed" in error.message
    assert error.hint == "run `pip install 'fluxsecrets[azure]'`"


# --- where the token goes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vault_url", "name", "version"),
    [
        (URL, "..", ""),
        (URL, "", ""),
        (URL, "a/b", ""),
        (URL, "a\nb", ""),
        (URL, "a?x=1", ""),
        (URL, "a%2Fb", ""),
        (URL, "ä", ""),
        (URL, "a" * 128, ""),
        (URL, "sops", ".."),
        (URL, "sops", "a/b"),
        (URL, "sops", "1?x"),
        (f"{URL}/x", "sops", ""),
        (f"{URL}\n", "sops", ""),
        ("http://team.vault.azure.net", "sops", ""),
        ("https://u:p@team.vault.azure.net", "sops", ""),
        ("https://evil.example#.vault.azure.net", "sops", ""),
        ("https://evil.example\\.vault.azure.net", "sops", ""),
        ("", "sops", ""),
        (None, "sops", ""),
    ],
)
def test_hostile_fields_are_refused_before_anything_is_sent(azure, vault_url, name, version):
    recipient = azure_kv(URL, "sops")
    fields = {"vault_url": vault_url, "name": name, "version": version}
    recipient = replace(recipient, attributes=tuple(fields.items()))
    failing(lambda: quick(azure).check(recipient), RecipientError, azure)
    wrap_error(azure, recipient)
    unwrap_error(azure, WrappedKey(recipient, "AAAA"))
    assert not quick(azure).owns(recipient)
    assert azure.asked == []


@pytest.mark.parametrize(
    "url",
    [
        f"https://{PRIVATE_VAULT}",
        "https://team.vault.azure.net.evil.example",
        "https://vault.azure.net",
        "https://team.vault.azure.net:8443",
        "https://127.0.0.1",
        "https://169.254.169.254",
    ],
)
def test_an_address_that_only_the_file_names_gets_nothing(azure, url):
    recipient = azure_kv(url, "sops", "1")
    provider = quick(azure)
    for error in (unwrap_error(azure, WrappedKey(recipient, "AAAA")), wrap_error(azure, recipient)):
        assert "credentials are not sent there" in error.message
        assert error.hint == "name the key in .sops.yaml"
    assert not provider.owns(recipient)
    assert azure.asked == []


PRIVATE = azure_kv(f"https://{PRIVATE_VAULT}", "sops")


@pytest.mark.parametrize(
    ("user", "environ"),
    [
        (User(named=lambda: (azure_kv(f"https://{PRIVATE_VAULT.upper()}:443/", "other"),)), {}),
        (User(servers=lambda: (f"https://{PRIVATE_VAULT}",)), {}),
        (User(), {"SOPS_AZURE_KEYVAULT_URLS": f"{URL}/keys/a/1, https://{PRIVATE_VAULT}/keys/b"}),
    ],
    ids=["rules", "settings", "environment"],
)
def test_an_address_that_the_user_names(azure, rsa_keys, user, environ):
    azure.add_key(rsa_keys[0], host=PRIVATE_VAULT)
    provider = quick(azure, user=user, environ=environ)
    wrapped = provider.wrap(PRIVATE, SECRET_BYTES)
    assert quick(azure, user=user, environ=environ).unwrap(wrapped) == SECRET_BYTES
    assert provider.owns(PRIVATE)


def test_a_named_address_of_another_kind_or_port_is_not_enough(azure):
    others = (Recipient("hc_vault", "x", (("vault_url", f"https://{PRIVATE_VAULT}"),)),)
    ports = (azure_kv(f"https://{PRIVATE_VAULT}:8443", "sops"),)
    for named in (others, ports):
        assert (
            "not sent there" in wrap_error(azure, PRIVATE, user=User(named=lambda named=named: named)).message
        )
    assert azure.asked == []


def test_a_hostile_server_gets_no_token_for_other_services(azure, rsa_keys, caplog):
    """A server that the user named by mistake asks for a token for Azure's management, or another vault."""
    caplog.set_level(logging.DEBUG)
    azure.add_key(rsa_keys[0], host=PRIVATE_VAULT)
    user = User(named=lambda: (PRIVATE,))
    for resource in (
        "https://management.azure.com",
        "https://vault.azure.net",
        "https://graph.microsoft.com",
    ):
        azure.challenges[PRIVATE_VAULT] = (
            f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", resource="{resource}"'
        )
        assert "does not log in as a vault does" in wrap_error(azure, PRIVATE, user=user).message
    assert (azure.logins(), azure.calls()) == (0, [])


def test_no_login_and_no_request_to_answer_who_owns_a_key(azure, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    assert quick(azure).owns(azure_kv(URL, "sops"))
    environ = {"AZURE_CLIENT_SECRET": "", "HOME": "/nonexistent", "USERPROFILE": "/nonexistent"}
    assert not quick(azure, environ=environ).owns(azure_kv(URL, "sops"))
    assert azure.asked == []


def test_where_credentials_were_looked_for(azure, provider):
    variables = "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET"
    assert provider.looked_in()[0] == f"Azure's variables ({variables})"
    assert SECRET not in str(provider.looked_in())
