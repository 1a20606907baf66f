"""What is encoded in a file is judged as a file of its own: Secrets, logins and archives in base64."""

import base64
import gzip
import io
import json
import textwrap
import zipfile
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.decode import decode, decode_hex, decode_percent
from token_samples import make

PIN = "kX9vQ2mNp4Lz-throwaway"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: {PIN}\n"
TEXTS = {
    "plain-secret": SECRET,
    "kubeconfig": f"apiVersion: v1\nkind: Config\nusers:\n  - name: ci\n    user:\n      token: {PIN}\n",
    "docker-config": json.dumps({"auths": {"ghcr.io": {"auth": base64.b64encode(b"ci:hunter22x").decode()}}}),
    "env-file": "# of the service\nDB_USER=svc\nDB_PASSWORD=hunter22x\n",
    "private-key": make("{pem:RSA PRIVATE KEY}\n", "encoded"),
}


def b64(data):
    return base64.b64encode(data).decode()


def zipped(name, data):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return target.getvalue()


FORMS = {
    "base64": lambda data: ("config.yaml", f"config: {b64(data)}\n"),
    "base64 in a page": lambda data: ("README.md", f"see `{b64(data)}`\n"),
    "wrapped": lambda data: (
        "config.yaml",
        "config: |\n" + textwrap.indent(base64.encodebytes(data).decode(), "  "),
    ),
    "wrapped in JSON": lambda data: (
        "config.json",
        json.dumps({"config": base64.encodebytes(data).decode()}),
    ),
    "for URLs": lambda data: ("config.txt", base64.urlsafe_b64encode(data).decode()),
    "twice": lambda data: ("config.txt", b64(b64(data).encode())),
    "gzip": lambda data: ("config.txt", b64(gzip.compress(data))),
    "zlib": lambda data: ("config.yaml", f"config: {b64(zlib.compress(data))}\n"),
    "hexadecimal": lambda data: ("config.yaml", f"config: {data.hex()}\n"),
    "wrapped hexadecimal": lambda data: ("config.txt", "\n".join(textwrap.wrap(data.hex(), 60))),
    "escaped": lambda data: ("config.py", 'CONFIG = "' + "".join(f"\\x{byte:02x}" for byte in data) + '"\n'),
    "a URL": lambda data: ("page.md", f"https://wad.example/?config={quote(data, safe='')}\n"),
    "a data URI": lambda data: ("page.html", f"<a href='data:text/plain;base64,{b64(data)}'>\n"),
    "a ConfigMap": lambda data: (
        "cm.json",
        json.dumps({"kind": "ConfigMap", "binaryData": {"config": b64(data)}}),
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rule", TEXTS)
def test_what_is_encoded_is_found(scanner, form, rule):
    path, text = FORMS[form](TEXTS[rule].encode())
    found = scanner.findings(text, path)
    assert {each.rule for each in found} == {rule}
    if rule != "private-key":
        assert PIN not in repr(found)
        assert ", in " in found[0].message


def test_archives_in_base64_are_opened(scanner):
    text = f"binaryData:\n  backup: {b64(zipped('etc/secret.yaml', SECRET))}\n"
    (finding,) = scanner.findings(text, "cm.yaml")
    assert (finding.rule, finding.location.path) == ("plain-secret", "cm.yaml!encoded!etc/secret.yaml")


def test_a_release_of_helm(scanner):
    release = {"name": "db", "config": {"password": "hunter22x"}, "manifest": f"---\n{SECRET}"}
    packed = b64(gzip.compress(json.dumps(release).encode()))
    assert scanner(f"kind: ConfigMap\ndata:\n  release: {packed}\n", "release.yaml") == ["3 manifest-value"]
    secret = f"apiVersion: v1\nkind: Secret\ndata:\n  release: {b64(packed.encode())}\n"
    assert scanner(secret, "release.yaml") == ["4 plain-secret"]


def test_what_can_be_read_as_it_is_is_reported_as_that(scanner):
    text = "https://wad.example/?a=%20%20%20%20%20%20&next=" + make("ghp_{base62:30}{crc62}", "url")
    (finding,) = scanner.findings(text, "page.md")
    assert finding.message == "a GitHub token is in plain text"


@pytest.mark.parametrize(
    "recipe",
    [
        "integrity: sha512-{base64:86}==",
        "caBundle: {base64:400}",
        "sha256:{hex:64} {hex:128}",
        "![badge](https://img.shields.io/badge/a%20b-c%20d%20e%20f%20g%20h%20i-blue)",
        "config: " + b64(b"apiVersion: v1\nkind: Secret\nstringData:\n  pin: ${PIN}\n"),
        "config: " + b64(b"apiVersion: v1\nkind: ConfigMap\ndata:\n  log-level: debug\n"),
        "config: " + b64(b'{"auths": {"ghcr.io": {"auth": "REPLACE_ME"}}}'),
        "config: " + b64(b"-----BEGIN PUBLIC KEY-----\n") + "{base64:80}",
    ],
)
@pytest.mark.parametrize("path", ["values.yaml", "page.md"])
def test_what_is_not_a_secret_is_none_in_an_encoding(scanner, recipe, path):
    assert scanner(make(recipe, "harmless"), path) == []


@given(st.binary(max_size=400))
def test_any_bytes_are_taken(data):
    for text in (data, data.hex().encode(), base64.b64encode(data), quote(data).encode()):
        for read in (decode, decode_hex, decode_percent):
            layer = read(text)
            for piece, (start, end) in layer.pieces if layer is not None else ():
                assert piece or layer.how == "base64"
                assert 0 <= start < end <= len(text)
