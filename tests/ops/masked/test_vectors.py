"""Files that sops wrote, masked with their keys and without: the values are gone, the structure stays."""

import json
import os
from pathlib import Path

import pytest

from conftest import VECTORS
from fluxsecrets.marks import is_encrypted_comment
from fluxsecrets.ops.masked.encrypted import mask_encrypted
from fluxsecrets.ops.masked.masks import Masks
from fluxsecrets.ops.run.session import Session
from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.values import Timestamp, canonical_bytes

CASES = [case for case in json.loads((VECTORS / "sops" / "cases.json").read_text()) if case["encrypted"]]
LONG = 6


def parsed(case, kind):
    return make_format(case["format"]).parse((VECTORS / case[kind]).read_bytes(), Limits())


@pytest.mark.parametrize("with_keys", [True, False])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_values_are_gone_and_the_structure_stays(case, with_keys, tmp_path, environment, monkeypatch):
    if with_keys and all(each.endswith(".agekey") for each in case["identities"]):
        keys = "\n".join((VECTORS / each).read_text() for each in case["identities"])
        monkeypatch.setenv("SOPS_AGE_KEY", keys)

    session = Session(dict(os.environ), tmp_path)
    masks = Masks(PlaceholderKey.per_run())
    name, data = Path(case["encrypted"]).name, (VECTORS / case["encrypted"]).read_bytes()
    text, problem = mask_encrypted(session, data, case["format"], name, masks, show_values=False)
    assert problem is None
    assert b"ENC[AES256_GCM" not in text.data
    before, after = parsed(case, "encrypted"), make_format(case["format"]).parse(text.data, Limits())
    assert after.metadata is None
    assert not [each for each in after.items if isinstance(each, Comment) and "ENC[" in each.text]
    secret = {leaf.path for leaf in before.leaves if "ENC[" in str(leaf.value)}
    assert text.values + text.closed >= (1 if secret else 0)
    if case["format"] == "binary":
        return
    plain = {leaf.path: leaf.value for leaf in parsed(case, "decrypted").leaves}
    found = {leaf.path: leaf.value for leaf in after.leaves}
    assert found.keys() == plain.keys()
    if any(is_encrypted_comment(leaf.value) for leaf in before.leaves):
        return  # sops wrote comments as items of lists, so that positions differ
    for path, value in found.items():
        if path not in secret:
            assert canonical_bytes(value) == canonical_bytes(plain[path])
        elif not isinstance(value, bool | Timestamp) and len(str(plain[path])) >= LONG:
            assert value != plain[path]
            assert type(value) is type(plain[path])
