"""Two versions of one file: which values differ, for whom they are encrypted, and what can't be told."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.ops.compare.compare import compare
from fluxsecrets.ops.compare.masking import Masker
from fluxsecrets.ops.compare.model import FileState, Mac, ValueState, Version
from fluxsecrets.ops.compare.names import Names
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import show_path
from fluxsecrets.sops.values import canonical_bytes

BOB = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: apps
stringData:
  user: throwaway-user
  password: throwaway-one
data:
  cert: dGhyb3dhd2F5LWNlcnQ=
"""
SELECTOR = {"encrypted_regex": "^(data|stringData)$"}
SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {{name: db, namespace: apps}}
spec:
  encryptedData:
    password: {password}
    user: AgBsame
"""
EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: db, namespace: apps}}
spec:
  secretStoreRef: {{kind: SecretStore, name: vault}}
  data:
    - secretKey: password
      remoteRef: {{key: {key}, property: password}}
"""


@pytest.fixture
def holder(identity, tmp_path):
    return Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)


@pytest.fixture
def stranger(environment, tmp_path):
    return Session({}, tmp_path)


@pytest.fixture
def encrypted(identity):
    def encrypt(text=SECRET, *others):
        return Version(
            "db.yaml",
            fluxsecrets.encrypt(text, age=[identity.recipient, *others], **SELECTOR),
            "yaml",
        )

    return encrypt


def edited(holder, version, old, new):
    """The file with one text replaced, as `edit` would write it: other values keep their ciphertext."""
    path = holder.cwd / version.path
    path.write_bytes(version.data)
    from fluxsecrets.ops.files.content import open_file
    from fluxsecrets.ops.files.encryption import encrypt_content
    from fluxsecrets.ops.policy.policy import Policy
    from fluxsecrets.sops.formats import make_format

    opened = open_file(make_format("yaml"), version.data, holder.providers, holder.limits)
    metadata = opened.metadata
    plain = opened.text().decode()
    assert old in plain
    policy = Policy(metadata.recipients, 0, metadata.selector)
    data = encrypt_content(
        make_format("yaml"),
        plain.replace(old, new).encode(),
        policy,
        holder.providers,
        now=holder.now(),
        limits=holder.limits,
        previous=opened,
    ).data
    return Version(version.path, data, "yaml")


def values(found):
    return {show_path(each.path): each.state for each in found.values}


def test_a_changed_value_is_found_and_the_others_are_not_reported(holder, encrypted):
    before = encrypted()
    after = edited(holder, before, "throwaway-one", "throwaway-and-longer-than-that")
    found = compare(holder, before, after)
    assert values(found) == {"stringData.password": ValueState.CHANGED}
    assert found.state is FileState.CHANGED
    assert found.new_data_key is False
    assert (found.before.mac, found.after.mac) == (Mac.OK, Mac.OK)
    (value,) = found.values
    assert (value.object, value.line) == ("Secret/apps/db", 8)
    assert (str(value.before.shape.length), str(value.after.shape.length)) == ("9-16", "17-32")
    assert value.before.token != value.after.token
    assert "throwaway" not in repr(found)


def test_a_file_that_was_encrypted_anew_has_the_same_values(holder, encrypted):
    found = compare(holder, encrypted(), encrypted())
    assert set(values(found).values()) == {ValueState.REENCRYPTED}
    assert found.new_data_key is True


def test_without_a_key_a_new_ciphertext_may_be_the_same_value(holder, stranger, encrypted):
    before = encrypted()
    after = edited(holder, before, "throwaway-one", "throwaway-two")
    found = compare(stranger, before, after)
    assert values(found) == {"stringData.password": ValueState.UNKNOWN}
    assert found.new_data_key is False  # the wrapped keys are the same
    assert (found.before.mac, found.after.mac) == (Mac.UNKNOWN, Mac.UNKNOWN)
    assert found.values[0].after.token == ""
    assert str(found.values[0].after.shape.length) == "9-16"


def test_what_base64_decodes_to_has_the_length_and_the_token(holder, encrypted):
    masker = Masker()
    found = compare(holder, None, encrypted(), masker=masker)
    by_path = {show_path(each.path): each.after for each in found.values}
    other = SECRET.replace("throwaway-one", "throwaway-cert").replace("user: throwaway-user\n", "")
    again = compare(holder, None, encrypted(other), masker=masker)
    assert by_path["data.cert"].shape.length == (9, 16)
    assert by_path["data.cert"] == next(each.after for each in again.values if each.path[-1] == "password")


