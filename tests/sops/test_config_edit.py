"""`sops.config_edit`: recipients of a `.sops.yaml` change, and nothing else in its text does."""

from contextlib import suppress

import pytest
from tests.conftest import EXAMPLE

from fluxsecrets.errors import ConfigError, FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.sops.config import parse_config
from fluxsecrets.sops.config_edit import add_beside, add_recipient, remove_recipient, replace_recipient
from fluxsecrets.sops.recipients import KINDS, Recipient, kms, kms_from_arn
from tables import each_row

ALICE, BOB, NEW = (Recipient("age", f"age1throwaway{name}") for name in ("alice", "bob", "new"))
A, B, N = ALICE.id, BOB.id, NEW.id
PGP = Recipient("pgp", "A" * 40)

LAYOUTS = {
    "one text": f"creation_rules:\n  - age: {A},{B}\n",
    "one text with blanks": f"creation_rules:\n  - age: {A}, {B} # who\n    pgp: {PGP.id}\n",
    "folded": f"creation_rules:\n  - path_regex: x\n    age: >-\n      {A},\n      {B}\n\n  - age: {B},{A}\n",
    "literal, comma at the end": f"creation_rules:\n  - age: |\n      {A},\n      {B},\n",
    "quoted": f"creation_rules:\n  - age: \"{A},{B}\"\n  - age: '{B}, {A}'\n",
    "list": f"creation_rules:\n  - age:\n      - {A} # first\n      - {B}   # second\n    # end\n",
    "list at the key": f"creation_rules:\n- age:\n  - {A}\n  - {B}\n",
    "flow": f"creation_rules: [{{age: [{A}, {B}]}}]\n",
    "flow, a line each": f"creation_rules:\n  - age: [\n      {A}, # a\n      {B} # b\n    ]\n",
    "flow, a line each, comma": f"creation_rules:\n  - age: [\n      {A},\n      {B}, # b\n    ]\n",
    "names": f"keys:\n  # people\n  - &alice {A} # a\n  - &bob {B}\ncreation_rules:\n  - age:\n"
    "      - *alice\n      - *bob\n  - key_groups:\n      - age:\n          - *alice\n          - *bob\n",
    "names, flow": f"keys: [&alice {A}, &bob {B}]\ncreation_rules:\n  - age: [*alice, *bob]\n",
    "names, map": f"keys:\n  alice: &alice {A}\n  bob: &bob {B}\ncreation_rules:\n  - age: [*alice, *bob]\n",
    "names in the rules": f"creation_rules:\n  - age:\n      - &alice {A}\n      - &bob {B}\n"
    "  - age:\n      - *alice\n      - *bob\n",
    "shared list": f"team: &team\n  - {A}\n  - {B}\ncreation_rules:\n  - path_regex: x\n    age: *team\n"
    "  - age: *team\n",
    "shared list of names": f"keys:\n  - &alice {A}\n  - &bob {B}\nteams:\n"
    "  - &team\n    - *alice\n    - *bob\n"
    "creation_rules:\n  - path_regex: x\n    age: *team\n  - key_groups: [{age: *team}]\n",
    "merged rule": f"defaults: &defaults\n  age: {A},{B}\ncreation_rules:\n  - <<: *defaults\n"
    "    path_regex: x\n  - <<: *defaults\n",
    "merged group": f"creation_rules:\n  - key_groups:\n      - merge:\n          - age: [{A}]\n"
    f"          - age:\n              - {B}\n            pgp:\n              - {PGP.id}\n",
    "CRLF": f"creation_rules:\r\n  - age:\r\n      - {A} # first\r\n      - {B}\r\n",
    "no line break at the end": f"creation_rules:\n  - age:\n      - {A}\n      - {B}",
    "byte order mark": f"\ufeffcreation_rules:\n  - age: {A},{B}\n",
}


def groups(data):
    return [
        [[recipient.id for recipient in group] for group in rule.key_groups]
        for rule in parse_config(data, path=".sops.yaml").rules
    ]


def lines_changed(before: bytes, after: bytes) -> tuple[set[bytes], set[bytes]]:
    old, new = before.splitlines(), after.splitlines()
    return set(old) - set(new), set(new) - set(old)


@each_row("layout", LAYOUTS)
def test_whoever_comes_stands_behind_the_other_and_goes_again_without_a_trace(layout):
    before = LAYOUTS[layout].encode()
    added = add_beside(before, BOB, NEW, path=".sops.yaml", name="new")
    expected = [
        [[each for name in group for each in ((name, N) if name == B else (name,))] for group in rule]
        for rule in groups(before)
    ]
    assert groups(added.data) == expected
    assert len(added.rules) == len(expected)
    after = remove_recipient(added.data, NEW, path=".sops.yaml").data
    if layout == "flow, a line each":
        assert after.replace(b",", b"") == before.replace(b",", b"")  # one comma more, which is allowed
    else:
        assert after.rstrip(b"\n") == before.rstrip(b"\n")


