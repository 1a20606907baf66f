"""Values that are made by `set --generate`."""

import base64
import re

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.generated import generate


@pytest.mark.parametrize(
    ("spec", "pattern"),
    [
        ("password", "[A-Za-z0-9]{32}"),
        ("password:8", "(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]{8}"),
        ("password:100", "[A-Za-z0-9]{100}"),
        ("hex:16", "[0-9a-f]{32}"),
        ("base64:9", "[A-Za-z0-9+/]{12}"),
        ("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
def test_what_is_made_looks_so_and_is_new_each_time(spec, pattern):
    values = {generate(spec) for _ in range(50)}
    assert len(values) == 50
    assert all(re.fullmatch(pattern, value) for value in values)


def test_the_length_of_base64_is_in_bytes():
    assert len(base64.b64decode(generate("base64"))) == 32


@pytest.mark.parametrize(
    "spec",
    ["", "word:32", "password:", "password:7", "password:4097", "uuid:4", "hex:-1", "hex:8 ", "hex:٣٢"],
)
def test_what_cannot_be_made(spec):
    with pytest.raises(UsageError):
        generate(spec)
