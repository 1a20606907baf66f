"""A file's own block against the rule: strangers and weaker protection stop what encrypts by it."""

import pytest

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.ops.policy.strangers import Differences, compare_with_rule, difference_lines, judge, refuse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient, kms, read_recipient, recipient_key
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec

ALICE, BOB, MALLORY = (Recipient("age", f"age1{name}") for name in ("qalice", "qbqb", "qmal"))
FLUX = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$")


def metadata(*groups, selector=DEFAULT_SELECTOR, threshold=0, mac_only=False):
    wrapped = tuple(KeyGroup(tuple(WrappedKey(one, "throw-away") for one in group)) for group in groups)
    return Metadata(wrapped, selector, "2026-11-23T10:11:12Z", "mac", mac_only, threshold)


@pytest.fixture
def compare(tmp_path):
    def compare(rule, found, name="a.yaml", text=None):
        (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n{rule}", encoding="utf-8")
        document = None if text is None else make_format("yaml").parse(text.encode(), Limits())
        return compare_with_rule(Session({}, tmp_path), tmp_path / name, found, document)

    return compare


def test_a_file_that_follows_its_rule_has_no_difference(compare):
    found = compare("  - age: age1qalice,age1qbqb\n", metadata([BOB, ALICE]))
    assert not found.weaker
    assert found == Differences(rule_place=".sops.yaml:2")
    refuse(found, {})


def test_strangers_and_missing_recipients(compare):
    found = compare("  - age: age1qalice,age1qbqb\n", metadata([ALICE, MALLORY, MALLORY]))
    assert found.strangers == (MALLORY,)
    assert found.missing == (BOB,)
    with pytest.raises(UnprotectedError, match="somebody that the creation rule does not name") as caught:
        refuse(found, {MALLORY.id: "mallory"})
    assert caught.value.details == ("in the file, not in the rule: mallory", "the rule is in .sops.yaml:2")
    assert "--accept-recipients" in caught.value.hint


def test_who_is_missing_alone_is_no_reason_to_stop(compare):
    found = compare("  - age: age1qalice,age1qbqb\n", metadata([ALICE]))
    assert found.missing == (BOB,)
    refuse(found, {})


def test_without_a_rule_there_is_nothing_to_compare(compare, tmp_path):
    assert compare("  - path_regex: other\n    age: age1qalice\n", metadata([MALLORY])) == Differences()
    (tmp_path / ".sops.yaml").unlink()
    assert compare_with_rule(Session({}, tmp_path), tmp_path / "a.yaml", metadata([MALLORY])) == Differences()


MANIFEST = "apiVersion: v1\nkind: Secret\nstringData:\n  password: x\n"


@pytest.fixture
def judged(tmp_path, environment):
    def judged(found, text=MANIFEST, name="a.yaml"):
        document = make_format("yaml").parse(text.encode(), Limits())
        return judge(Session({}, tmp_path), tmp_path / name, found, document)

    return judged


def test_without_a_rule_only_what_is_outside_of_the_file_names_people(judged, tmp_path):
    found = judged(metadata([ALICE, BOB, MALLORY]))
    assert found.strangers == (ALICE, BOB, MALLORY)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/bob.pub").write_text(f"# his\n{BOB.id}\n", encoding="utf-8")
    rules = f"creation_rules:\n  - path_regex: ^other/\n    age: {ALICE.id}\n"
    (tmp_path / ".sops.yaml").write_text(rules, encoding="utf-8")
    found = judged(metadata([ALICE, BOB, MALLORY]))
    assert found.strangers == (MALLORY,)
    with pytest.raises(UnprotectedError, match="whom nothing but the file itself names") as caught:
        refuse(found, {MALLORY.id: "mallory"})
    assert caught.value.details == (
        "in the file, and not in keys/ or a rule: mallory",
        "no creation rule says who may read it",
    )
    assert "--accept-recipients" in caught.value.hint


ARN = "arn:aws:kms:eu-west-1:111122223333:key/a"
ROLE = "arn:aws:iam::444455556666:role/mallory"


@pytest.mark.parametrize("more", [{"role": ROLE}, {"context": {"app": "x"}}])
def test_a_changed_role_or_context_is_a_stranger_behind_a_known_key(compare, more):
    found = compare(f"  - kms: {ARN}\n", metadata([kms(ARN, **more)]))
    assert found.strangers == (kms(ARN, **more),)
    assert found.missing == (kms(ARN),)
    with pytest.raises(UnprotectedError) as caught:
        refuse(found, {ARN: "kms-production"})
    shown = "as 444455556666:mallory" if "role" in more else "context app:x"
    assert caught.value.details[0] == f"in the file, not in the rule: kms-production ({shown})"


@pytest.mark.parametrize(
    ("ruled", "own"),
    [
        (
            "hc_vault_transit_uri: https://vault.example/v1/transit/keys/k",
            "http://vault.example/v1/transit/keys/k",
        ),
        (
            "hc_vault_transit_uri: https://vault.example/v1/transit/keys/k",
            "https://evil.example/v1/transit/keys/k",
        ),
        ("azure_keyvault: https://a.vault.azure.net/keys/k/1", "https://evil.example/keys/k/1"),
    ],
)
def test_another_endpoint_is_a_stranger(compare, ruled, own):
    stranger = read_recipient(own)
    assert compare(f"  - {ruled}\n", metadata([stranger])).strangers == (stranger,)


def test_credentials_for_a_service_make_none_of_its_keys_known(tmp_path):
    document = make_format("yaml").parse(MANIFEST.encode(), Limits())
    session = Session({"AWS_ACCESS_KEY_ID": "throw-away", "AWS_SECRET_ACCESS_KEY": "throw-away"}, tmp_path)
    assert session.opens_any(((kms(ARN),),))
    found = judge(session, tmp_path / "a.yaml", metadata([kms(ARN)]), document)
    assert found.strangers == (kms(ARN),)


def test_a_rule_that_names_nobody_still_says_what_is_encrypted(judged, tmp_path):
    (tmp_path / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: ^a\n    encrypted_regex: ^password$\n  - age: {ALICE.id}\n",
        encoding="utf-8",
    )
    own = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^password$")
    assert not judged(metadata([ALICE], selector=own)).weaker
    assert judged(metadata([ALICE], selector=FLUX)).selector_weaker


@pytest.mark.parametrize(
    ("text", "own", "weaker"),
    [
        (MANIFEST, DEFAULT_SELECTOR, False),
        (MANIFEST, FLUX, False),
        (MANIFEST, SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "Data$"), False),
        (MANIFEST, SelectorSpec(SelectorKind.ENCRYPTED_SUFFIX, "Data"), False),
        (MANIFEST, SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^password$"), True),
        (MANIFEST, SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$"), True),
        (MANIFEST, SelectorSpec(SelectorKind.UNENCRYPTED_REGEX, "^(kind|apiVersion|metadata)$"), True),
        (MANIFEST, SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "x"), True),
        (MANIFEST, SelectorSpec(SelectorKind.ENCRYPTED_COMMENT_REGEX, "x"), True),
        ("password: x\n", DEFAULT_SELECTOR, False),
        ("password: x\n", FLUX, True),
        ("password: x\n", SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^password$"), True),
    ],
)
def test_without_a_rule_a_selector_has_to_cover_what_may_come(judged, text, own, weaker):
    found = judged(metadata([], selector=own), text)
    assert found.selector_weaker is weaker
    assert found.weaker is weaker


def test_without_a_rule_the_mac_has_to_cover_everything(judged):
    assert judged(metadata([], mac_only=True)).mac_weaker


@pytest.mark.parametrize(
    ("rule", "own", "weaker"),
    [
        ("encrypted_regex: ^(data|stringData)$", FLUX, False),
        ("encrypted_regex: ^(data|stringData)$", DEFAULT_SELECTOR, False),
        ("encrypted_regex: ^(data|stringData)$", SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^x$"), True),
        ("unencrypted_regex: ^public$", DEFAULT_SELECTOR, True),
        ("unencrypted_suffix: _plain", SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "a"), True),
        ("{}", DEFAULT_SELECTOR, False),
        ("{}", FLUX, False),
        ("{}", SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^x$"), True),
        ("{}", SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "d"), True),
    ],
)
def test_another_selector_is_weaker_unless_it_encrypts_no_less(compare, rule, own, weaker):
    line = "" if rule == "{}" else f"    {rule}\n"
    found = compare(f"  - age: age1qalice\n{line}", metadata([ALICE], selector=own))
    assert found.selector_weaker is weaker
    if weaker:
        with pytest.raises(UnprotectedError) as caught:
            refuse(found, {})
        assert any("selector" in line for line in caught.value.details)


def test_what_flux_needs_is_enough_for_a_manifest_only(compare):
    found = metadata([ALICE], selector=FLUX)
    assert compare("  - age: age1qalice\n", found, text="password: x\n").selector_weaker
    assert not compare("  - age: age1qalice\n", found, text="apiVersion: v1\nkind: Secret\n").selector_weaker


def test_a_binary_file_has_no_selector_to_compare(compare):
    rule = "  - age: age1qalice\n    unencrypted_regex: ^public$\n"
    assert not compare(rule, metadata([ALICE]), name="key.bin").selector_weaker


GROUPS = """\
  - shamir_threshold: 2
    key_groups:
      - age: [age1qalice]
      - age: [age1qbqb]
"""


@pytest.mark.parametrize(
    ("found", "lower"),
    [
        (metadata([ALICE], [BOB], threshold=2), False),
        (metadata([BOB], [ALICE], threshold=2), False),
        (metadata([ALICE, BOB]), True),
        (metadata([ALICE, BOB], [ALICE, BOB], threshold=2), True),
        (metadata([ALICE], [BOB], threshold=1), True),
    ],
)
def test_fewer_people_than_the_rule_wants_are_a_lower_threshold(compare, found, lower):
    differences = compare(GROUPS, found)
    assert differences.threshold_lower is lower
    assert bool(difference_lines(differences, {})) is lower


def test_a_mac_that_covers_less_than_the_rule_wants(compare):
    found = compare("  - age: age1qalice\n", metadata([ALICE], mac_only=True))
    with pytest.raises(UnprotectedError) as caught:
        refuse(found, {})
    assert "mac_only_encrypted" in caught.value.details[0]
    assert not compare(
        "  - age: age1qalice\n    mac_only_encrypted: true\n", metadata([ALICE], mac_only=True)
    ).weaker


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Recipient("age", "ssh-ed25519 AAAA me@host"), Recipient("age", "ssh-ed25519 AAAA")),
        (Recipient("pgp", "abcd 1234"), Recipient("pgp", "ABCD1234")),
        (Recipient("azure_kv", "https://v/keys/n/"), Recipient("azure_kv", "https://v/keys/n/1a")),
    ],
)
def test_one_key_spelled_in_two_ways_is_no_stranger(one, other):
    assert recipient_key(one) == recipient_key(other)


@pytest.mark.parametrize(("threshold", "lower"), [(3, False), (2, False), (1, True)])
def test_the_rules_threshold_is_enough_where_there_are_more_groups(compare, threshold, lower):
    rule = f"{GROUPS}      - age: [age1qmal]\n"
    differences = compare(rule, metadata([ALICE], [BOB], [MALLORY], threshold=threshold))
    assert differences.threshold_lower is lower
    assert differences.thresholds == (threshold, 2)
