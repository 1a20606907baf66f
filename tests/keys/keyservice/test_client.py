"""What a client makes of answers, good ones and bad ones; and that it waits once, and not for ever."""

import base64
import pickle
import socket
import threading
from functools import partial

import pytest

import keyservers
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.keyservice import AskedServices
from fluxsecrets.keys.keyservice.client import RemoteKeys
from fluxsecrets.keys.keyservice.endpoints import parse_uri
from fluxsecrets.keys.keyservice.messages import decode_request, encode_answer, encode_request
from fluxsecrets.keys.keyservice.served import ServedProviders
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient, age, azure_kv, kms, pgp

SECRET = bytes(range(32))
ARN = kms("arn:aws:kms:eu-central-1:123456789012:key/throwaway", context={"a": "b"}, aws_profile="p")


@pytest.fixture(scope="module")
def script():
    """A key service; the function in its list answers."""
    steps = []
    with keyservers.made_up_service(lambda *request: steps[-1](*request)) as uri:  # noqa: PLW0108
        yield uri, steps


@pytest.fixture
def scripted(script):
    """Makes a provider whose service answers with a function, and the requests that came."""

    def make(reply, **options):
        uri, steps = script
        asked = []

        def step(call, message):
            asked.append((call, decode_request(message)))
            return reply(call, message)

        steps[:] = [step]
        return ServiceProvider(partial(RemoteKeys, parse_uri(uri), **options)), asked

    return make


def served(*uris, local=True, environ=None, warn=None):
    services = AskedServices(local, tuple(parse_uri(uri) for uri in uris))
    return ServedProviders(make_providers(environ or {}), services, warn)


def failing(code, text=""):
    def answer(call, message):
        raise keyservers.FailedError(code, text)

    return answer


def test_requests_hold_what_sops_sends(scripted):
    provider, asked = scripted(
        lambda call, message: encode_answer(b"wrapped" if call == "Encrypt" else SECRET)
    )
    for recipient in (ARN, azure_kv("https://v.example", "n", "1")):
        assert provider.wrap(recipient, SECRET).enc == "wrapped"
        assert provider.unwrap(WrappedKey(recipient, "enc")) == SECRET
    assert [(call, request.recipient.id, request.data) for call, request in asked] == [
        ("Encrypt", ARN.id, SECRET),
        ("Decrypt", ARN.id, b"enc"),
        ("Encrypt", "https://v.example/keys/n/1", SECRET),
        ("Decrypt", "https://v.example/keys/n/1", b"enc"),
    ]
    assert asked[0][1].recipient == ARN


def test_a_wrapped_key_is_asked_for_once(scripted):
    provider, asked = scripted(lambda *_: encode_answer(SECRET))
    for _ in range(3):
        assert provider.unwrap(WrappedKey(ARN, "enc")) == SECRET
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer", [b"", encode_answer(b""), encode_answer(b"x" * 31), encode_answer(b"x" * 34)]
)
def test_what_is_not_a_data_key_is_refused(scripted, answer):
    provider, _ = scripted(lambda *_: answer)
    with pytest.raises((IdentityError, IntegrityError), match="is not a data key"):
        provider.unwrap(WrappedKey(ARN, "enc"))


@pytest.mark.parametrize("answer", [b"\xff\xff", b"\x0a\x05x", b"\x0b"])
def test_a_malformed_answer_is_refused(scripted, answer):
    provider, _ = scripted(lambda *_: answer)
    with pytest.raises(IdentityError, match="its answer is malformed"):
        provider.unwrap(WrappedKey(ARN, "enc"))


def test_a_huge_answer_is_refused(scripted):
    provider, asked = scripted(lambda *_: encode_answer(bytes(2**20)))
    with pytest.raises(IdentityError, match="failed"):
        provider.unwrap(WrappedKey(ARN, "enc"))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("recipient", "answer"),
    [
        (ARN, b""),
        (ARN, b" \n"),
        (ARN, b"a\x1b[31m"),
        (ARN, b"\xc3\xa9"),
        (age("age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"), b"AQICAHh"),
        (pgp("AB" * 20), b"-----BEGIN PGP MESSAGE-----\n\nxxxx\n-----END PGP MESSAGE-----"),
    ],
)
def test_what_is_not_a_wrapped_key_is_not_written(scripted, recipient, answer):
    provider, _ = scripted(lambda *_: encode_answer(answer))
    with pytest.raises(RecipientError, match="it sent no wrapped key") as caught:
        provider.wrap(recipient, SECRET)
    assert SECRET.hex() not in repr(caught.value)


