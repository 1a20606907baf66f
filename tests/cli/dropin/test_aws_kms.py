"""AWS KMS through the drop-in: it reads what sops wrote, writes what sops writes, and sops reads that."""

import json
import re
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("botocore")

from awsserver import SECRET, USER, import_key

VECTORS = Path(__file__).parents[2] / "vectors" / "sops-cloud" / "aws"
CASES = ("flat", "role", "groups")
NAMES = ("a.yaml", "a.json", "a.env", "a.ini", "a.bin")
_VARIES = re.compile(
    r"ENC\[[^]]*\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=enc)(\W+)[A-Za-z0-9+/=]{40,}|(?<=version)(\W+)[0-9.]+"
)


@pytest.fixture
def keys(aws, environment):
    """The keys of the vectors, and the profile that one of them names."""
    for arn, material in json.loads((VECTORS / "keys.json").read_text(encoding="utf-8")).items():
        import_key(arn, material.encode())
    (environment / ".aws").mkdir()
    text = f"[team]\naws_access_key_id = {USER}\naws_secret_access_key = {SECRET}\n"
    (environment / ".aws" / "credentials").write_text(text, encoding="utf-8")
    return aws


def plain(name):
    return (VECTORS / "plain" / name).read_bytes()


def shape(data):
    """The lines of a file without what differs from run to run: ciphertexts, times, wrapped keys.

    A file keeps its indentation, our quotes in YAML are double ones, and sops writes a blank after an empty
    value of INI: none of these is compared.
    """
    text = _VARIES.sub(r"\1…", data.decode()).replace("'", '"')
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_what_sops_wrote_is_read(sops, cli, keys, case, name):
    assert sops("decrypt", VECTORS / case / name).out == plain(name)
    assert cli("decrypt", VECTORS / case / name).stdout_bytes == plain(name)
    assert keys.count("Decrypt") == (4 if case == "groups" else 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_fields_names_and_order_are_those_of_sops(sops, keys, tmp_path, case, name):
    (tmp_path / name).write_bytes(plain(name))
    done = sops("--config", VECTORS / case / "rules.yaml", "encrypt", tmp_path / name)
    assert done.code == 0, done.err
    assert shape(done.out) == shape((VECTORS / case / name).read_bytes())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_real_sops_reads_what_we_write(real_sops, sops, cli, keys, tmp_path, monkeypatch, case, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_bytes((VECTORS / case / "rules.yaml").read_bytes())
    for program in (sops, cli):
        (tmp_path / name).write_bytes(plain(name))
        program("encrypt", "-i", name)
        assert b"ENC[" in (tmp_path / name).read_bytes()
        done = subprocess.run([real_sops, "decrypt", name], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, plain(name)), done.stderr.decode()
    assert cli("rotate", name, "--accept-recipients").exit_code == 0
    done = subprocess.run([real_sops, "decrypt", name], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, plain(name)), done.stderr.decode()


@pytest.mark.parametrize("case", CASES)
def test_rotating_and_setting_keep_the_keys(sops, keys, tmp_path, case):
    path = tmp_path / "a.yaml"
    path.write_bytes((VECTORS / case / "a.yaml").read_bytes())
    before = shape(path.read_bytes())
    for words in (("rotate", "-i", path), ("set", path, '["motto"]', '"other"')):
        done = sops(*words)
        assert done.code == 0, done.err
        assert shape(path.read_bytes()) == before


def test_a_changed_context_does_not_open_it(sops, keys, tmp_path):
    text = (VECTORS / "groups" / "a.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(text.replace("App: db", "App: dc"), encoding="utf-8")
    done = sops("decrypt", tmp_path / "a.yaml")
    assert (done.code, done.out) == (128, b"")
    assert "its context was changed" in done.err
