"""Data keys that Vault's transit engine wraps: what is asked, who is trusted, and what goes wrong."""

import pickle
import threading

import pytest

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import User, make_providers
from fluxsecrets.keys.vault_transit import VaultTransit
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient, hc_vault
from transitserver import TOKEN, Key

SECRET = bytes(range(32))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch, environment):
    monkeypatch.setattr(VaultTransit, "limits", CallLimits(tries=3, first_wait=0.001, deadline=5.0))
    monkeypatch.setattr("fluxsecrets.clouds.vault._TIMEOUT", 0.3)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def key(transit):
    return hc_vault(transit.uri())


def provider(transit, user=None, **environ):
    user = user or User()
    return make_providers({"VAULT_ADDR": transit.address, "VAULT_TOKEN": TOKEN, **environ}, user)["hc_vault"]


def test_what_is_wrapped_is_opened(transit, key):
    used = provider(transit)
    wrapped = used.wrap(key, SECRET)
    assert wrapped.recipient == key
    assert wrapped.enc.startswith("vault:v1:")
    assert used.unwrap(wrapped) == SECRET
    assert transit.asked == [
        ("PUT", "/v1/transit/encrypt/app", TOKEN, ""),
        ("PUT", "/v1/transit/decrypt/app", TOKEN, ""),
    ]


def test_a_wrapped_key_is_opened_once(transit, key):
    used = provider(transit)
    wrapped = used.wrap(key, SECRET)
    transit.asked.clear()
    assert {used.unwrap(wrapped) for _ in range(3)} == {SECRET}
    assert len(transit.asked) == 1
    assert pickle.loads(pickle.dumps(used)).unwrap(wrapped) == SECRET
    assert len(transit.asked) == 1


def test_an_engine_has_a_path_of_several_steps(transit):
    transit.engines.add(("", "team/a/keys"))
    used = provider(transit)
    key = hc_vault(transit.uri("x.y-z", "team/a/keys"))
    assert used.unwrap(used.wrap(key, SECRET)) == SECRET
    assert transit.asked[0][1] == "/v1/team/a/keys/encrypt/x.y-z"


def test_the_namespace_is_in_the_environment_or_in_the_path(transit, key):
    transit.engines.add(("team", "transit"))
    used = provider(transit, VAULT_NAMESPACE="team")
    wrapped = used.wrap(key, SECRET)
    in_path = hc_vault(transit.uri(engine="team/transit"))
    assert provider(transit).unwrap(WrappedKey(in_path, wrapped.enc)) == SECRET
    assert [asked[1::2] for asked in transit.asked] == [
        ("/v1/transit/encrypt/app", "team"),
        ("/v1/team/transit/decrypt/app", ""),
    ]
    with pytest.raises(RecipientError, match=r"does not know the key \(no such namespace\)"):
        provider(transit, VAULT_NAMESPACE="other").wrap(key, SECRET)


def test_a_new_version_of_the_key_opens_what_an_old_one_wrapped(transit, key):
    used = provider(transit)
    old = used.wrap(key, SECRET)
    transit.key().versions.append(b"n" * 32)
    new = used.wrap(key, SECRET)
    assert (old.enc[:9], new.enc[:9]) == ("vault:v1:", "vault:v2:")
    transit.key().oldest = 2
    assert used.unwrap(new) == SECRET
    with pytest.raises(IdentityError, match="older than the key's min_decryption_version") as error:
        used.unwrap(old)
    assert "lower min_decryption_version" in error.value.hint


TOKENS = [
    ({"VAULT_TOKEN": TOKEN}, None, TOKEN),
    ({"VAULT_TOKEN": f"{TOKEN}\n"}, None, TOKEN),
    ({}, f"{TOKEN}\n", TOKEN),
    ({"VAULT_TOKEN": TOKEN}, "of-the-file", TOKEN),
    ({"BAO_TOKEN": TOKEN}, None, TOKEN),
]


@pytest.mark.parametrize(("environ", "file", "sent"), TOKENS)
def test_the_token_is_in_the_environment_or_in_its_file(transit, key, environment, environ, file, sent):
    if file is not None:
        (environment / ".vault-token").write_text(file)
    environ = {"VAULT_ADDR": transit.address, "HOME": str(environment), **environ}
    make_providers(environ)["hc_vault"].wrap(key, SECRET)
    assert [asked[2] for asked in transit.asked] == [sent]