@pytest.mark.parametrize(
    ("code", "text", "expected", "times"),
    [
        ("PERMISSION_DENIED", "rejected", "denied the request .rejected", 1),
        ("UNAUTHENTICATED", "", "denied the request", 1),
        ("INVALID_ARGUMENT", "", "rejected the request", 1),
        ("UNKNOWN", "no key\x1b[31m\n", r"failed .no key\\x1b\[31m\\n", 1),
        ("INTERNAL", "AGE-SECRET-KEY-1" + "Q" * 58, "failed .*a private key", 1),
        ("NOT_FOUND", "not here", "failed .not here", 1),
        ("DEADLINE_EXCEEDED", "", "did not answer in time", 1),
        ("RESOURCE_EXHAUSTED", "busy", "throttling", 2),
        ("UNAVAILABLE", "", "can't be reached", 2),
    ],
)
def test_errors_say_what_happened(scripted, code, text, expected, times):
    provider, asked = scripted(failing(code, text))
    with pytest.raises(IdentityError, match=expected) as caught:
        provider.unwrap(WrappedKey(ARN, "enc"))
    assert caught.value.hint
    assert "\x1b" not in caught.value.message
    assert "key service tcp://127.0.0.1:" in caught.value.message
    assert len(asked) == times


def test_a_refusal_by_the_user_holds_for_the_key_and_the_run(scripted):
    provider, asked = scripted(failing("PERMISSION_DENIED"))
    for enc in ("one", "two"):
        with pytest.raises(IdentityError, match="denied"):
            provider.unwrap(WrappedKey(ARN, enc))
    assert len(asked) == 1


def test_another_service_is_not_a_key_service():
    with (
        keyservers.made_up_service(lambda *_: b"", service="Other") as uri,
        pytest.raises(IdentityError, match="it is not a key service"),
    ):
        ServiceProvider(partial(RemoteKeys, parse_uri(uri))).unwrap(WrappedKey(ARN, "enc"))


def test_who_never_answers_costs_one_wait(scripted):
    end = threading.Event()
    provider, asked = scripted(lambda *_: end.wait(10) and b"", answer=0.2)
    try:
        for enc in ("one", "two", "three"):
            with pytest.raises(IdentityError, match="did not answer in time"):
                provider.unwrap(WrappedKey(ARN, enc))
        assert len(asked) == 1
    finally:
        end.set()


