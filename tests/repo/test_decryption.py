"""What kustomize-controller does with encrypted files: see decryptor.go."""

import pytest

from fluxsecrets.repo.decryption import SIZE_LIMIT, Fate, treat_source


@pytest.mark.parametrize(
    ("expected", "stored_as", "found", "fate", "format_"),
    [
        ("yaml", "yaml", {"yaml"}, Fate.DECRYPTED, "yaml"),
        ("binary", "binary", {"binary", "json"}, Fate.DECRYPTED, "binary"),
        ("dotenv", "dotenv", {"dotenv"}, Fate.DECRYPTED, "dotenv"),
        # The marker is there, and the file is something else.
        ("json", "binary", {"binary", "json"}, Fate.FAILS, "json"),
        ("binary", "json", {"binary", "json"}, Fate.FAILS, "binary"),
        # By the Secret's value: turned into what its key says, or not to be written as that.
        ("json", "yaml", {"yaml"}, Fate.DECRYPTED, "yaml"),
        ("binary", "yaml", {"yaml"}, Fate.FAILS, "yaml"),
        # kustomize takes it apart by lines.
        ("dotenv", "yaml", {"yaml"}, Fate.CIPHERTEXT, None),
        # Without a marker it is a value as any other.
        ("json", "json", set(), Fate.CIPHERTEXT, None),
        ("yaml", "yaml", set(), Fate.CIPHERTEXT, None),
        ("yaml", None, set(), Fate.APPLIED, None),
    ],
)
def test_what_becomes_of_a_generators_file(expected, stored_as, found, fate, format_):
    treatment = treat_source(expected, stored_as, frozenset(found), 100)
    assert (treatment.fate, treatment.format) == (fate, format_)
    assert bool(treatment.reason) == (
        fate in (Fate.FAILS, Fate.CIPHERTEXT) or expected != (stored_as or expected)
    )


def test_a_patch_has_no_second_chance():
    assert treat_source("json", "yaml", frozenset({"yaml"}), 100, patch=True).fate is Fate.CIPHERTEXT


def test_what_is_too_large_stops_it():
    assert treat_source("yaml", "yaml", frozenset({"yaml"}), SIZE_LIMIT).fate is Fate.DECRYPTED
    assert treat_source("yaml", "yaml", frozenset({"yaml"}), SIZE_LIMIT + 1).fate is Fate.FAILS