def test_openbaos_token_goes_to_openbaos_address_only(transit, key, environment):
    elsewhere = {
        "VAULT_ADDR": "http://127.0.0.1:1",
        "VAULT_TOKEN": "of-another-server",
        "HOME": str(environment),
    }
    environ = {**elsewhere, "BAO_ADDR": transit.address, "BAO_TOKEN": TOKEN}
    make_providers(environ)["hc_vault"].wrap(key, SECRET)
    del environ["BAO_TOKEN"]
    with pytest.raises(RecipientError, match="no token for OpenBao was found"):
        make_providers(environ)["hc_vault"].wrap(key, SECRET)
    assert [asked[2] for asked in transit.asked] == [TOKEN]


@pytest.mark.parametrize(
    "token", ["two\nlines", "throw away", "t\u00f6ken", "a\x00b", "a\r\nX-Vault-Namespace: x"]
)
def test_a_token_that_no_header_can_hold_is_not_shown(transit, key, token):
    with pytest.raises(RecipientError, match="the token for Vault has a blank") as error:
        provider(transit, VAULT_TOKEN=token).wrap(key, SECRET)
    assert token not in f"{error.value} {error.value.hint}"
    assert transit.asked == []


def test_without_a_token_nothing_is_asked(transit, key, environment):
    used = make_providers({"VAULT_ADDR": transit.address, "HOME": str(environment)})["hc_vault"]
    with pytest.raises(IdentityError, match="no token for Vault was found") as error:
        used.unwrap(WrappedKey(key, "vault:v1:AAAA"))
    assert error.value.hint == "run `vault login`, or set VAULT_TOKEN"
    assert not used.owns(key)
    assert used.looked_in() == ("VAULT_TOKEN (not set)", "BAO_TOKEN (not set)", "~/.vault-token (missing)")
    assert transit.asked == []


def test_a_token_and_a_trusted_address_are_credentials(transit, key):
    assert provider(transit).owns(key)
    assert not provider(transit, VAULT_ADDR="").owns(key)
    assert not provider(transit).owns(Recipient("hc_vault", "nothing"))
    assert provider(transit).looked_in()[0] == "VAULT_TOKEN (set)"
    assert transit.asked == []


def refused(transit, key, change=None):
    used = provider(transit)
    wrapped = used.wrap(key, SECRET)
    if change is not None:
        change()
    with pytest.raises((IdentityError, IntegrityError)) as error:
        used.unwrap(wrapped)
    return error.value


def test_a_wrong_key_is_a_damaged_file(transit, key):
    error = refused(transit, key, lambda: transit.keys.update({("", "transit", "app"): Key()}))
    assert isinstance(error, IntegrityError)
    assert "Vault can't decrypt this with the key" in error.message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"deleted": True}, "Vault says that the key is disabled or deleted"),
        ({"type": "ed25519"}, r"rejected the request \(a key of this type can't encrypt\)"),
        ({"derived": True}, r"rejected the request \(a derived key needs a context\)"),
    ],
)
def test_a_key_that_can_not_be_used(transit, key, state, words):
    transit.key().__dict__.update(state)
    with pytest.raises(RecipientError, match=words):
        provider(transit).wrap(key, SECRET)
    with pytest.raises(IdentityError, match=words):
        provider(transit).unwrap(WrappedKey(key, "vault:v1:AAAA"))


def test_a_key_that_is_gone_is_asked_for_once(transit, key):
    used = provider(transit)
    for enc in ("vault:v1:AAAA", "vault:v1:BBBB"):
        with pytest.raises(IdentityError, match="Vault does not know the key"):
            used.unwrap(WrappedKey(key, enc))
    assert len(transit.asked) == 1


def test_a_wrong_engine_is_named(transit):
    with pytest.raises(IdentityError, match=r"does not know the key \(no such engine\)") as error:
        provider(transit).unwrap(WrappedKey(hc_vault(transit.uri(engine="other")), "vault:v1:AAAA"))
    assert "`vault secrets list`" in error.value.hint


