"""What a key service answers, without the network; and what a hostile client gets."""

import threading
from pathlib import Path

import pytest

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys import User, make_providers
from fluxsecrets.keys.keyservice.answers import KeyAnswers, RefusedError, key_name
from fluxsecrets.keys.keyservice.messages import DECRYPT, ENCRYPT, decode_answer, encode_request
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.recipients import Recipient, age, hc_vault, pgp

SECRET = bytes(range(32))


class Provider:
    """Answers with what it was given, and counts."""

    def __init__(self, kind, answer):
        self.kind, self.answer, self.asked = kind, answer, 0

    def unwrap(self, key):
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def answers_of(answer, **options):
    made = []

    def make():
        made.append({kind: Provider(kind, answer) for kind in ("age", "pgp", "hc_vault")})
        return made[-1]

    return KeyAnswers(make, **options), made


def refusal(answers, call, message, *more):
    with pytest.raises(RefusedError) as caught:
        answers.answer(call, message, *more)
    return caught.value


def real(secrets, **options):
    environ = {"SOPS_AGE_KEY": secrets["alice"]}
    return KeyAnswers(lambda: make_providers(environ, User(allowed_plugins=frozenset())), **options)


def test_it_encrypts_and_decrypts(secrets, recipients):
    answers, alice = real(secrets), age(recipients["alice"])
    for secret in (SECRET, SECRET + b"x"):
        enc = decode_answer(answers.answer(ENCRYPT, encode_request(alice, secret)))
        assert enc.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
        assert decode_answer(answers.answer(DECRYPT, encode_request(alice, enc))) == secret


def test_a_key_that_is_for_others_is_not_found(secrets, recipients):
    answers, bob = real(secrets), age(recipients["bob"])
    enc = decode_answer(answers.answer(ENCRYPT, encode_request(bob, SECRET)))
    error = refusal(answers, DECRYPT, encode_request(bob, enc))
    assert error.code == "NOT_FOUND"
    assert secrets["alice"] not in error.text


@pytest.mark.parametrize("length", [0, 16, 31, 34, 100_000])
def test_only_data_keys_are_encrypted(secrets, recipients, length):
    message = encode_request(age(recipients["alice"]), bytes(length))
    assert refusal(real(secrets), ENCRYPT, message).code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("length", [0, 16, 31, 34])
def test_nothing_but_data_keys_is_decrypted(length):
    answers, _ = answers_of(bytes(length))
    error = refusal(answers, DECRYPT, encode_request(age("age1x"), b"anything of the user's"))
    assert (error.code, error.text) == ("FAILED_PRECONDITION", "what was encrypted is not a data key")


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"\xff", "INVALID_ARGUMENT"), (b"", "NOT_FOUND"), (b"\x0a\x02\x42\x00", "NOT_FOUND")],
)
def test_malformed_requests_and_unknown_kinds(message, code):
    answers, made = answers_of(SECRET)
    assert refusal(answers, DECRYPT, message).code == code
    assert not made


def test_a_long_name_is_refused():
    answers, made = answers_of(SECRET)
    assert refusal(answers, DECRYPT, encode_request(age("a" * 5000), b"x")).code == "INVALID_ARGUMENT"
    assert not made


def test_a_plugin_that_only_the_request_names_does_not_run(secrets, plugin):
    environ = {"SOPS_AGE_KEY": secrets["alice"], **plugin}
    answers = KeyAnswers(lambda: make_providers(environ, User(allowed_plugins=frozenset())))
    name = "age1xor1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqyqqqzq"
    error = refusal(answers, ENCRYPT, encode_request(age(name), SECRET))
    assert error.code == "FAILED_PRECONDITION"
    assert not Path(plugin["PLUGIN_LOG"]).exists()


