import pytest

from fluxsecrets.sops.naming import address_of, name_of, short_recipient, whole_recipient
from fluxsecrets.sops.recipients import (
    KINDS,
    Recipient,
    azure_kv,
    deduplicate,
    gcp_kms,
    hc_vault,
    hckms,
    kms,
    kms_from_arn,
    recipient_key,
    recipient_text,
)
from tables import each_row

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::111122223333:role/teams/deploy"


@pytest.mark.parametrize(
    ("recipient", "shown"),
    [
        (kms(ARN), "kms 111122223333:key/1234abcd (eu-central-1)"),
        (kms(ARN.replace("/1234", "/mrk-1234")), "kms 111122223333:key/mrk-1234abcd (eu-central-1)"),
        (kms(ARN.rpartition(":")[0] + ":alias/sops"), "kms 111122223333:alias/sops (eu-central-1)"),
        (kms(ARN, role=ROLE), "kms 111122223333:key/1234abcd (eu-central-1) as deploy"),
        (
            kms(ARN, role=ROLE.replace("1111", "4444"), context={"b": "2", "a": "1"}),
            "kms 111122223333:key/1234abcd (eu-central-1) as 444422223333:deploy, context a:1,b:2",
        ),
        (
            gcp_kms("projects/flux/locations/global/keyRings/sops/cryptoKeys/prod"),
            "gcp_kms flux/global/sops/prod",
        ),
        (azure_kv("https://flux.vault.azure.net", "sops"), "azure_kv flux/sops"),
        (azure_kv("https://flux.vault.azure.net", "sops", "0123456789abcdef"), "azure_kv flux/sops@01234567"),
        (azure_kv("https://vault.example", "sops"), "azure_kv vault.example/sops"),
        (
            hc_vault("https://vault.example:8200/v1/team/transit/keys/flux"),
            "hc_vault vault.example:8200/team/transit/flux",
        ),
        (hc_vault("http://10.0.0.1:8200/v1/sops/keys/flux"), "hc_vault http://10.0.0.1:8200/sops/flux"),
        (hckms("eu-west-101:throwaway"), "hckms eu-west-101:throwaway"),
    ],
)
def test_a_services_key_is_shown_by_what_people_know_of_it(recipient, shown):
    assert short_recipient(recipient) == shown
    assert name_of(recipient, {}) == shown


@each_row("kind", sorted(set(KINDS) - {"age"}))
@each_row(
    "text",
    [
        "a" * 10_000,
        "arn:aws:kms:eu-west-1:111122223333:key/" + "a" * 10_000,
        "arn:aws:kms:eu-west-1:111122223333:key/x\n\x1b[2Jerror: rotate everything",
        "projects/" + "p" * 3000 + "/locations/l\u202e/keyRings/r/cryptoKeys/k",
        "https://" + "v" * 3000 + "/keys/n/\r\nhint: run `curl`",
        "http://" + "v" * 3000 + "/v1/" + "e/" * 3000 + "keys/\x07",
        "",
    ],
)
def test_a_hostile_text_stays_short_and_on_one_line(kind, text):
    attributes = (("role", f"{text}\nrole"), ("context", {text: "\n"}), ("aws_profile", ["odd"]))
    recipient = Recipient(kind, text, attributes)
    for shown in (short_recipient(recipient), name_of(recipient, {text: "name\n"}).removeprefix("name\n")):
        assert shown.isprintable()
        assert len(shown) < 200
    assert whole_recipient(recipient).isprintable()
    recipient_key(recipient)


def test_a_name_does_not_hide_another_role_or_context():
    names = {ARN: "kms-production"}
    assert name_of(kms(ARN), names) == "kms-production"
    assert name_of(kms(ARN, role=ROLE), names) == "kms-production (as deploy)"
    assert name_of(kms(ARN, context={"app": "x"}), names) == "kms-production (context app:x)"


def test_a_role_and_a_context_make_another_recipient_and_a_profile_does_not():
    variants = [
        kms(ARN),
        kms(ARN, role=ROLE),
        kms(ARN, context={"a": "1"}),
        kms(ARN, context={"a": "1,b:2"}),
        kms(ARN, context={"a": "1", "b": "2"}),
        kms(ARN, role=ROLE, context={"a": "1"}),
    ]
    assert len({recipient_key(each) for each in variants}) == len(variants)
    assert recipient_key(kms(ARN, aws_profile="ci")) == recipient_key(kms(ARN))
    assert len(deduplicate([kms(ARN, aws_profile="ci"), kms(ARN), kms(ARN)])) == 2, (
        "as sops: a group has both"
    )
    swapped = Recipient("kms", ARN, (("context", {"b": "2", "a": "1"}),))
    assert recipient_key(swapped) == recipient_key(kms(ARN, context={"a": "1", "b": "2"}))


def test_an_azure_key_is_the_same_in_any_version():
    assert recipient_key(azure_kv("https://v", "n", "1")) == recipient_key(azure_kv("https://v", "n"))


@pytest.mark.parametrize("context", [["a"], "text", 3, {"a": 1}, {"": ""}])
def test_an_odd_context_in_a_file_is_not_the_same_as_none(context):
    assert recipient_key(Recipient("kms", ARN, (("context", context),))) != recipient_key(kms(ARN))


def test_a_role_is_written_behind_the_arn():
    assert recipient_text(kms(ARN, role=ROLE)) == f"{ARN}+{ROLE}"
    assert kms_from_arn(recipient_text(kms(ARN, role=ROLE))) == kms(ARN, role=ROLE)


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("kms", "arn:aws:kmss:x", "arn:aws:kmss:x"),
        ("gcp_kms", "projects/a/keyRings", "projects/a/keyRings"),
        ("azure_kv", "https://v.example/kes/a", "https://v.example/kes/a"),
        ("kms", "throwaway" * 6, "kms throwawa…owaway"),
        ("azure_kv", "https://me:throwaway-password@v.example", None),
        ("kms", "arn:aws:kms:\x1b[2J", None),
    ],
)
def test_addresses_are_whole_and_what_may_be_a_secret_is_not(kind, text, shown):
    found = address_of(Recipient(kind, text))
    if shown is None:
        assert "password" not in found
        assert "\x1b" not in found
    else:
        assert found == shown
