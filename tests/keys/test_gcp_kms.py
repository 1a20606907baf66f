"""Google Cloud KMS against servers that are as strict as the real service, over REST and gRPC."""

import pytest

from fluxsecrets.errors import RecipientError
from fluxsecrets.keys import make_providers
from fluxsecrets.sops.recipients import Recipient
from googleserver import DOMAIN_KEY, KEY, google_servers

SECRET = bytes(range(32))


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with google_servers(tmp_path_factory.mktemp("google")) as google:
        yield google


@pytest.fixture
def google(servers, environment):
    servers.reset()
    return servers


def recipient(name=KEY):
    return Recipient("gcp_kms", name)


def provider(google, transport="rest", **variables):
    return make_providers({**google.variables(transport), **variables})["gcp_kms"]


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("name", [KEY, DOMAIN_KEY])
def test_a_data_key_is_wrapped_and_unwrapped(google, transport, name):
    wrapped = provider(google, transport).wrap(recipient(name), SECRET)
    assert provider(google, transport).unwrap(wrapped) == SECRET
    assert google.asked == [("encrypt", name), ("decrypt", name)]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "projects/p/locations/global/keyRings/r",
        "projects/p/locations/global/keyRings/r/cryptoKeys/..",
        "projects/../locations/global/keyRings/r/cryptoKeys/k",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k?x=y",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k#x",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k\n",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k%2f..",
        "projects/p/locations/global/keyRings/r/cryptoKeys/k:decrypt",
        "projects/p@evil.example/locations/global/keyRings/r/cryptoKeys/k",
        "https://evil.example/projects/p/locations/global/keyRings/r/cryptoKeys/k",
        "projects/p/locations/global/keyRings/r/cryptoKeys/\u0661",
    ],
)
def test_what_is_not_a_resource_id_is_refused_and_nothing_is_sent(google, name):
    with pytest.raises(RecipientError, match="not the resource id of a Google Cloud KMS key"):
        provider(google).wrap(recipient(name), SECRET)
    assert google.asked == []


def test_a_version_in_the_resource_id_is_answered_with_what_to_leave_out(google):
    with pytest.raises(RecipientError, match="names a version") as caught:
        provider(google).check(recipient(f"{KEY}/cryptoKeyVersions/3"))
    assert "leave out `/cryptoKeyVersions`" in caught.value.hint
