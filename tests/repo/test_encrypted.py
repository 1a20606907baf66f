import pytest

from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops.formats import format_for_path

MAC = f"ENC[AES256_GCM,data:eA==,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"
YAML = f"a: {MAC}\nsops:\n    lastmodified: '2025-01-01T00:00:00Z'\n    mac: {MAC}\n"
JSON = f'{{\n\t"data": "{MAC}",\n\t"sops": {{\n\t\t"mac": "{MAC}"\n\t}}\n}}'
DOTENV = f"#comment\nA={MAC}\nsops_mac={MAC}\nsops_version=3.13.2\n"
INI = f"[db]\na = {MAC}\n\n[sops]\nmac = {MAC}\n"
GUIDE = f"# How to\n\n```\n{YAML}```\n\n```\n{JSON}\n```\n\n```\n{DOTENV}```\n\n```\n{INI}```\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.yaml", "yaml"),
        ("a.yml", "yaml"),
        ("a.json", "json"),
        (".env", "dotenv"),
        ("prod.env", "dotenv"),
        ("a.ini", "ini"),
        ("a.YAML", "binary"),
        ("a.env.local", "binary"),
        ("a", "binary"),
    ],
)
def test_format_by_name(path, expected):
    assert format_for_path(path) == expected


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("a.yaml", YAML, "yaml"),
        ("a.yaml", YAML.replace("sops:", '"sops":').replace("\n", "\r\n"), "yaml"),
        ("a.yaml", JSON, "yaml"),
        ("a.yaml", f"a: 1\nsops: {{mac: '{MAC}'}}\n", "yaml"),
        ("a.json", JSON, "json"),
        ("a.json", JSON.replace("\n", "").replace("\t", ""), "json"),
        ("a.env", DOTENV, "dotenv"),
        ("a.ini", INI, "ini"),
        ("key.pem", JSON, "binary"),
        ("secrets.enc", YAML, "yaml"),
        (".env.production", DOTENV, "dotenv"),
        ("my.cnf", INI, "ini"),
        ("a.env", YAML, "yaml"),
    ],
)
def test_encrypted(path, content, expected):
    assert detect_encryption(content.encode(), path) == expected


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.yaml", "a: 1\n"),
        ("a.yaml", f"a: {MAC}\n"),
        ("a.yaml", f"mac: {MAC}\n"),
        ("a.yaml", "sops: {mac: plain}\n"),
        ("a.json", f'{{"a": "{MAC}"}}'),
        ("a.env", "A=ENC[AES256_GCM,x]\n"),
        ("a.ini", f"[a]\nb = {MAC}\n"),
        ("README.md", GUIDE),
        ("README", GUIDE),
        ("notes.txt", f"Look:\n\n{YAML}\nThat is it: done: yes\n"),
        ("a.pem", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_not_encrypted(path, content):
    assert detect_encryption(content.encode(), path) is None
