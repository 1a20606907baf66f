"""Keys that kustomize adds without quotes."""

import pytest

from fluxsecrets.repo.kustomize.addedkeys import not_text


@pytest.mark.parametrize("key", ["1", "0x1F", "1e3", "true", "null", "~", "2026-11-23", "<<", "1_000"])
def test_a_key_that_yaml_takes_for_something_else(key):
    assert not_text(key)


@pytest.mark.parametrize("key", ["a", "n", "yes", "1a", "app.kubernetes.io/name", "12:30"])
def test_a_key_that_is_a_text(key):
    assert not not_text(key)
