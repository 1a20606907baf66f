"""What kustomize's own files are in YAML 1.1."""

import pytest

from fluxsecrets.repo.kustomize.oldyaml import old_data, old_pairs
from fluxsecrets.sops.formats.yaml import load_documents


def node(text):
    return load_documents(text.encode())[0]


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("N", False), ("'yes'", "yes"), ("nope", "nope")])
def test_booleans_without_quotes(text, value):
    assert old_data(node(f"a: [{text}]")) == {"a": [value]}


def test_keys_become_texts():
    assert old_pairs(node("{n: a, 'y': b, On: c, x: d}")) == {"false": "a", "y": "b", "true": "c", "x": "d"}
    assert old_pairs(None) == {}
