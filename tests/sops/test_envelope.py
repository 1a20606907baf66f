from dataclasses import replace

import pytest

from fluxsecrets.errors import (
    Attempt,
    DataKeyError,
    IdentityError,
    IntegrityError,
    LockedError,
    RecipientError,
    Tried,
    UsageError,
)
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.envelope import NotMine, check_recipients, kept_keys, open_data_key, wrap_data_key
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient, azure_kv, hckms, kms
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

KEY = DataKey(bytes(range(32)))
A, B, C = (Recipient("age", name) for name in ("age1a", "age1b", "age1c"))


class Fake:
    """A provider whose wrapped keys are the hexadecimal secret; it opens what it was told to."""

    kind = "age"

    def __init__(self, *mine, broken=()):
        self.mine, self.broken = mine, broken

    def check(self, recipient):
        if recipient.id == "bad":
            raise RecipientError("malformed")

    def wrap(self, recipient, secret):
        return WrappedKey(recipient, secret.hex())

    def unwrap(self, key):
        if key.recipient in self.broken:
            raise IdentityError("the key file is locked")
        return bytes.fromhex(key.enc) if key.recipient in self.mine else NotMine("not among your identities")

    def at_hand(self, recipient):
        return recipient in self.mine

    def looked_in(self):
        return ("a place",)


def wrapped(*groups, threshold=0):
    return Metadata(
        wrap_data_key(KEY, groups, threshold, dict.fromkeys(("age", "pgp", "kms"), Fake())),
        DEFAULT_SELECTOR,
        "",
        None,
        False,
        threshold,
    )


@pytest.mark.parametrize(
    ("groups", "threshold", "mine"),
    [
        (((A,),), 0, (A,)),
        (((A, B),), 0, (B,)),
        (((A,),), 2, (A,)),
        (((A,), (B,)), 0, (A, B)),
        (((A,), (B,), (C,)), 2, (A, C)),
        (((A, B), (B, C), (C,)), 2, (B,)),
    ],
)
def test_enough_identities_open_the_key(groups, threshold, mine):
    opened = open_data_key(wrapped(*groups, threshold=threshold), {"age": Fake(*mine)})
    assert opened.reveal() == KEY.reveal()


def test_one_share_is_never_enough_whatever_the_block_says():
    lowered = wrapped((A,), (B,), threshold=2)
    lowered = replace(lowered, shamir_threshold=1)
    with pytest.raises(DataKeyError, match="open 1 of the 2 key groups"):
        open_data_key(lowered, {"age": Fake(A)})


def test_one_broken_identity_does_not_hide_another():
    metadata = wrapped((A, B))
    assert open_data_key(metadata, {"age": Fake(B, broken=(A,))}).reveal() == KEY.reveal()


def test_the_error_shows_each_key_and_why_not():
    with pytest.raises(DataKeyError) as caught:
        open_data_key(wrapped((A,), (B,), (C,), threshold=2), {"age": Fake(A, broken=(B,))})
    assert caught.value.message == "your identities open 1 of the 2 key groups that this file needs"
    assert caught.value.details == (
        "group 1  opened",
        "group 2",
        "  age1b  the key file is locked",
        "group 3",
        "  age1c  not among your identities",
        "looked in: a place",
    )
    assert caught.value.tried == Tried(
        3,
        frozenset({1}),
        (
            Attempt(2, "age", B.id, "age1b", "the key file is locked"),
            Attempt(3, "age", C.id, "age1c", "not among your identities"),
        ),
        ("a place",),
        needed=2,
    )


@pytest.mark.parametrize(
    ("recipients", "hint"),
    [
        ((A,), "set SOPS_AGE_KEY_FILE to your key file, or ask"),
        ((Recipient("age", "ssh-ed25519 AAAA"), A), "set SOPS_AGE_KEY_FILE to your key file, or ask"),
        (
            (Recipient("age", "ssh-ed25519 AAAA"),),
            "set SOPS_AGE_SSH_PRIVATE_KEY_FILE to your SSH key, or ask",
        ),
        ((Recipient("pgp", "AB" * 20),), "import your private key with `gpg --import`, or ask"),
        ((Recipient("kms", "arn:aws:kms:x"),), "ask an owner"),
    ],
)
def test_the_hint_names_the_kind_of_key_that_the_file_needs(recipients, hint):
    with pytest.raises(DataKeyError) as caught:
        open_data_key(wrapped(recipients), dict.fromkeys(("age", "pgp", "kms"), Fake()))
    assert caught.value.hint.startswith(hint)


