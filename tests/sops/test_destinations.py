"""`destination_rules`: where `publish` takes a file, and what of a rule is an error."""

import textwrap

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.sops.config import UnknownField, parse_config
from fluxsecrets.sops.destinations import GcsPlace, S3Place, VaultPlace

ALICE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudtu8ypsxkhmqw"


def rules(text):
    data = "destination_rules:\n" + textwrap.indent(textwrap.dedent(text).strip(), "  ")
    return parse_config(data.encode(), path=".sops.yaml").destinations


def error(text):
    with pytest.raises(ConfigError) as caught:
        rules(text)
    return caught.value


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("- s3_bucket: waddle", S3Place("waddle")),
            ("- {s3_bucket: waddle, s3_prefix: a/b-}", S3Place("waddle", "a/b-")),
            (
                "- s3_bucket: arn:aws:s3:eu-central-1:111122223333:accesspoint/waddle",
                S3Place("arn:aws:s3:eu-central-1:111122223333:accesspoint/waddle"),
            ),
            ("- {gcs_bucket: waddle, gcs_prefix: /a/}", GcsPlace("waddle", "/a/")),
            ("- vault_path: apps/", VaultPlace("", "secret", "apps")),
            (
                "- {vault_path: a/b, vault_address: 'https://v.example:8200/', vault_kv_mount_name: kv/,"
                " vault_kv_version: 1}",
                VaultPlace("https://v.example:8200", "kv", "a/b", 1),
            ),
            ("- {vault_path: /, vault_kv_version: 0}", VaultPlace("", "secret", "")),
            ("- path_regex: x", None),
            ("- {s3_bucket: '', gcs_bucket: waddle}", GcsPlace("waddle")),
        ],
    )
    def test_a_destination(self, text, place):
        assert rules(text)[0].place == place

    @pytest.mark.parametrize(
        ("text", "message", "line"),
        [
            (
                "- s3_bucket: a\n  gcs_bucket: b",
                "destination_rules[0] has several destinations: s3_bucket, gcs_bucket",
                3,
            ),
            (
                "- vault_path: a\n  s3_bucket: b",
                "destination_rules[0] has several destinations: s3_bucket, vault_path",
                2,
            ),
            ("- gcs_bucket: a\n  s3_prefix: b", "destination_rules[0] has s3_prefix, but no s3_bucket", 3),
            ("- vault_address: https://v", "destination_rules[0] has vault_address, but no vault_path", 2),
            ("- s3_bucket: a/b", "s3_bucket is not the name of a bucket", 2),
            ("- s3_bucket: s3://a", "s3_bucket is not the name of a bucket", 2),
            ("- gcs_bucket: 'a b'", "gcs_bucket is not the name of a bucket", 2),
            ('- s3_bucket: a\n  s3_prefix: "a\\nb"', "s3_prefix has control characters", 3),
            ("- vault_path: a/../b", "vault_path is not a path", 2),
            ("- vault_path: a//b", "vault_path is not a path", 2),
            ("- vault_path: a?b", "vault_path is not a path", 2),
            ("- vault_path: a\n  vault_kv_mount_name: ../sys", "vault_kv_mount_name is not a path", 3),
            ("- vault_path: a\n  vault_kv_version: 3", "vault_kv_version is 3, expected 1 or 2", 3),
            (
                "- vault_path: a\n  vault_kv_version: two",
                "vault_kv_version is a text, expected a small whole number",
                3,
            ),
            ("- s3_bucket: [a]", "s3_bucket is a list, expected a text", 2),
            (
                "- s3_bucket: a\n  omit_extensions: maybe",
                "omit_extensions is a text, expected true or false",
                3,
            ),
            ("- [a]", "destination_rules[0] is a list, expected a map", 2),
        ],
    )
    def test_what_contradicts_itself_is_an_error(self, text, message, line):
        caught = error(text)
        assert (caught.message, caught.line, caught.path) == (message, line, ".sops.yaml")

    @pytest.mark.parametrize(
        "address",
        [
            "vault.example",
            "file:///etc/passwd",
            "https://",
            "https://token@v.example",
            "https://v.example?a=b",
            "https://v.example#x",
            "https://v.example:port",
            "https://v ex.example",
            "https://v.example\\\\@other.example",
        ],
    )
    def test_what_is_not_an_address_of_a_server(self, address):
        assert error(f'- vault_path: a\n  vault_address: "{address}"').message == (
            "vault_address is not the address of a server"
        )


class TestRecreation:
    def test_it_has_recipients_and_a_selector_of_its_own(self):
        (rule,) = rules(f"- s3_bucket: a\n  recreation_rule: {{age: {ALICE}, encrypted_regex: ^data$}}")
        assert rule.recreation is not None
        assert [each.id for each in rule.recreation.recipients] == [ALICE]
        assert rule.recreation.selector is not None
        assert rule.recreation.selector.pattern == "^data$"

    @pytest.mark.parametrize("text", ["recreation_rule:", "recreation_rule: {}"])
    def test_an_empty_one_counts_as_not_given(self, text):
        assert rules(f"- s3_bucket: a\n  {text}")[0].recreation is None

    def test_one_without_recipients_would_encrypt_nothing_again(self):
        caught = error("- s3_bucket: a\n  recreation_rule: {encrypted_regex: ^data$}")
        assert caught.message.startswith("recreation_rule names no recipient")
        assert caught.line == 3

    def test_vault_gets_plain_values(self):
        caught = error(f"- vault_path: a\n  recreation_rule: {{age: {ALICE}}}")
        assert caught.message == "recreation_rule has no effect on Vault, which gets the plain values"

    def test_a_selector_that_is_not_valid(self):
        caught = error(f"- s3_bucket: a\n  recreation_rule: {{age: {ALICE}, encrypted_regex: '('}}")
        assert caught.line == 3


class TestMatching:
    def test_paths(self):
        first, second = rules("- {path_regex: ^a/, s3_bucket: a}\n- s3_bucket: b")
        assert (first.matches("a/x"), first.matches("b/a/x"), second.matches("b")) == (True, False, True)

    def test_fields_without_effect(self):
        (rule,) = rules(
            f"""
            - s3_bucket: a
              reencryption_rule: {{}}
              recreation_rule:
                age: {ALICE}
                path_regex: x
                comment: y
            """
        )
        assert rule.unknown == (
            UnknownField("destination_rules[0].reencryption_rule", 3),
            UnknownField("destination_rules[0].recreation_rule.comment", 7),
            UnknownField("destination_rules[0].recreation_rule.path_regex", 5),
        )