@each_row("layout", LAYOUTS)
def test_whoever_goes_is_nowhere_any_more(layout):
    before = LAYOUTS[layout].encode()
    after = remove_recipient(before, BOB, path=".sops.yaml").data
    assert b"bob" not in after
    assert groups(after) == [[[e for e in group if e != B] for group in rule] for rule in groups(before)]
    gone = remove_recipient(before, ALICE, path=".sops.yaml").data
    assert b"alice" not in gone
    assert b"first" not in gone


@each_row("layout", LAYOUTS)
def test_one_takes_the_place_of_another(layout):
    before = LAYOUTS[layout].encode()
    after = replace_recipient(before, BOB, NEW, path=".sops.yaml").data
    assert after == before.replace(B.encode(), N.encode())


@each_row("layout", LAYOUTS)
def test_somebody_comes_into_every_rule(layout):
    before = LAYOUTS[layout].encode()
    count = len(groups(before))
    for behind in ((), (ALICE,)):
        after = add_recipient(before, NEW, range(count), path=".sops.yaml", name="new", behind=behind).data
        assert [[sorted(group) for group in rule] for rule in groups(after)] == [
            [sorted([*group, N]) if number == 0 else sorted(group) for number, group in enumerate(rule)]
            for rule in groups(before)
        ]
        # Whatever stood there stands there still
        removed, _ = lines_changed(before, after)
        assert all(A.encode() in line or B.encode() in line or b"*" in line for line in removed)


def test_the_example_keeps_all_but_one_line_a_place():
    before = (EXAMPLE / ".sops.yaml").read_bytes()
    config = parse_config(before, path=".sops.yaml")
    names = {name: id_ for rule in config.rules for id_, name in rule.names.items()}
    old = Recipient("age", names["cluster-staging"])
    added = add_beside(before, old, NEW, path=".sops.yaml", name="cluster-staging-new")
    removed, new = lines_changed(before, added.data)
    assert removed == set()
    assert new == {f"  - &cluster-staging-new {N}".encode(), b"          - *cluster-staging-new"}
    assert [rule.index for rule in added.rules] == [1, 3, 4]
    ended = remove_recipient(added.data, NEW, path=".sops.yaml").data
    ended = replace_recipient(ended, old, NEW, path=".sops.yaml").data
    assert ended == before.replace(old.id.encode(), N.encode())
    bob = Recipient("age", names["bob"])
    gone = remove_recipient(before, bob, path=".sops.yaml").data
    removed, new = lines_changed(before, gone)
    assert new == set()
    assert {line.split()[1] for line in removed} == {b"&bob", b"*bob"}


def test_a_shared_list_is_said_to_be_shared():
    before = LAYOUTS["shared list"].encode()
    edited = add_recipient(before, NEW, [1], path=".sops.yaml")
    assert [rule.index for rule in edited.rules] == [0, 1]
    (shared,) = edited.shared
    assert (shared.name, shared.line, shared.rules) == ("team", 1, (5, 7))


def test_one_rule_alone_where_lists_are_not_shared():
    before = LAYOUTS["names in the rules"].encode()
    # The definition goes from the first rule, and what is left of its uses becomes it
    after = remove_recipient(before, BOB, path=".sops.yaml", rules=[0]).data
    assert groups(after) == [[[A]], [[A, B]]]
    assert f"- &bob {B}".encode() in after
    after = remove_recipient(before, BOB, path=".sops.yaml", rules=[1]).data
    assert groups(after) == [[[A, B]], [[A]]]
    text = f"creation_rules:\n  - path_regex: x\n    age: &alice {A}\n  - age: *alice\n    pgp: {PGP.id}\n"
    alone = text.encode()
    after = remove_recipient(alone, ALICE, path=".sops.yaml", rules=[1]).data
    assert groups(after) == [[[A]], [[PGP.id]]]
    after = add_recipient(alone, NEW, [1], path=".sops.yaml").data
    assert groups(after) == [[[A]], [[A, N, PGP.id]]]


def test_a_fingerprint_of_digits_stays_a_text():
    new = Recipient("pgp", "1" * 40)
    before = f"creation_rules:\n  - pgp:\n      - {PGP.id}\n".encode()
    data = add_beside(before, PGP, new, path=".sops.yaml", name="new").data
    assert [each.id for each in parse_config(data, path=".sops.yaml").rules[0].recipients] == [PGP.id, new.id]


def test_nobody_left_is_refused():
    for text, line in (
        (f"creation_rules:\n  - age: {A}\n", 2),
        (f"creation_rules:\n  - age: {A},{B}\n  - path_regex: x\n    age: [{A}]\n", 3),
        (f"creation_rules:\n  - key_groups:\n      - age: [{A}]\n      - age: [{B}]\n", 2),
    ):
        with pytest.raises(UnprotectedError) as caught:
            remove_recipient(text.encode(), ALICE, path=".sops.yaml")
        assert (caught.value.path, caught.value.line) == (".sops.yaml", line)


