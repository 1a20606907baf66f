"""Names of files that mean something."""

import pytest

from fluxsecrets.marks.filenames import (
    chart_files,
    is_kustomization,
    is_public_key,
    is_rules_file,
    is_secret_name,
    name_in,
)


@pytest.mark.parametrize(
    "path", ["a.sops.yaml", "x/b.enc.json", "c.sops.env", "key.enc.pem", ".x.sops.yaml", "a.sops.b.sops."]
)
def test_names_that_say_secret(path):
    assert is_secret_name(path)


@pytest.mark.parametrize(
    "path",
    [
        ".sops.yaml",
        "x/.sops.yaml",
        "sops.yaml",
        "a.sops",
        "a.sops.",
        "a.sopsy.yaml",
        "a.enc/b.yaml",
        ".enc.a",
    ],
)
def test_names_that_do_not(path):
    assert not is_secret_name(path)


def test_public_keys_lie_in_their_folder():
    assert is_public_key("keys/alice.pub")
    for path in ("keys/alice.txt", "keys/old/alice.pub", "x/keys/alice.pub", "alice.pub", "mykeys/alice.pub"):
        assert not is_public_key(path)


def test_files_known_by_their_names():
    assert is_rules_file("x/.sops.yaml")
    assert not is_rules_file("x/a.sops.yaml")
    assert is_kustomization("x/Kustomization")
    assert not is_kustomization("x/my-kustomization.yaml")
    assert (name_in("a/b"), name_in("b")) == ("b", "b")


def test_the_charts_that_a_template_may_be_of():
    assert [*chart_files("charts/a/templates/x/templates/b.yaml")] == [
        "charts/a/Chart.yaml",
        "charts/a/templates/x/Chart.yaml",
    ]
    assert [*chart_files("templates/a.yaml")] == ["Chart.yaml"]
    assert [*chart_files("a/templates")] == []
