"""The library API, as a program outside of the command line uses it."""

import subprocess
import sys

import pytest

import fluxsecrets

SECRET = b"""\
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData:
  password: throwaway-hunter2 # rotated quarterly
  port: "5432"
"""


@pytest.fixture
def recipient(identity):
    return identity.recipient


def test_what_encrypt_writes_load_reads(recipient, tmp_path):
    path = tmp_path / "secret.yaml"
    path.write_bytes(fluxsecrets.encrypt(SECRET, age=[recipient]))

    data = fluxsecrets.load(path)

    assert data["stringData"] == {"password": "throwaway-hunter2", "port": "5432"}
    assert b"hunter2" not in path.read_bytes()


def test_decrypt_gives_the_text_back_byte_for_byte(recipient):
    assert fluxsecrets.decrypt(fluxsecrets.encrypt(SECRET, age=[recipient])) == SECRET


def test_text_is_taken_like_bytes(recipient):
    assert fluxsecrets.loads(fluxsecrets.encrypt("a: żółć\n", age=[recipient]).decode()) == {"a": "żółć"}


def test_types_come_back_as_python_types(recipient):
    text = "i: 1\nf: 1.5\nb: true\nn: null\nt: 2026-11-23\nl: [x, {y: z}]\n"
    assert fluxsecrets.loads(fluxsecrets.encrypt(text, age=[recipient])) == {
        "i": 1,
        "f": 1.5,
        "b": True,
        "n": None,
        "t": "2026-11-23T00:00:00Z",
        "l": ["x", {"y": "z"}],
    }


def test_a_creation_rule_applies_by_path(recipient, tmp_path):
    rule = f"creation_rules: [{{path_regex: prod/, age: {recipient}, encrypted_regex: ^password$}}]\n"
    (tmp_path / ".sops.yaml").write_text(rule)

    encrypted = fluxsecrets.encrypt("password: hunter2\nuser: app\n", path=tmp_path / "prod" / "new.yaml")

    assert b"user: app" in encrypted
    assert b"hunter2" not in encrypted


def test_no_rule_and_no_recipient_is_an_error_that_names_the_file(recipient, tmp_path):
    with pytest.raises(fluxsecrets.RecipientError):
        fluxsecrets.encrypt(SECRET)
    with pytest.raises(fluxsecrets.ConfigError, match=r"new\.yaml"):
        fluxsecrets.encrypt(SECRET, path=tmp_path / "new.yaml")


def test_several_documents_need_load_all(recipient, tmp_path):
    path = tmp_path / "two.yaml"
    path.write_bytes(fluxsecrets.encrypt("a: 1\n---\nb: 2\n", age=[recipient]))

    assert fluxsecrets.load_all(path) == [{"a": 1}, {"b": 2}]
    with pytest.raises(fluxsecrets.FormatError, match="2 YAML documents"):
        fluxsecrets.load(path)


@pytest.mark.parametrize(
    ("name", "content", "data"),
    [
        ("a.json", b'{"a": [1, "x"]}', {"a": [1, "x"]}),
        ("a.env", b"A=1\n", {"A": "1"}),
        ("a.ini", b"[s]\nk = v\n", {"s": {"k": "v"}}),
        ("a.bin", b"\x00\xff", {"data": b"\x00\xff"}),
    ],
)
def test_every_format_goes_by_the_name(recipient, tmp_path, name, content, data):
    path = tmp_path / name
    path.write_bytes(fluxsecrets.encrypt(content, path=path, age=[recipient]))
    assert fluxsecrets.load(path) == data


def test_tampering_is_an_integrity_error_without_the_value(recipient):
    encrypted = fluxsecrets.encrypt(SECRET, age=[recipient]).replace(b"name: db", b"name: other")
    with pytest.raises(fluxsecrets.IntegrityError) as caught:
        fluxsecrets.loads(encrypted)
    assert "hunter2" not in repr(caught.value) + str(caught.value) + str(caught.value.__context__)


def test_without_an_identity_the_error_says_what_was_tried(recipient, monkeypatch):
    encrypted = fluxsecrets.encrypt(SECRET, age=[recipient])
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    with pytest.raises(fluxsecrets.DataKeyError) as caught:
        fluxsecrets.decrypt(encrypted)
    assert any("looked in" in line for line in caught.value.details)


def test_what_is_public_is_there_and_loads_nothing_heavy_on_import():
    for name in fluxsecrets.__all__:
        assert getattr(fluxsecrets, name).__doc__
    code = "import sys, fluxsecrets; print('yaml' in sys.modules or 'cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        fluxsecrets.nonsense  # noqa: B018