class Service(Fake):
    """A provider of keys that a service holds; it counts what it is asked."""

    def __init__(self, kind, *mine, hint=""):
        super().__init__(*mine)
        self.kind, self.hint, self.asked = kind, hint, []

    def at_hand(self, recipient):
        return False

    def unwrap(self, key):
        self.asked.append(key.recipient)
        if key.recipient in self.mine:
            return bytes.fromhex(key.enc)
        raise IdentityError(
            f"no credentials for {self.kind} were found, and none can be asked for", hint=self.hint
        )


KMS, AZURE, HUAWEI = (
    kms("arn:aws:kms:eu-west-1:111122223333:key/a"),
    azure_kv("https://v", "n", "1"),
    hckms("r:k"),
)


def mixed(*groups, threshold=0):
    kinds = ("age", "kms", "azure_kv", "hckms")
    return Metadata(
        wrap_data_key(KEY, groups, threshold, dict.fromkeys(kinds, Fake())),
        DEFAULT_SELECTOR,
        "",
        None,
        False,
        threshold,
    )


@pytest.mark.parametrize("groups", [((KMS, AZURE, A),), ((KMS, B), (A, KMS), (AZURE, C), (C,))])
def test_no_service_is_asked_where_identities_at_hand_are_enough(groups):
    providers = {"age": Fake(A, C), "kms": Service("kms", KMS), "azure_kv": Service("azure_kv", AZURE)}
    threshold = 3 if len(groups) > 1 else 0
    assert open_data_key(mixed(*groups, threshold=threshold), providers).reveal() == KEY.reveal()
    assert providers["kms"].asked == providers["azure_kv"].asked == []


def test_only_as_many_services_are_asked_as_shares_are_missing():
    providers = {"age": Fake(A), "kms": Service("kms", KMS), "azure_kv": Service("azure_kv", AZURE)}
    metadata = mixed((KMS,), (AZURE,), (A,), threshold=2)
    assert open_data_key(metadata, providers).reveal() == KEY.reveal()
    assert (providers["kms"].asked, providers["azure_kv"].asked) == ([KMS], [])


def test_the_order_of_kinds_is_the_users():
    providers = {"age": Fake(A), "kms": Service("kms"), "azure_kv": Service("azure_kv", AZURE)}
    metadata = mixed((A, KMS, AZURE))
    assert open_data_key(metadata, providers, ("kms", "azure_kv")).reveal() == KEY.reveal()
    assert (providers["kms"].asked, providers["azure_kv"].asked) == ([KMS], [AZURE])


def test_a_service_that_fails_is_shown_with_what_to_do():
    providers = {"age": Fake(), "kms": Service("kms", hint="run `aws sso login`")}
    with pytest.raises(DataKeyError) as caught:
        open_data_key(mixed((A, KMS)), providers)
    assert caught.value.details[:6] == (
        "group 1",
        "  age1a  not among your identities",
        "  kms 111122223333:key/a (eu-west-1)",
        "    no credentials for kms were found, and none can be asked for",
        "    hint: run `aws sso login`",
        "looked in: a place",
    )
    assert caught.value.hint.startswith("follow a hint above, or ask")


def test_a_services_key_is_kept_where_the_data_key_stays():
    metadata = mixed((KMS, HUAWEI, AZURE, A))
    rule = ((kms(KMS.id, aws_profile=""), HUAWEI, azure_kv("https://v", "n"), B),)
    kept = kept_keys(metadata, rule)
    providers = {"age": Fake()}
    check_recipients(rule, providers, kept)
    (group,) = wrap_data_key(KEY, rule, 0, providers, kept)
    assert group.keys[:3] == metadata.key_groups[0].keys[:3]
    assert group.keys[3].recipient == B