def test_tokens_of_two_runs_differ(holder, encrypted):
    version = encrypted()
    tokens = [[each.after.token for each in compare(holder, None, version).values] for _ in range(2)]
    assert len({*tokens[0], *tokens[1]}) == 6


def test_the_token_of_plain_text_does_not_give_an_encrypted_value_away(holder, encrypted):
    plain = Version("guess.yaml", SECRET.encode(), "yaml")
    masker = Masker()
    guessed, real = (compare(holder, None, each, masker=masker).values for each in (plain, encrypted()))
    assert {each.after.token for each in guessed}.isdisjoint({each.after.token for each in real})


def test_of_a_new_file_only_what_is_secret_is_listed(holder, encrypted):
    found = compare(holder, None, encrypted())
    assert list(values(found)) == ["stringData.user", "stringData.password", "data.cert"]
    assert found.state is FileState.ADDED


def test_a_file_that_was_decrypted_is_reported_even_as_another_kind(holder, encrypted):
    plain = SECRET.replace("kind: Secret", "kind: ConfigMap").encode()
    found = compare(holder, encrypted(), Version("db.yaml", plain, "yaml"))
    assert found.state is FileState.DECRYPTED
    password = next(each for each in found.values if each.path[-1] == "password")
    assert (password.encrypted_before, password.encrypted_after) == (True, False)
    assert password.state is ValueState.REENCRYPTED


def test_recipients_that_came_have_a_name_that_nobody_can_claim(holder, encrypted, identity):
    names = Names({identity.recipient: "alice"}, {BOB: "alice"})
    found = compare(holder, encrypted(), encrypted(SECRET, BOB), names=names)
    assert found.recipients_added == ("alice (age1lggyhqrw…vfafg)".replace("vfafg", BOB[-6:]),)
    assert found.recipients_removed == ()
    assert compare(holder, encrypted(SECRET, BOB), encrypted(), names=names).recipients_removed


@pytest.mark.parametrize("with_keys", [True, False])
def test_plain_text_among_ciphertexts_is_a_wrong_mac(holder, encrypted, with_keys):
    before = encrypted()
    data = re.sub(rb"user: ENC\[[^\]]*\]", b"user: throwaway-plain", before.data)
    found = compare(holder, before, Version("db.yaml", data, "yaml"), with_keys=with_keys)
    assert found.after.mac is Mac.WRONG
    assert found.after.error is not None
    assert "throwaway" not in repr(found)
    assert values(found)["stringData.user"] in (ValueState.UNKNOWN, ValueState.CHANGED)


def test_a_value_that_was_removed_by_hand_makes_the_mac_wrong(holder, encrypted):
    before = encrypted()
    data = re.sub(rb"  user: ENC\[[^\]]*\]\n", b"", before.data)
    found = compare(holder, before, Version("db.yaml", data, "yaml"))
    assert found.after.mac is Mac.WRONG
    assert values(found) == {"stringData.user": ValueState.REMOVED}


def test_an_unreadable_version_is_never_the_same(holder, encrypted):
    found = compare(holder, encrypted(), Version("db.yaml", b"a: [", "yaml"))
    assert found.state is FileState.UNREADABLE
    assert found.differs
    assert found.after.error is not None


def test_documents_are_paired_by_their_object(holder, identity):
    two = SECRET.replace("name: db", "name: web").replace("throwaway-one", "throwaway-web")
    one = fluxsecrets.encrypt(f"{SECRET}---\n{two}", age=[identity.recipient], **SELECTOR)
    swapped = fluxsecrets.encrypt(f"{two}---\n{SECRET}", age=[identity.recipient], **SELECTOR)
    found = compare(holder, Version("a.yaml", one, "yaml"), Version("a.yaml", swapped, "yaml"))
    assert {each.state for each in found.values} == {ValueState.REENCRYPTED}
    assert found.values[0].object == "Secret/apps/web"


def test_sealed_values_are_compared_by_key(stranger):
    before, after = (
        Version("s.yaml", SEALED.format(password=text).encode(), "yaml") for text in ("AgAone", "AgAtwo")
    )
    found = compare(stranger, before, after)
    assert values(found) == {"spec.encryptedData.password": ValueState.UNKNOWN}
    assert found.values[0].encrypted_after


