"""A value has one key wherever it is written, and the key says nothing."""

import json
import pickle
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ciphertexts import WHOLE
from tests.token_samples import make

from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.scanner import Scanner
from fluxsecrets.scan.sources import SourceFile
from fluxsecrets.scan.valuekey import ValueKey, canonical, unpacked

PASSWORD = 'Tr0ub4dor"-\\9x'
PEM = make("{pem:OPENSSH PRIVATE KEY}")
TOKEN = make("ghp_{base62:30}{crc62}")


def secret(field, value):
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n{field}:\n  password: {value}\n"


def packed(text):
    return b64encode(text.encode()).decode()


def wrapped(text, width=60):
    lines = packed(text)
    return "".join(f"\n    {lines[at : at + width]}" for at in range(0, len(lines), width))


def indented(text):
    return "|\n" + "".join(f"    {line}\n" for line in text.splitlines())


def ids(scanner, text, path):
    return {each.value_id for each in scanner.findings(text, path)}


PLACES = {
    "a plain scalar": ("db.yaml", secret("stringData", f"'{PASSWORD}'")),
    "a quoted scalar": ("db.yaml", secret("stringData", json.dumps(PASSWORD))),
    "a block": ("db.yaml", secret("stringData", indented(PASSWORD))),
    "base64": ("db.yaml", secret("data", packed(PASSWORD))),
    "base64 with the line break of echo": ("db.yaml", secret("data", packed(f"{PASSWORD}\n"))),
    "JSON": ("db.json", json.dumps({"apiVersion": "v1", "kind": "Secret", "stringData": {"pw": PASSWORD}})),
    "Helm values": ("values.yaml", f"auth:\n  password: '{PASSWORD}'\n"),
    "a dotenv file": (".env", f"DB_PASSWORD={json.dumps(PASSWORD)}\n"),
    "a dotenv file without quotes": (".env", f"DB_PASSWORD={PASSWORD}\n"),
    "an INI file": ("app.ini", f"[db]\npassword = {PASSWORD}\n"),
    "a literal": ("kustomization.yaml", f"secretGenerator:\n- name: x\n  literals:\n  - 'pw={PASSWORD}'\n"),
    "another file with it": ("old/db.yaml", secret("stringData", f"'{PASSWORD}'")),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_password_has_one_key_in_every_place(scanner, place):
    path, text = PLACES[place]
    assert ids(scanner, text, path) == {scanner.engine.key.of(PASSWORD)}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("id_ed25519", PEM),
        ("id_ed25519", PEM.replace("\n", "\r\n")),
        ("key.yaml", secret("stringData", indented(PEM))),
        ("key.yaml", secret("stringData", json.dumps(PEM))),
        ("key.yaml", secret("data", packed(PEM))),
        ("key.yaml", secret("data", f"|{wrapped(PEM)}")),
        ("values.yaml", f"ssh:\n  privateKey: {indented(PEM)}"),
        ("notes.txt", f"it is {packed(PEM)} for now"),
    ],
)
def test_a_private_key_has_one_key_in_every_place(scanner, path, text):
    assert ids(scanner, text, path) == {scanner.engine.key.of(PEM)}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("notes.txt", f"use {TOKEN} for now"),
        ("notes.txt", f'token = "{TOKEN}"'),
        ("notes.txt", packed(f"use {TOKEN}")),
        ("gh.yaml", secret("data", packed(TOKEN))),
        ("gh.yaml", secret("stringData", TOKEN)),
    ],
)
def test_a_token_has_one_key_in_every_place(scanner, path, text):
    assert ids(scanner, text, path) == {scanner.engine.key.of(TOKEN)}


def test_a_password_in_a_url_is_taken_as_it_is_meant(scanner):
    text = "url: postgres://app:Tr0ub4dor%2D9xQ@db.prod.internal/app\n"
    assert ids(scanner, text, "notes.txt") == {scanner.engine.key.of("Tr0ub4dor-9xQ")}


def test_another_value_at_the_same_place_has_another_key(scanner):
    one, other = (scanner.findings(secret("stringData", text))[0] for text in ("hunter2", "hunter3"))
    assert one.fingerprint == other.fingerprint
    assert one.value_id != other.value_id


@pytest.mark.parametrize("text", ["a: 1\n", secret("stringData", WHOLE)])
def test_a_finding_about_a_file_has_none(scanner, text):
    found = scanner.findings(text, "x.sops.yaml", whole="its name says so")
    assert {each.value_id for each in found} == {None}


def test_a_plain_word_is_the_same_secret_under_the_same_name_only(scanner):
    text = secret("stringData", "postgres") + "  user: postgres\n  other:\n    password: postgres\n"
    password, user, other = (each.value_id for each in scanner.findings(text))
    assert password == other != user


def test_another_run_has_other_keys():
    assert ValueKey().of("hunter2") != ValueKey().of("hunter2")


def test_the_key_travels_to_workers_and_shows_nowhere(caches):
    scanner = Scanner(caches / "fluxsecrets")
    copy = pickle.loads(pickle.dumps(scanner))
    file = SourceFile("db.yaml", (Blob("db.yaml", secret("stringData", "hunter2").encode()),))
    one, other = (each.scan(file).scanned[0].findings[0] for each in (scanner, copy))
    assert one == other
    assert one.value_id is not None
    digest = bytes(one.value_id)
    for shown in (repr(one), str(one), f"{one.value_id}", repr(scanner.engine.key)):
        assert repr(digest)[2:-1] not in shown
        assert digest.hex() not in shown
        assert "hunter2" not in shown


def test_an_engine_that_is_given_keeps_its_key(engine):
    assert Scanner(Path(), engine=engine).engine.key is engine.key
    assert isinstance(engine, Engine)


@given(st.text())
def test_white_space_around_a_value_does_not_count(text):
    assert canonical(f" \n{text}\n") == canonical(text)


@given(st.binary())
def test_base64_is_what_it_encodes(data):
    assert unpacked(b64encode(data).decode()) == data


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_quotes_are_not_part_of_a_value(text):
    assert canonical(json.dumps(text)[1:-1], quoted=True) == canonical(text)
