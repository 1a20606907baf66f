import pytest

from fluxsecrets.errors import MetadataError
from fluxsecrets.sops.metadata import is_newer, metadata_to_data, parse_metadata
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec

AGE = {"recipient": "age1example", "enc": "throw-away"}
BLOCK = {
    "age": [AGE],
    "encrypted_regex": "^data$",
    "lastmodified": "2026-11-23T10:11:12Z",
    "mac": "ENC[...]",
    "version": "3.13.2",
}


def test_a_block_is_read_and_written_back():
    metadata = parse_metadata(BLOCK)
    assert metadata.selector == SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
    assert [key.recipient.id for key in metadata.wrapped_keys] == ["age1example"]
    assert metadata_to_data(metadata) == BLOCK


def test_the_default_selector_is_written_out():
    block = {name: value for name, value in BLOCK.items() if name != "encrypted_regex"}
    metadata = parse_metadata(block)
    assert metadata.selector == DEFAULT_SELECTOR
    assert metadata_to_data(metadata)["unencrypted_suffix"] == "_unencrypted"


def test_unknown_fields_survive():
    block = {**BLOCK, "of_the_future": {"a": [1, 2]}}
    assert metadata_to_data(parse_metadata(block)) == block


def test_several_groups_come_back():
    block = {
        **{name: value for name, value in BLOCK.items() if name != "age"},
        "key_groups": [{"age": [AGE], "hc_vault": []}, {"age": [AGE, AGE], "hc_vault": []}],
        "shamir_threshold": 2,
    }
    metadata = parse_metadata(block)
    assert (len(metadata.key_groups), metadata.shamir_threshold) == (2, 2)
    assert metadata_to_data(metadata) == block


def test_a_newer_kind_of_key_in_a_group_survives():
    block = {
        **{name: value for name, value in BLOCK.items() if name != "age"},
        "key_groups": [
            {"age": [AGE], "hc_vault": [], "new_kind": [{"enc": "e"}]},
            {"age": [AGE], "hc_vault": []},
        ],
    }
    assert metadata_to_data(parse_metadata(block)) == block


def test_a_group_does_not_bring_fields_of_the_block_along():
    """Where the only group is written flat, what is unknown in it must not become a selector or a MAC."""
    block = {
        **{name: value for name, value in BLOCK.items() if name != "age"},
        "key_groups": [
            {"age": [AGE], "mac": "ENC[x]", "encrypted_regex": "^none$", "version": "1", "new": "x"}
        ],
    }
    assert metadata_to_data(parse_metadata(block)) == {**BLOCK, "new": "x"}


def test_flat_keys_win_over_groups():
    metadata = parse_metadata({**BLOCK, "key_groups": [{"age": [AGE]}, {"age": [AGE]}]})
    assert len(metadata.key_groups) == 1


def test_keys_of_every_kind_come_back():
    lists = {
        "kms": [{"arn": "arn:x", "role": "r", "context": {"a": "b"}, "created_at": "t", "enc": "e"}],
        "gcp_kms": [{"resource_id": "r", "created_at": "t", "enc": "e"}],
        "azure_kv": [{"vault_url": "u", "name": "n", "version": "v", "created_at": "t", "enc": "e"}],
        "hc_vault": [
            {"vault_address": "a", "engine_path": "p", "key_name": "k", "created_at": "t", "enc": "e"}
        ],
        "pgp": [{"fp": "f", "created_at": "t", "enc": "e"}],
    }
    metadata = parse_metadata({**BLOCK, **lists})
    assert metadata_to_data(metadata) == {**BLOCK, **lists}
    assert len({key.recipient for key in metadata.wrapped_keys}) == 6


def test_wrapped_keys_are_not_in_the_repr():
    assert "throw-away" not in repr(parse_metadata(BLOCK))


@pytest.mark.parametrize(
    "changes",
    [
        {"age": []},
        {"age": "text"},
        {"age": ["text"]},
        {"age": [{"recipient": "age1example"}]},
        {"age": [{"enc": "e"}]},
        {"age": None, "key_groups": "text"},
        {"age": None, "key_groups": ["text"]},
        {"age": None, "key_groups": [{"new_kind": [{"enc": "e"}]}, {}]},
        {"encrypted_suffix": "_x"},
        {"encrypted_regex": 5},
        {"mac": 5},
        {"mac_only_encrypted": "perhaps"},
        {"shamir_threshold": -1},
        {"shamir_threshold": 256},
        {"shamir_threshold": True},
        {"lastmodified": None},
        {"lastmodified": "yesterday"},
        {"lastmodified": "2026-13-45T10:11:12Z"},
        {"lastmodified": "2026-11-23T10:11:12+99:00"},
    ],
)
def test_a_block_that_cannot_be_used_is_refused(changes):
    with pytest.raises(MetadataError):
        parse_metadata({**BLOCK, **changes})


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        *(("3.13.2", False), ("3.13.30", False), ("3.9.10", False), ("3.14.0", True), ("4.0.0", True)),
        *(("", False), ("main", False)),
    ],
)
def test_a_newer_minor_version_is_newer_and_a_patch_is_not(version, newer):
    assert is_newer(version) is newer