def test_who_takes_the_connection_and_says_nothing_costs_one_wait():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        endpoint = parse_uri(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        provider = ServiceProvider(partial(RemoteKeys, endpoint, connect=0.3))
        failures = []

        def ask(enc):
            try:
                provider.unwrap(WrappedKey(ARN, enc))
            except IdentityError as error:
                failures.append(error.message)

        threads = [threading.Thread(target=ask, args=(f"{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2)
        assert len(failures) == 8
        assert all("did not answer in time" in message for message in failures)


def test_where_nothing_listens_is_said_at_once(tmp_path):
    for uri in (f"unix://{tmp_path}/none.sock", "tcp://127.0.0.1:1"):
        with pytest.raises(IdentityError, match="can't be reached") as caught:
            ServiceProvider(partial(RemoteKeys, parse_uri(uri))).unwrap(WrappedKey(ARN, "enc"))
        assert "sops keyservice" in caught.value.hint


def test_a_private_key_is_never_sent(scripted, secrets):
    provider, asked = scripted(lambda *_: encode_answer(SECRET))
    with pytest.raises(RecipientError, match="is a private key") as caught:
        provider.wrap(age(secrets["alice"]), SECRET)
    assert secrets["alice"] not in repr(caught.value)
    with pytest.raises(IdentityError, match="is a private key"):
        provider.unwrap(WrappedKey(age(secrets["alice"]), "enc"))
    with pytest.raises(RecipientError, match="malformed"):
        provider.wrap(Recipient("age", "age1\udc80"), SECRET)
    assert not asked


def test_without_the_library_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "grpc", None)
    provider = ServiceProvider(partial(RemoteKeys, parse_uri("tcp://127.0.0.1:1")))
    with pytest.raises(IdentityError, match="needs a library") as caught:
        provider.unwrap(WrappedKey(ARN, "enc"))
    assert "fluxsecrets[keyservice]" in caught.value.hint


def test_this_machine_comes_first_and_the_data_key_stays_here(script, secrets, recipients):
    uri, steps = script
    asked = []
    steps[:] = [lambda *a: asked.append(a) or encode_answer(SECRET)]
    provider = served(uri, environ={"SOPS_AGE_KEY": secrets["alice"]})["age"]
    alice = age(recipients["alice"])
    key = provider.wrap(alice, SECRET)
    assert provider.unwrap(key) == SECRET
    assert provider.at_hand(alice)
    assert provider.owns(alice)
    assert not asked


def test_services_are_asked_in_order_and_the_first_answer_counts(script, recipients):
    uri, steps = script
    asked = []

    def answer(call, message):
        asked.append(call)
        return encode_answer(b"wrapped" if call == "Encrypt" else SECRET)

    steps[:] = [answer]
    with keyservers.made_up_service(failing("UNKNOWN", "the first")) as first:
        providers = served(first, uri, local=False)
        key = providers["kms"].wrap(ARN, SECRET)
        assert (key.enc, key.recipient) == ("wrapped", ARN)
        assert key.created_at is not None
        assert providers["kms"].unwrap(key) == SECRET
    assert asked == ["Encrypt", "Decrypt"]


def test_if_nobody_can_all_reasons_are_shown(recipients):
    with (
        keyservers.made_up_service(failing("UNKNOWN", "reason one")) as one,
        keyservers.made_up_service(failing("UNKNOWN", "reason two")) as two,
    ):
        provider = served(one, two)["age"]
        alice = age(recipients["alice"])
        key = make_providers({})["age"].wrap(alice, SECRET)
        with pytest.raises(IdentityError, match=r"no age identity.*reason one.*reason two"):
            provider.unwrap(key)
        with pytest.raises(RecipientError) as caught:
            served(one, two)["age"].wrap(age("age1broken"), SECRET)
        assert "reason one" in str(caught.value.details)
        assert "reason two" in str(caught.value.details)
        assert not provider.owns(alice)
        assert not provider.at_hand(alice)
        assert one in str(provider.looked_in())


def test_an_answer_for_age_has_no_time(script, recipients):
    uri, steps = script
    alice = age(recipients["alice"])
    enc = make_providers({})["age"].wrap(alice, SECRET).enc
    steps[:] = [lambda *_: encode_answer(enc.encode())]
    assert served(uri, local=False)["age"].wrap(alice, SECRET) == WrappedKey(alice, enc)


def test_nobody_is_asked_if_nobody_is_named(recipients):
    provider = served(local=False)["age"]
    alice = age(recipients["alice"])
    for action in (lambda: provider.check(alice), lambda: provider.wrap(alice, SECRET)):
        with pytest.raises(RecipientError, match="no key service"):
            action()
    assert isinstance(provider.unwrap(WrappedKey(alice, "enc")), NotMine)
    assert provider.search_further([alice]) == ()
    assert provider.looked_in() == ()


def test_without_services_errors_are_those_of_this_machine(recipients):
    provider = served()["age"]
    with pytest.raises(RecipientError, match="age1broken"):
        provider.check(age("age1broken"))
    with pytest.raises(IntegrityError):
        provider.unwrap(WrappedKey(age(recipients["alice"]), "garbage"))


def test_a_service_may_know_recipients_that_this_machine_does_not():
    key = Recipient("hckms", "region:key")
    served("unix:///nowhere")["hckms"].check(key)
    with pytest.raises(RecipientError, match="not supported"):
        served()["hckms"].check(key)


def test_a_warning_is_shown_once_if_keys_leave_this_machine(monkeypatch):
    said = []
    providers = served("tcp://keys.invalid:5", "tcp://127.0.0.1:1", local=False, warn=said.append)
    monkeypatch.setattr(RemoteKeys, "_ask", lambda *_: SECRET)
    for enc in ("one", "two"):
        assert providers["kms"].unwrap(WrappedKey(ARN, enc)) == SECRET
    assert len(said) == 1
    assert "tcp://keys.invalid:5" in said[0]


def test_it_reaches_another_process(script, recipients):
    uri, steps = script
    steps[:] = [lambda *_: encode_answer(SECRET)]
    providers = served(uri, local=False, warn=print)
    assert providers["kms"].unwrap(WrappedKey(ARN, "enc")) == SECRET
    copied = pickle.loads(pickle.dumps(providers))
    steps[:] = [failing("UNKNOWN", "asked again")]
    assert copied["kms"].unwrap(WrappedKey(ARN, "enc")) == SECRET
    assert list(copied) == list(providers)
    assert len(copied) == len(providers)
    assert SECRET.hex() not in repr(copied["kms"])


_SHOWN = [
    lambda data: data.hex(),
    lambda data: base64.b64encode(data).decode(),
    lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
]


@pytest.mark.parametrize("shown", _SHOWN)
def test_what_a_service_says_of_a_data_key_is_not_repeated(scripted, shown):
    key = bytes(range(200, 232))
    provider, _ = scripted(failing("UNKNOWN", f"can't encrypt {shown(key)} now"))
    with pytest.raises(RecipientError, match=r"failed .can't encrypt \.\.\. now") as caught:
        provider.wrap(ARN, key)
    assert shown(key) not in str(caught.value)


def test_bytes_that_a_service_says_are_not_repeated(scripted):
    provider, _ = scripted(failing("UNKNOWN", b"no \xff\xfe key"))
    with pytest.raises(RecipientError, match=r"failed$"):
        provider.wrap(ARN, SECRET)


@pytest.mark.parametrize("shown", _SHOWN)
def test_a_data_key_that_a_service_sends_back_is_not_written(scripted, shown):
    provider, _ = scripted(lambda call, message: encode_answer(shown(SECRET).encode()))
    with pytest.raises(RecipientError, match="sent the data key back"):
        provider.wrap(ARN, SECRET)


def test_a_request_does_not_show_its_data_key(scripted):
    _, asked = scripted(lambda call, message: encode_answer(b"wrapped"))
    request = decode_request(encode_request(ARN, SECRET))
    assert repr(SECRET)[2:20] not in repr(request)
    assert ARN.id in repr(request)
    assert asked == []