def test_texts_of_a_request_do_nothing_in_an_answer_or_a_log():
    said = []
    answers, _ = answers_of(
        NotMine("no\x1b[31m\nkey AGE-SECRET-KEY-1" + "Q" * 58), report=lambda *a: said.append(a)
    )
    error = refusal(answers, DECRYPT, encode_request(age("age1\x1b[2J"), b"x"))
    assert "\x1b" not in error.text
    assert "\n" not in error.text
    assert "AGE-SECRET-KEY-1Q" not in error.text
    assert key_name(pgp("AB\x1b[2J" + "x" * 999)) == "PGP key AB\\x1b[2J" + "x" * 194
    assert "AGE-SECRET-KEY-1Q" not in key_name(age("AGE-SECRET-KEY-1" + "Q" * 58))
    assert [each[0] for each in said] == ["Decrypt"]
    assert SECRET.hex() not in repr(said)


def test_failures_are_answered_with_their_reason():
    answers, _ = answers_of(IdentityError("the card is missing"))
    error = refusal(answers, DECRYPT, encode_request(pgp("AB" * 20), b"x"))
    assert (error.code, error.text) == ("FAILED_PRECONDITION", "the card is missing")


def test_the_user_is_asked_before_anything_is_done():
    asked, waiting = [], object()

    def confirm(call, recipient, still):
        asked.append((call, recipient, still))
        return len(asked) > 1

    answers, made = answers_of(SECRET, confirm=confirm)
    message = encode_request(age("age1x"), b"x")
    assert refusal(answers, DECRYPT, message, waiting).code == "PERMISSION_DENIED"
    assert not made
    assert decode_answer(answers.answer(DECRYPT, message, waiting)) == SECRET
    assert asked == [(DECRYPT, age("age1x"), waiting)] * 2


def test_providers_are_used_for_a_while_and_never_after_a_failure():
    now = [0.0]
    answers, made = answers_of(SECRET, clock=lambda: now[0])
    message = encode_request(age("age1x"), b"x")
    for _ in range(256):
        answers.answer(DECRYPT, message)
    assert len(made) == 1
    answers.answer(DECRYPT, message)
    assert len(made) == 2
    now[0] = 31.0
    answers.answer(DECRYPT, message)
    assert len(made) == 3
    made[-1]["age"].answer = NotMine("not here")
    refusal(answers, DECRYPT, message)
    assert decode_answer(answers.answer(DECRYPT, message)) == SECRET
    assert len(made) == 4


def test_local_keys_are_used_by_one_thread_at_a_time_and_services_by_several():
    running, most = {"age": 0, "hc_vault": 0}, {"age": 0, "hc_vault": 0}
    both, lock = threading.Barrier(2), threading.Lock()

    class Slow:
        def __init__(self, kind):
            self.kind = kind

        def unwrap(self, key):
            with lock:
                running[self.kind] += 1
                most[self.kind] = max(most[self.kind], running[self.kind])
            if self.kind == "hc_vault":
                both.wait(5)
            with lock:
                running[self.kind] -= 1
            return SECRET

    answers = KeyAnswers(lambda: {kind: Slow(kind) for kind in running})
    keys = (age("age1x"), hc_vault("https://v.example/v1/t/keys/k"))
    threads = [
        threading.Thread(target=answers.answer, args=(DECRYPT, encode_request(key, b"x"))) for key in keys * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most == {"age": 1, "hc_vault": 2}


def test_a_vault_that_only_the_request_names_gets_no_token(monkeypatch):
    environ = {"VAULT_TOKEN": "throwaway-token", "VAULT_ADDR": "http://127.0.0.1:1"}
    answers = KeyAnswers(lambda: make_providers(environ, User(allowed_plugins=frozenset())))
    key = hc_vault("http://127.0.0.2:1/v1/transit/keys/k")
    error = refusal(answers, DECRYPT, encode_request(key, b"vault:v1:AAAA"))
    assert "throwaway-token" not in error.text
    assert "can't be reached" not in error.text


def test_kinds_that_are_not_supported_say_so():
    answers = KeyAnswers(lambda: make_providers({}))
    error = refusal(answers, DECRYPT, encode_request(Recipient("hckms", "r:k"), b"x"))
    assert "not supported" in error.text
