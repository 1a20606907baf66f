"""What the bytes of an encrypted file show, and what bytes that only look like it do not."""

import pytest

from ciphertexts import NEAR_MISSES, VECTORS, WHOLE, real_ciphertexts
from fluxsecrets.marks.encryptedfile import KEY_LISTS, flux_markers, has_marks, is_evident
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops.formats import format_for_path
from fluxsecrets.sops.recipients import KINDS

FILES = {
    "yaml": 'a: 1\nsops:\n    mac: "{}"\n',
    "json": '{{"a": 1, "sops": {{"mac": "{}"}}}}',
    "dotenv": "A=1\nsops_mac={}\n",
    "ini": "[a]\nb = 1\n[sops]\nmac = {}\n",
}
NAMES = {"yaml": "a.yaml", "json": "a.json", "dotenv": "a.env", "ini": "a.ini"}


@pytest.mark.parametrize("format_name", FILES)
@pytest.mark.parametrize("mac", {*real_ciphertexts().values(), WHOLE})
def test_a_block_with_a_mac_shows_it(format_name, mac):
    data = FILES[format_name].format(mac).encode()
    assert has_marks(format_name, data)
    assert has_marks(format_name, data.replace(b"\n", b"\r\n"))
    assert detect_encryption(data, NAMES[format_name]) == format_name


@pytest.mark.parametrize("format_name", FILES)
@pytest.mark.parametrize("mac", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_mac_that_only_looks_like_one_shows_nothing(format_name, mac):
    data = FILES[format_name].format(mac.replace("\n", "\\n")).encode()
    assert not has_marks(format_name, data)
    for path in (NAMES[format_name], "a", "a.sops.txt"):
        assert detect_encryption(data, path) is None


@pytest.mark.parametrize(
    "form", ["mac: {}", "'mac': '{}'", "mac: |-\n        {}", "mac: {} # here", "x: {{mac: '{}'}}"]
)
def test_a_mac_in_every_style_of_yaml(form):
    assert has_marks("yaml", f"sops:\n    {form.format(WHOLE)}\n".encode())
    assert has_marks("yaml", f"sops:\n    {form.format(WHOLE)}".encode())


@pytest.mark.parametrize("format_name", ["yaml", "json", "ini"])
def test_a_mac_alone_is_not_enough(format_name):
    assert not has_marks(format_name, FILES[format_name].format(WHOLE).replace("sops", "soap").encode())


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*/encrypted*")), ids=lambda path: path.parent.name)
def test_what_sops_writes(path):
    data, name = path.read_bytes(), format_for_path(path.name)
    assert has_marks("json" if name == "binary" else name, data)
    assert is_evident(name, data) == (name in ("yaml", "dotenv", "ini"))
    assert detect_encryption(data, path.name) == name
    assert name in flux_markers(data)


def test_markers_are_looked_for_as_bytes():
    assert flux_markers(b'  "mac": "ENC[AES') == {"json", "binary"}
    assert flux_markers(b'"mac":"ENC[AES') == frozenset()
    assert flux_markers(b"    mac: ENC[AES") == {"yaml"}
    assert flux_markers(b"sops_mac=ENC[AES\n[sops]") == {"dotenv", "ini"}


def test_every_kind_of_key_has_its_list():
    assert set(KEY_LISTS) == set(KINDS)