def test_references_of_external_secrets_are_compared(stranger):
    before, after = (
        Version("e.yaml", EXTERNAL.format(key=key).encode(), "yaml") for key in ("apps/db", "apps/admin")
    )
    (found,) = compare(stranger, before, after).references
    assert (found.key, found.before, found.after) == (
        "password",
        "SecretStore/vault apps/db#password",
        "SecretStore/vault apps/admin#password",
    )


def test_nothing_differs_between_equal_versions(stranger, encrypted):
    version = encrypted()
    found = compare(stranger, version, version)
    assert found.state is FileState.SAME
    assert not found.differs


def test_values_are_in_the_result_only_if_they_were_asked_for(holder, encrypted):
    before = encrypted()
    after = edited(holder, before, "throwaway-one", "throwaway-two")
    (shown,) = compare(holder, before, after, show_values=True).values
    assert (shown.plain_before, shown.plain_after) == ("throwaway-one", "throwaway-two")
    (hidden,) = compare(holder, before, after).values
    assert (hidden.plain_before, hidden.plain_after) == (None, None)


KEYS = st.sampled_from(["a", "b", "c.d", "e"])
VALUES = st.one_of(
    st.sampled_from(["", "x", "yes", "1"]), st.integers(0, 2), st.booleans(), st.none(), st.floats(0, 1)
)
TREES = st.dictionaries(
    KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES, max_size=3)), min_size=1, max_size=4
)


def flat(data, path=()):
    if not isinstance(data, dict):
        return {path: (type(data).__name__, data)}
    return {key: value for name, inner in data.items() for key, value in flat(inner, (*path, name)).items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, TREES)
def test_what_differs_is_what_differs_in_the_plain_data(holder, identity, one, two):
    first, second = (
        Version(
            "a.json", fluxsecrets.encrypt(json.dumps(each), age=[identity.recipient], format="json"), "json"
        )
        for each in (one, two)
    )
    before, after = flat(one), flat(two)
    expected = {
        **dict.fromkeys(after.keys() - before.keys(), ValueState.ADDED),
        **dict.fromkeys(before.keys() - after.keys(), ValueState.REMOVED),
        **{path: ValueState.CHANGED for path in before.keys() & after.keys() if before[path] != after[path]},
    }
    found = compare(holder, first, second)
    states = {each.path: each.state for each in found.values if each.state is not ValueState.REENCRYPTED}
    assert states == expected
    for each in found.values:
        if (
            each.before is not None
            and each.after is not None
            and each.encrypted_before
            and each.encrypted_after
        ):
            equal = canonical_bytes(before[each.path][1]) == canonical_bytes(after[each.path][1])
            assert (each.before.token == each.after.token) is equal
    without = compare(holder, first, second, with_keys=False)
    certain = {each.path: each.state for each in without.values if each.state is not ValueState.UNKNOWN}
    assert all(expected.get(path) == state for path, state in certain.items())
    assert expected.keys() <= {each.path for each in without.values}


LISTS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  tokens: [{items}]\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("one, two, three", "zero, one, two, three", {"data.tokens[0]": "added"}),
        ("one, two, three", "one, three", {"data.tokens[1]": "removed"}),
        ("one, two, three", "one, other, three", {"data.tokens[1]": "changed"}),
        ("one, two", "two, one", {"data.tokens[0]": "added", "data.tokens[1]": "removed"}),
        ("one, one", "one", {"data.tokens[1]": "removed"}),
    ],
)
def test_items_of_a_list_are_found_again(holder, encrypted, before, after, expected):
    one, two = encrypted(LISTS.format(items=before)), encrypted(LISTS.format(items=after))
    shown = [(show_path(each.path), str(each.state)) for each in compare(holder, one, two).values]
    changed = [each for each in shown if each[1] != "re-encrypted"]
    assert len(changed) == len(expected)
    assert dict(changed) == expected


def test_items_of_a_list_are_found_again_by_their_ciphertexts(stranger, encrypted):
    one = encrypted(LISTS.format(items="one, two, three"))
    data = re.sub(rb"['\"]?ENC\[[^\]]*type:str\]['\"]?, ", b"", one.data, count=1)
    found = compare(stranger, one, Version("a.yaml", data, "yaml"))
    assert values(found) == {"data.tokens[0]": ValueState.REMOVED}
