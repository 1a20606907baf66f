"""Each file that the real sops wrote, through every way in: library, `decrypt`, drop-in, standard input.

And each file that it refuses: every way refuses it as well, and prints nothing of it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits, make_format

VECTORS = Path(__file__).parents[2] / "vectors"
CASES = json.loads((VECTORS / "sops" / "cases.json").read_text(encoding="utf-8"))
REFUSED = json.loads((VECTORS / "sops-negative" / "cases.json").read_text(encoding="utf-8"))
SUFFIXES = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}


@pytest.fixture(scope="session")
def keyring():
    """A GNUPGHOME with the throw-away key of the vectors; sockets of gpg-agent have short paths only."""
    if shutil.which("gpg") is None or shutil.which("gpgconf") is None or sys.platform == "win32":
        pytest.skip("gpg is not on PATH (or this is Windows): files for PGP keys are not opened")
    home = Path(tempfile.mkdtemp(prefix="fs-gpg-"))
    environ = {"PATH": os.environ["PATH"], "GNUPGHOME": str(home), "HOME": str(home)}
    imported = ["gpg", "--batch", "--quiet", "--import", str(VECTORS / "keys" / "pgp.asc")]
    subprocess.run(imported, env=environ, capture_output=True, timeout=60, check=True)
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], env=environ, capture_output=True, timeout=60, check=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def open_with(environment, monkeypatch, request) -> Callable[[list[str]], None]:
    """Makes the identities of a case those of whoever runs the test, and no others."""

    def open_with(identities: list[str]) -> None:
        age = [(VECTORS / name).read_text("utf-8") for name in identities if name.endswith(".agekey")]
        if age:
            monkeypatch.setenv("SOPS_AGE_KEY", "\n".join(age))
        for name in identities:
            if name.endswith(".asc"):
                monkeypatch.setenv("GNUPGHOME", str(request.getfixturevalue("keyring")))
            elif not name.endswith(".agekey"):
                private = environment / "ssh-key"
                private.write_bytes((VECTORS / name).read_bytes())
                private.chmod(0o600)
                monkeypatch.setenv("SOPS_AGE_SSH_PRIVATE_KEY_FILE", str(private))

    return open_with


def data_of(data: bytes, kind: str) -> list[object]:
    """What text of a format holds, read by another library where there is one."""
    if kind == "binary":
        return [data]
    if kind == "json":
        return [json.loads(data)]
    return [to_data(part) for part in make_format(kind).parse(data, Limits()).parts]


def run_ways(cli, sops, path: Path, kind: str):
    """Every way to decrypt a file: its name, its exit code, and what it printed on both streams."""
    data = path.read_bytes()
    flags = ("--input-type", kind, "--output-type", kind)
    for name, arguments, stdin in (
        ("decrypt FILE", ("decrypt", "--input-type", kind, path), b""),
        ("decrypt -", ("decrypt", "--input-type", kind, "-"), data),
        ("decrypt -o", ("decrypt", "--input-type", kind, "-o", f"{path}.out", path), b""),
    ):
        result = cli(*arguments, stdin=stdin)
        yield name, result.exit_code, written(path, result.stdout_bytes), result.stderr
    for name, arguments, stdin in (
        ("sops decrypt FILE", ("decrypt", *flags, path), b""),
        ("sops -d FILE", ("-d", *flags, path), b""),
        ("sops decrypt < FILE", ("decrypt", *flags), data),
        ("sops --output", ("decrypt", *flags, "--output", f"{path}.out", path), b""),
    ):
        done = sops(*arguments, stdin=stdin)
        yield name, done.code, written(path, done.out), done.err


def written(path: Path, printed: bytes) -> bytes:
    """What was printed, or written to a file beside where that was asked for."""
    out = path.with_name(f"{path.name}.out")
    if not out.exists():
        return printed
    assert printed == b""
    data = out.read_bytes()
    out.unlink()
    return data


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_way_gives_the_same_data(case, open_with, cli, sops, tmp_path):
    open_with(case["identities"])
    kind = case["format"]
    path = tmp_path / f"file.{SUFFIXES[kind]}"
    encrypted = (VECTORS / case["encrypted"]).read_bytes()
    path.write_bytes(encrypted)
    expected = data_of((VECTORS / case["decrypted"]).read_bytes(), kind)

    loaded = fluxsecrets.load_all(path)
    assert loaded == fluxsecrets.loads_all(encrypted, format=kind)
    assert (loaded if kind != "binary" else [loaded[0]["data"]]) == plainly(expected)
    assert data_of(fluxsecrets.decrypt(encrypted, format=kind), kind) == expected
    note = f"plain text is on disk now: delete {path}.out when it is no longer needed\n"
    for way, code, out, said in run_ways(cli, sops, path, kind):
        assert (way, code, said) == (way, 0, note if way == "decrypt -o" else "")
        assert data_of(out, kind) == expected, way
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == encrypted

    assert cli("decrypt", "-i", path).exit_code == 0
    assert data_of(path.read_bytes(), kind) == expected
    path.write_bytes(encrypted)
    assert sops("decrypt", "-i", path).code == 0
    assert data_of(path.read_bytes(), kind) == expected


def plainly(data: object) -> object:
    """Times as text, as the library gives them."""
    if isinstance(data, dict):
        return {key: plainly(value) for key, value in data.items()}
    if isinstance(data, list):
        return [plainly(item) for item in data]
    return getattr(data, "text", data)


def test_one_key_group_alone_does_not_open_two_of_three(open_with, cli, sops):
    open_with(["keys/alice.agekey"])
    path = VECTORS / "sops" / "shamir" / "encrypted.yaml"
    with pytest.raises(fluxsecrets.DataKeyError, match="open 1 of the 2 key groups"):
        fluxsecrets.load(path)
    assert cli("decrypt", path).exit_code == 2
    assert sops("decrypt", path).code == 128


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_no_way_gives_anything_of_what_sops_refuses(case, open_with, cli, sops, tmp_path):
    open_with(["keys/alice.agekey"])
    path = tmp_path / "file.yaml"
    encrypted = (VECTORS / case["file"]).read_bytes()
    path.write_bytes(encrypted)
    with pytest.raises(FluxsecretsError):
        fluxsecrets.load(path)
    with pytest.raises(FluxsecretsError):
        fluxsecrets.decrypt(encrypted)
    for way, code, out, said in run_ways(cli, sops, path, "yaml"):
        assert (way, code) == (way, case["sops_exit"] if way.startswith("sops") else 2)
        assert out == b"", way
        assert said.startswith("error: "), way
        assert "throwaway" not in said
    for in_place in (cli("decrypt", "-i", path).exit_code, sops("decrypt", "-i", path).code):
        assert in_place != 0
    assert path.read_bytes() == encrypted
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_cases_are_there():
    assert len(CASES) >= 27
    assert {case["format"] for case in CASES} == set(SUFFIXES)
    assert len(REFUSED) >= 12


def test_pgp_recipients_on_the_command_line(open_with, cli, tmp_path):
    open_with(["keys/pgp.asc"])
    path = tmp_path / "file.yaml"
    path.write_text("a: throwaway\n")
    result = cli("encrypt", "--pgp", "3B53DF19B9884C364821CD2F63F909A3062E2C9A", path)
    assert result.exit_code == 0, result.stderr
    assert b"BEGIN PGP MESSAGE" in path.read_bytes()
    assert cli("decrypt", path).stdout == "a: throwaway\n"
