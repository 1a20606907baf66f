import pickle
import threading

import pytest

from azureserver import HSM, VAULT
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.keys import User, make_providers
from fluxsecrets.keys.azure_kv import AzureKeyVault, make
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.recipients import azure_kv, azure_kv_from_url, recipient_key

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


def quick(azure, *, user=None, timeout=5.0, **limits):
    """A provider that waits for nothing between its tries."""

    class Quick(AzureKeyVault):
        pass

    Quick.limits = CallLimits(first_wait=0.001, longest_wait=0.001, **limits)
    return ServiceProvider(lambda: Quick(azure.environ, user or User(), timeout=timeout))


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
