"""What is rendered of each case of `tests/vectors/flux` is what the controller applied, with its values."""

import hashlib
import re
from base64 import b64decode

import pytest

from flux_cases import EXPECTED
from fluxsecrets.ops.checks.render import render
from tables import each_row

APPLIED = {
    name: case for name, case in EXPECTED.items() if case["State"] == "applied" and "Verdict" not in case
}


@pytest.fixture(scope="module")
def rendered(cases):
    """What is rendered, by the name of the Kustomization, with the cluster's key at hand."""
    found = render(cases, "t", show_values=True).kustomizations
    return {each.name.rpartition("/")[2]: each for each in found}


def summary(text):
    """A value as the expected results have it."""
    data = b64decode(text)
    if b"ENC[AES256_GCM" in data:
        return "CIPHERTEXT"
    return f"plain({len(data)},{hashlib.sha256(data).hexdigest()[:8]})"


@each_row("name", APPLIED)
def test_objects_and_values_are_those_of_the_controller(name, rendered):
    objects = {
        (each.data["kind"], each.data["metadata"].get("namespace") or "", each.data["metadata"]["name"]): each
        for each in rendered[name].objects
    }
    expected = APPLIED[name].get("Objects") or []
    for each in expected:
        found = objects[each["Kind"], each.get("Namespace") or "", each["Name"]]
        if each.get("Keys") and all(re.match("plain|CIPHERTEXT", value) for value in each["Keys"].values()):
            assert {key: summary(value) for key, value in found.data["data"].items()} == each["Keys"]
