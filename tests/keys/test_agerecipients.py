import pytest

from fluxsecrets.errors import RecipientError
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.agerecipients import abbreviate
from fluxsecrets.sops.recipients import Recipient


def never():
    raise AssertionError("no identity may be looked for here")


def test_recipients_are_checked_without_looking_for_identities(recipients):
    mine = AgeProvider(never)
    for name in ("alice", "bob", "cluster", "postquantum", "ssh_ed25519", "ssh_rsa"):
        mine.check(Recipient("age", recipients[name]))
    assert mine.looked_in() == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-1] + ("q" if text[-1] != "q" else "p"), "checksum"),
        (lambda text: text[:-3], "checksum"),
        (lambda text: text + " bob", "not allowed"),
        (lambda text: "age1", "not Bech32"),
        (lambda text: text.upper(), "not an age recipient"),
        (lambda text: "", "not an age recipient"),
        (lambda text: "3B53DF19B9884C364821CD2F63F909A3062E2C9A", "not an age recipient"),
    ],
)
def test_malformed_recipients_are_refused(recipients, change, message):
    with pytest.raises(RecipientError, match=message) as caught:
        AgeProvider(never).check(Recipient("age", change(recipients["alice"])))
    assert caught.value.hint


@pytest.mark.parametrize("change", [str, str.lower, lambda text: f" {text}\n", lambda text: text[:-4]])
def test_a_private_key_given_as_recipient_is_never_shown(secrets, hidden, change):
    for secret in (secrets["alice"], secrets["postquantum"]):
        given_text = change(secret)
        with pytest.raises(RecipientError, match="private key") as caught:
            AgeProvider(never).check(Recipient("age", given_text))
        hidden(caught.value, given_text.strip())


@pytest.mark.parametrize("gap", ["", " ", ",", "\n"])
def test_a_private_key_behind_a_recipient_is_never_shown(secrets, recipients, hidden, gap):
    with pytest.raises(RecipientError) as caught:
        AgeProvider(never).check(Recipient("age", recipients["alice"] + gap + secrets["alice"]))
    hidden(caught.value, secrets["alice"][-8:])


# 0, 1, p - 1, p, p + 1, the two points of order 8, and two with the top bit set: no honest key is one.
@pytest.mark.parametrize(
    "text",
    [
        "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
        "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
        "age1anlllllllllllllllllllllllllllllllllllllllllllllllals4n2t7m",
        "age1ahlllllllllllllllllllllllllllllllllllllllllllllllalsn46ayy",
        "age1amlllllllllllllllllllllllllllllllllllllllllllllllalselrwrv",
        "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
        "age1t7wft09r2zxzfvwsk92eeql0tvzyghxytqwgapkcyf8dm5ylz9ts6wm9s8",
        "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzqqsuwj9m",
        "age1amlllllllllllllllllllllllllllllllllllllllllllllllllsam3fc4",
    ],
)
def test_weak_points_are_refused(text):
    with pytest.raises(RecipientError, match="weak key"):
        AgeProvider(never).wrap(Recipient("age", text), bytes(32))


def test_recipients_are_shortened_for_people(recipients):
    short = abbreviate(recipients["alice"])
    assert short == "age1a4…la"
    assert abbreviate("ssh-ed25519 AAAAC3Nza me@here") == "ssh-ed25519 …"
    assert abbreviate("ssh-\x1b[31m AAAA") == "ssh-…"
    assert abbreviate("AGE-SECRET-KEY-1QQQ") == abbreviate("age1\x1b[31m") == "(not shown)"
