"""Which format an encrypted content shows by itself, and that reading one file asks nobody else."""

import pytest

from fluxsecrets.sops.formats import evident_format

MAC = f"ENC[AES256_GCM,data:aGk=,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.yaml", f"a: 1\nsops:\n  mac: {MAC}\n", "yaml"),
        ("a.yml", f"a: 1\r\nsops: \r\n  mac: {MAC}\r\n", "yaml"),
        ("a.env", f"A=1\nsops_mac={MAC}\n", "dotenv"),
        ("a.ini", f"[a]\nb = 1\n[sops]\nmac = {MAC}\n", "ini"),
        # Flux may read it as one value, by the key that a generator gives it.
        ("a.yaml", f'{{"data": "{MAC}", "sops": {{"mac": "{MAC}"}}}}', None),
        ("a.json", f'{{"data": "{MAC}", "sops": {{"mac": "{MAC}"}}}}', None),
        ("a.yaml", "a: 1\nsops:\n  mac: x\n", None),
        ("a.yaml", f"a: {MAC}\n", None),
        ("a.yaml", f"a:\n  sops:\n    mac: {MAC}\n", None),
        ("a.env", f"A=1\nsops:\n  mac: {MAC}\n", None),
        ("a.txt", f"a: 1\nsops:\n  mac: {MAC}\n", None),
    ],
)
def test_an_encrypted_file_shows_its_format(name, text, found):
    assert evident_format(name, text.encode()) == found