def test_a_token_without_the_permission(transit, key):
    transit.tokens[TOKEN] = {"encrypt", "create"}
    assert refused(transit, key).message == "Vault denied the request"
    transit.tokens[TOKEN] = {"encrypt"}
    with pytest.raises(RecipientError, match="Vault denied the request"):
        provider(transit).wrap(hc_vault(transit.uri("new")), SECRET)


ANSWERS = [
    (
        403,
        {"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]},
        "have expired",
        1,
    ),
    (403, {"errors": ["permission denied"]}, "denied the request", 1),
    (503, {"errors": ["Vault is sealed"]}, "Vault is sealed", 1),
    (503, {"errors": ["Vault is in standby mode"]}, r"not available now \(in standby mode\)", 3),
    (501, {"errors": ["server is not yet initialized"]}, "Vault is not initialized", 1),
    (429, {"errors": ['request path "transit/decrypt/app": rate limit quota exceeded']}, "is throttling", 3),
    (500, {"errors": ["internal error"]}, r"not available now \(HTTP 500\)", 3),
    (502, b"<html>bad gateway</html>", r"not available now \(HTTP 502\)", 3),
    (504, b"", r"not available now \(HTTP 504\)", 3),
    (412, {"errors": ["required index state not present"]}, r"not available now \(HTTP 412\)", 3),
    (307, b"", "answered with a redirect", 1),
    (301, b"", "answered with a redirect", 1),
    (418, {"errors": "short and stout"}, r"rejected the request \(HTTP 418\)", 1),
    (400, {"errors": ["something new"]}, r"rejected the request \(HTTP 400\)", 1),
    (400, ["errors"], r"rejected the request \(HTTP 400\)", 1),
    (204, b"", "the answer does not come from Vault", 1),
    (200, b"{", "the answer does not come from Vault", 1),
    (200, [], "the answer does not come from Vault", 1),
    (200, {"data": None, "wrap_info": {"token": "hvs.throwaway"}}, "the answer does not come from Vault", 1),
    (200, {"data": {}}, "the answer does not come from Vault", 1),
    (200, {"data": {"plaintext": 7}}, "the answer does not come from Vault", 1),
    (200, {"data": {"plaintext": "!!"}}, "the answer does not come from Vault", 1),
]


@pytest.mark.parametrize(("status", "body", "words", "asked"), ANSWERS)
def test_answers_that_are_none(transit, key, status, body, words, asked):
    used = provider(transit)
    wrapped = used.wrap(key, SECRET)
    transit.asked.clear()
    transit.always = (status, {"Location": "http://127.0.0.1:1/v1/transit/decrypt/app"}, body)
    with pytest.raises(IdentityError, match=words) as error:
        used.unwrap(wrapped)
    assert len(transit.asked) == asked
    assert TOKEN not in repr((error.value, error.value.hint, error.value.__cause__, error.value.__context__))
    with pytest.raises(RecipientError):
        provider(transit).wrap(key, SECRET)


def test_what_passes_is_tried_again(transit, key):
    used = provider(transit)
    transit.answers = [
        (429, {"Retry-After": "0"}, {"errors": ["rate limit quota exceeded"]}),
        (503, {}, {"errors": ["Vault is in standby mode"]}),
    ]
    assert used.unwrap(used.wrap(key, SECRET)) == SECRET
    assert len(transit.asked) == 4


@pytest.mark.parametrize("text", ["not a token: throwaway", TOKEN])
def test_what_the_server_says_is_not_repeated(transit, key, text):
    transit.always = (400, {}, {"errors": [text, "\x1b[31m"]})
    with pytest.raises(RecipientError) as error:
        provider(transit).wrap(key, SECRET)
    assert text not in str(error.value)


def test_a_server_that_does_not_answer_is_waited_for_once(transit, key):
    used = provider(transit)
    transit.hang = threading.Event()
    for enc in ("vault:v1:AAAA", "vault:v1:BBBB"):
        with pytest.raises(IdentityError, match="Vault did not answer in time"):
            used.unwrap(WrappedKey(key, enc))
    assert len(transit.asked) == 1


def test_offline_is_one_wait():
    address = "http://127.0.0.1:1"
    used = make_providers({"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN})["hc_vault"]
    for name in ("a", "b"):
        with pytest.raises(IdentityError, match="Vault can't be reached") as error:
            used.unwrap(WrappedKey(hc_vault(f"{address}/v1/transit/keys/{name}"), "vault:v1:AAAA"))
        assert TOKEN not in repr((error.value, error.value.__context__))


@pytest.mark.parametrize(
    "enc", ["", "vault:v1:", "hello", "vault:vx:AAAA", "vault:v1:AA\nAA", "vault:v1:!!", "{}"]
)
def test_a_ciphertext_that_is_none_is_not_sent(transit, key, enc):
    with pytest.raises(IntegrityError, match="Vault can't decrypt this with the key"):
        provider(transit).unwrap(WrappedKey(key, enc))
    assert transit.asked == []


@pytest.mark.parametrize("enc", ["vault:v1:AAAA", "vault:v9:AAAA", f"vault:v1:{'A' * 64}"])
def test_a_damaged_ciphertext(transit, key, enc):
    transit.key()
    with pytest.raises(IntegrityError, match="Vault can't decrypt this with the key"):
        provider(transit).unwrap(WrappedKey(key, enc))


HOSTILE = [
    {"vault_address": "ftp://vault.example"},
    {"vault_address": "https://user:pw@vault.example"},
    {"vault_address": "https://vault.example/prefix"},
    {"vault_address": "https://vault.example\n.evil"},
    {"vault_address": ""},
    {"vault_address": 7},
    {"engine_path": ""},
    {"engine_path": "transit/../sys"},
    {"engine_path": "transit//x"},
    {"engine_path": "transit?x"},
    {"engine_path": "tran sit"},
    {"engine_path": "x" * 600},
    {"engine_path": None},
    {"key_name": ""},
    {"key_name": ".."},
    {"key_name": "app/../../sys/seal"},
    {"key_name": "app#x"},
    {"key_name": "app%2f.."},
    {"key_name": "app\n"},
    {"key_name": "app\x1b[31m"},
    {"key_name": "app\u202e"},
    {"key_name": ["app"]},
]


@pytest.mark.parametrize("fields", HOSTILE, ids=str)
def test_fields_that_lead_elsewhere_are_refused(transit, fields):
    parts = {"vault_address": transit.address, "engine_path": "transit", "key_name": "app", **fields}
    recipient = Recipient("hc_vault", "x", tuple(sorted(parts.items())))
    used = provider(transit, SOPS_HC_VAULT_ALLOWLIST="all")
    with pytest.raises(RecipientError, match=r"not the (address|path) of a Vault"):
        used.check(recipient)
    with pytest.raises(IdentityError, match=r"not the (address|path) of a Vault"):
        used.unwrap(WrappedKey(recipient, "vault:v1:AAAA"))
    assert transit.asked == []


def named_by(*recipients, servers=()):
    return User(named=lambda: recipients, servers=lambda: servers)


TRUSTED = [
    ({"VAULT_ADDR": "{}"}, True),
    ({"VAULT_ADDR": "{}/"}, True),
    ({"BAO_ADDR": "{}"}, True),
    ({"SOPS_VAULT_URIS": "https://vault.example/v1/transit/keys/a, {}/v1/transit/keys/b"}, True),
    ({"SOPS_HC_VAULT_ALLOWLIST": "all"}, True),
    ({"SOPS_HC_VAULT_ALLOWLIST": "https://vault.example,{}/"}, True),
    ({"SOPS_HC_VAULT_ALLOWLIST": " {} "}, True),
    ({}, False),
    ({"VAULT_ADDR": "https://vault.example"}, False),
    ({"VAULT_ADDR": "{}.evil"}, False),
    ({"VAULT_ADDR": "{}0"}, False),
    ({"VAULT_ADDR": "{}/prefix"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "none", "VAULT_ADDR": "{}"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "https://vault.example", "VAULT_ADDR": "{}"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "http://127.0.0.1", "VAULT_ADDR": "{}"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "{},", "VAULT_ADDR": "{}"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "http://", "VAULT_ADDR": "{}"}, False),
    ({"SOPS_HC_VAULT_ALLOWLIST": "All", "VAULT_ADDR": "{}"}, False),
]


@pytest.mark.parametrize(("environ", "trusted"), TRUSTED, ids=str)
def test_the_environment_names_the_address(transit, key, environ, trusted):
    environ = {name: text.replace("{}", transit.address) for name, text in environ.items()}
    used = make_providers({**environ, "VAULT_TOKEN": TOKEN})["hc_vault"]
    assert used.owns(key) == trusted
    if trusted:
        assert used.unwrap(used.wrap(key, SECRET)) == SECRET
        return
    with pytest.raises(RecipientError):
        used.wrap(key, SECRET)
    with pytest.raises(IdentityError) as error:
        used.unwrap(WrappedKey(key, "vault:v1:AAAA"))
    assert TOKEN not in str(error.value)
    assert transit.asked == []


@pytest.mark.parametrize(
    ("user", "trusted"),
    [
        (lambda here: named_by(hc_vault(f"{here}/v1/other/keys/x")), True),
        (lambda here: named_by(servers=(here,)), True),
        (lambda _: named_by(hc_vault("https://vault.example/v1/transit/keys/app")), False),
        (lambda here: named_by(Recipient("age", here), Recipient("hc_vault", here)), False),
        (lambda here: named_by(servers=(f"{here}.evil", "*")), False),
    ],
)
def test_the_configuration_names_the_address(transit, key, user, trusted):
    used = make_providers({"VAULT_TOKEN": TOKEN}, user(transit.address))["hc_vault"]
    assert used.owns(key) == trusted
    if trusted:
        used.wrap(key, SECRET)
    else:
        with pytest.raises(RecipientError, match="an address that only the file names") as error:
            used.wrap(key, SECRET)
        assert transit.address in error.value.message
        assert "set VAULT_ADDR, or add it to trusted_servers in .fluxsecrets.yaml" in error.value.hint
    assert len(transit.asked) == trusted


def test_the_allowlist_is_asked_before_the_configuration(transit, key):
    user = named_by(key, servers=(transit.address,))
    for text in ("none", "https://vault.example"):
        with pytest.raises(RecipientError, match="SOPS_HC_VAULT_ALLOWLIST does not name"):
            provider(transit, user, SOPS_HC_VAULT_ALLOWLIST=text).wrap(key, SECRET)
    with pytest.raises(RecipientError, match="entry 2 of SOPS_HC_VAULT_ALLOWLIST is not the address"):
        provider(transit, user, SOPS_HC_VAULT_ALLOWLIST=f"{transit.address},x").wrap(key, SECRET)
    assert transit.asked == []


def test_the_configuration_is_read_only_if_it_is_needed(transit, key):
    def never():
        raise AssertionError

    provider(transit, User(named=never, servers=never)).wrap(key, SECRET)


def test_nothing_of_netrc_is_sent(transit, key, environment, monkeypatch):
    netrc = environment / ".netrc"
    netrc.write_text("machine 127.0.0.1 login throwaway password throwaway\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen = []
    client = VaultTransit({"VAULT_ADDR": transit.address, "VAULT_TOKEN": TOKEN}, User())
    client._client(transit.address).adapter.session.hooks["response"].append(
        lambda answer, **_: seen.append(dict(answer.request.headers))
    )
    client.encrypt(key, SECRET)
    assert [name for name in seen[0] if name.lower() == "authorization"] == []


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"VAULT_SKIP_VERIFY": "maybe"}, "VAULT_SKIP_VERIFY is neither true nor false"),
        ({"VAULT_CACERT": "/missing/ca.pem"}, "VAULT_CACERT does not name a file: /missing/ca.pem"),
        ({"VAULT_CAPATH": "/missing"}, "VAULT_CAPATH does not name a file"),
        ({"VAULT_CLIENT_CERT": "/missing/c.pem"}, "VAULT_CLIENT_CERT does not name a file"),
        ({"VAULT_CLIENT_KEY": "/missing/k.pem"}, "VAULT_CLIENT_CERT does not name a file"),
    ],
)
def test_tls_variables_that_are_wrong(transit, key, environ, words):
    with pytest.raises(RecipientError, match=words):
        provider(transit, **environ).wrap(key, SECRET)
    assert transit.asked == []


def test_a_missing_library_is_named(transit, key, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "hvac", None)
    with pytest.raises(RecipientError, match="Vault needs a library that is not installed") as error:
        provider(transit).wrap(key, SECRET)
    assert error.value.hint == "run `pip install 'fluxsecrets[vault]'`"