def test_another_role_is_wrapped_anew_and_shares_always_are():
    metadata = mixed((KMS, A))
    assert kept_keys(metadata, ((kms(KMS.id, role="arn:aws:iam::1:role/r"), A),)) == ()
    assert kept_keys(metadata, ((KMS,), (A,))) == ()
    with pytest.raises(RecipientError):
        check_recipients(((HUAWEI,),), {"age": Fake()}, kept_keys(metadata, ((HUAWEI,),)))


def test_what_is_not_a_public_key_is_not_kept_in_the_error():
    private = Recipient("age", "AGE-SECRET-KEY-1XYZ")
    group = KeyGroup((WrappedKey(private, "enc"),))
    with pytest.raises(DataKeyError) as caught:
        open_data_key(Metadata((group,), DEFAULT_SELECTOR, "", None), {"age": Fake()})
    assert [(one.recipient, one.shown) for one in caught.value.tried.attempts] == [("", "(not a public key)")]


def test_what_was_opened_must_be_a_data_key():
    metadata = Metadata(wrap_data_key(KEY, ((A,), (B,)), 2, {"age": Fake()})[:1], DEFAULT_SELECTOR, "", None)
    with pytest.raises(IntegrityError, match="33 bytes"):
        open_data_key(metadata, {"age": Fake(A)})


@pytest.mark.parametrize(
    "groups", [(), ((),), ((A,), ()), ((Recipient("age", "bad"),),), ((Recipient("x", "y"),),)]
)
def test_groups_that_nobody_can_be_encrypted_for_are_refused(groups):
    with pytest.raises(RecipientError):
        check_recipients(groups, {"age": Fake()})


@pytest.mark.parametrize("threshold", [1, 3])
def test_an_impossible_threshold_is_refused(threshold):
    with pytest.raises(UsageError):
        wrapped((A,), (B,), threshold=threshold)


class Asked(Fake):
    """A service that denies everything."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def unwrap(self, key):
        self.asked.append(key)
        raise IdentityError("denied")


@pytest.mark.parametrize("order", [("age", "kms"), ("kms", "age")])
@pytest.mark.parametrize("mine", [(), (A,)])
@pytest.mark.parametrize("groups", [1, 3])
def test_a_file_cannot_have_any_number_of_services_asked(order, mine, groups):
    keys = [kms(f"arn:aws:kms:eu-central-1:123456789012:key/{number}") for number in range(500)]
    metadata = wrapped(*[(A, *keys)] * groups, threshold=groups)
    service = Asked()
    providers = {"age": Fake(*mine), "kms": service}
    if mine:
        assert open_data_key(metadata, providers, order).reveal() == KEY.reveal()
    else:
        with pytest.raises(DataKeyError) as caught:
            open_data_key(metadata, providers, order)
        assert sum("too many keys" in each.reason for each in caught.value.tried.attempts) == groups
        assert len(caught.value.tried.attempts) < 80
    assert len(service.asked) <= 64


class Locked(Fake):
    """Some of its identities stay locked."""

    def __init__(self, *mine, locked=(), broken=()):
        super().__init__(*mine, broken=broken)
        self.locked = locked

    def unwrap(self, key):
        if key.recipient in self.locked:
            raise LockedError("nobody gave the passphrase")
        return super().unwrap(key)


@pytest.mark.parametrize(
    ("groups", "threshold", "provider", "shown"),
    [
        (((A, B),), 0, Locked(locked=[B]), {"age1b"}),
        (((A, B),), 0, Locked(locked=[A, B]), {"age1a", "age1b"}),
        (((A, B),), 0, Locked(broken=[A]), set()),
        (((A,), (B,), (C,)), 2, Locked(A, locked=[C]), {"age1c"}),
        (((A,), (B,), (C,)), 3, Locked(A, locked=[C]), set()),
        (((A,), (B,), (C,)), 2, Locked(locked=[C]), set()),
        (((A, B), (C,)), 2, Locked(locked=[A]), set()),
        (((A, B), (C,)), 0, Locked(C, locked=[A]), {"age1a"}),
    ],
)
def test_an_error_tells_which_locked_identities_might_be_enough(groups, threshold, provider, shown):
    with pytest.raises(DataKeyError) as caught:
        open_data_key(mixed(*groups, threshold=threshold), {"age": provider})
    assert {each.recipient for each in caught.value.tried.locked} == shown