def test_other_kinds_of_recipients():
    arn = "arn:aws:kms:eu-west-1:111122223333:key/throwaway"
    plain, role = kms(arn), "arn:aws:iam::111122223333:role/throwaway"
    with_role = kms_from_arn(f"{arn}+{role}")
    text = (
        f"creation_rules:\n  - age: {A}\n    kms: {arn}\n  - key_groups:\n      - age:\n          - {A}\n"
        f"        kms:\n          - arn: {arn}\n            role: {role}\n"
        f"          # another\n          - arn: {arn}2\n"
    ).encode()
    after = remove_recipient(text, plain, path=".sops.yaml").data
    assert groups(after) == [[[A]], [[A, arn, f"{arn}2"]]], "the same key through a role is another recipient"
    after = remove_recipient(text, with_role, path=".sops.yaml").data
    assert groups(after) == [[[A, arn]], [[A, f"{arn}2"]]]
    assert b"# another" in after
    assert groups(remove_recipient(text, ALICE, path=".sops.yaml").data) == [[[arn]], [[arn, f"{arn}2"]]]
    fingerprint = f"creation_rules:\n  - pgp: {'a' * 40}, {'b' * 40}\n    age: {A}\n".encode()
    assert groups(remove_recipient(fingerprint, PGP, path=".sops.yaml").data) == [[[A, "b" * 40]]]
    after = add_recipient(text, PGP, [0, 1], path=".sops.yaml").data
    assert groups(after) == [[[A, PGP.id, arn]], [[A, PGP.id, arn, f"{arn}2"]]]
    more = kms(f"{arn}3", role=role, context={"team": "O'Neil: a", "x": "1"}, aws_profile="ci")
    after = add_recipient(text, more, [1], path=".sops.yaml").data
    assert parse_config(after, path=".sops.yaml").rules[1].recipients[-1] == more
    with pytest.raises(ConfigError, match="encryption context in key_groups only"):
        add_recipient(text, more, [0], path=".sops.yaml")
    after = add_recipient(text, with_role, [0], path=".sops.yaml").data
    assert parse_config(after, path=".sops.yaml").rules[0].recipients[1:] == (kms(arn), with_role)


KEYS = {
    "age": N,
    "pgp": PGP.id,
    "kms": "arn:aws:kms:eu-west-1:111122223333:key/throwaway",
    "gcp_kms": "projects/p/locations/l/keyRings/r/cryptoKeys/throwaway",
    "hckms": "eu-west-1:throwaway",
    "azure_kv": "https://throwaway.vault.azure.net/keys/k/1",
    "hc_vault": "https://throwaway.example/v1/transit/keys/k",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_gets_a_list_for_another_kind(kind):
    recipient = KINDS[kind].parse(KEYS[kind])
    other = f"pgp: {'B' * 40}" if kind == "age" else f"age: {A}"
    after = add_recipient(f"creation_rules:\n  - {other}\n".encode(), recipient, [0], path=".sops.yaml").data
    assert f"\n    {KINDS[kind].rule_field}: ".encode() in after
    assert KEYS[kind] in groups(after)[0][0]
    grouped = f"creation_rules:\n  - key_groups:\n      - {other.replace(': ', ': [')}]\n".encode()
    after = add_recipient(grouped, recipient, [0], path=".sops.yaml").data
    assert f"\n        {KINDS[kind].group_field}: [".encode() in after
    assert KEYS[kind] in groups(after)[0][0]


def test_a_group_is_chosen_by_its_number():
    text = f"creation_rules:\n  - key_groups:\n      - age: [{A}]\n      - age: [{B}]\n".encode()
    assert groups(add_recipient(text, NEW, [0], path=".sops.yaml", group=1).data) == [[[A], [B, N]]]
    with pytest.raises(UsageError, match="2 key groups"):
        add_recipient(text, NEW, [0], path=".sops.yaml", group=2)


def test_comments_of_ssh_keys_do_not_matter():
    text = b"creation_rules:\n  - age: ['ssh-ed25519 AAAAthrowaway alice@host', age1throwawaybob]\n"
    after = remove_recipient(text, Recipient("age", "ssh-ed25519 AAAAthrowaway"), path=".sops.yaml").data
    assert groups(after) == [[[B]]]


@pytest.mark.parametrize(
    "text",
    [
        f"creation_rules:\n  - age:\n      -\n        {A}\n      - {B}\n",
        f'creation_rules:\n  - age: "{A},age1throwaway\\x62ob"\n',
        f"teams:\n  - - &bob {B}\n    - &alice {A}\ncreation_rules:\n  - age: [*alice, *bob]\n",
    ],
)
def test_what_is_written_in_an_odd_way_is_refused_or_right(text):
    before = text.encode()
    for gone, left in ((ALICE, B), (BOB, A)):
        with suppress(FluxsecretsError):
            assert groups(remove_recipient(before, gone, path=".sops.yaml").data) == [[[left]]]
