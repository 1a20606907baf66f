"""What the operator makes of a push and its ExternalSecret is the Secret that was pushed, in each store."""

import json
from base64 import b64encode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import StoreError
from fluxsecrets.external.layout import Remote, external_data
from fluxsecrets.external.model import Reference
from fluxsecrets.external.stores import STORES
from fluxsecrets.external.stores.content import (
    JsonText,
    check_readable,
    dots_then_path,
    exact_then_path,
    inner_dots_then_path,
    path_then_dots,
)
from fluxsecrets.external.stores.onepassword import new_fields
from fluxsecrets.ops.convert.keys import place_values
from fluxsecrets.repo.secretobject import Secret
from operatorreads import MODELS, secret_of

KEYS = st.one_of(
    st.sampled_from(["tls.crt", ".dockerconfigjson", "a", "a.b", ".a", "a.", "b.a", "-", "_", "password"]),
    st.from_regex(r"(?!\.\.)(?!\.\Z)[-._a-zA-Z0-9]{1,30}", fullmatch=True),
)
VALUES = st.one_of(
    st.text(max_size=50).map(str.encode),
    st.binary(max_size=50),
    st.sampled_from(
        [b"", b" x ", b"\n", b"a\r\n", b"${A}", b"\0", b"\xff\xfe", b'{"a": 1}', b"null", b"x" * 20_000]
    ),
)
SECRETS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=6)
OTHERS = st.dictionaries(KEYS, st.sampled_from(["kept", 1, None, {"b": "nested"}]), max_size=3)


LOOKUPS = {
    "aws": dots_then_path,
    "azure": path_then_dots,
    "gcp": inner_dots_then_path,
    "openbao": exact_then_path,
    "vault": exact_then_path,
}


def test_every_store_has_a_model():
    assert set(MODELS) == set(STORES)


def stored(kind, placed, values, others):
    """What a store holds after a push of values beside others, as the models want it."""
    texts = {
        name: b64encode(values[name]).decode() if place.encoded else values[name].decode(errors="replace")
        for name, place in placed.items()
    }
    if kind.single:
        return {place.key: texts[name] for name, place in placed.items()}
    key = next(iter(placed.values())).key
    if kind.binary:
        return {key: dict(values)}
    if kind.name == "onepassword":
        return {key: [(each["label"], each["value"]) for each in new_fields(texts, set())]}
    before = json.dumps({name: value for name, value in others.items() if name not in texts})
    lookup = LOOKUPS[kind.name]
    content = JsonText(JsonText(before, lookup).joined(texts), lookup)
    check_readable(content, texts, {name: place.property for name, place in placed.items()}, "here")
    return {key: content.text}


@pytest.mark.parametrize("name", STORES)
@settings(max_examples=scaled(40), deadline=None)
@given(values=SECRETS, others=OTHERS)
def test_the_operator_makes_the_same_secret(name, values, others):
    kind = STORES[name]
    secret = Secret("db.main", "apps", values=values)
    placed = place_values(secret, kind, None, {"namespace": "apps", "name": "db.main", "environment": ""})
    assume(not kind.single or len({each.key for each in placed.values()}) == len(placed))
    data = external_data(secret, Remote(Reference("SecretStore", "s"), placed))
    try:
        store = stored(kind, placed, values, others)
    except StoreError:
        # Only what others have there may be in the way.
        assert kind.name == "azure"
        assert any(isinstance(each, dict) for each in others.values())
        return
    assert secret_of(data["spec"], MODELS[name], store) == values
