"""What a file's bytes are as text: encodings without a mark, and NULs that make a text look binary."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.scan.blob import Blob

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: kX9vQ2mNp4Lz-throwaway\n"
STARTS = [
    "",
    "é: 1\n",
    "# 日本語のコメント\n",
    "# 😀😀\n",
    "Ж: ж\n",
    f"# {'秘密' * 900}\n",
    "\r\n\r\n",
    "# א\n",
]
WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]


@pytest.mark.parametrize("encoding", [*WIDE, "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("start", STARTS)
def test_a_secret_in_any_unicode(scanner, encoding, start):
    line = start.count("\n") + 6
    assert scanner((start + SECRET).encode(encoding), "s.yaml") == [f"{line} plain-secret"]
    assert scanner((start + SECRET).encode(encoding), "notes") == [f"{line} plain-secret"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_a_secret_beside_what_is_not_unicode(scanner, encoding):
    assert scanner(("# Schlüssel für später\n" + SECRET).encode(encoding), "s.yaml") == ["7 plain-secret"]


@pytest.mark.parametrize(
    ("data", "path", "found"),
    [
        (SECRET.encode() + b"\0", "s.yaml", ["6 plain-secret"]),
        (b"\0" + SECRET.encode(), "s.yaml", ["6 plain-secret"]),
        (SECRET.encode() + b"# \0\n", "s.yaml", ["6 plain-secret"]),
        (SECRET.encode() + b"#\0 \0\n", "s.yaml", ["6 plain-secret"]),
        (SECRET.encode() + b"# \0 \0 \0 \0a\0b\0\n", "s.yaml", ["6 plain-secret"]),
        (SECRET.replace("\n", "\0\n").encode(), "s.txt", ["6 plain-secret"]),
        (b"DB_PASSWORD=hunter22x\n\0", "app.env", ["1 env-file"]),
        ("# é\nDB_PASS\0WORD=hunter22x\n".encode(), "app.env", ["2 env-file"]),
        (b"password: hunter22x\n\0\0\0", "values.yaml", ["1 helm-value"]),
    ],
)
def test_nuls_do_not_hide_a_text(scanner, data, path, found):
    assert scanner(data, path) == found


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4,
        b"\x7fELF\2\1\1\0" + bytes(600),
        b"RIFF\x24\x08\0\0WAVEfmt " + bytes(value % 256 for value in range(0, 9000, 7)),
        bytes(range(128)) * 20,
        gzip.compress(SECRET.encode()) + bytes(8),
        zlib.compress(bytes(900)) + bytes(20),
        b"\0\1" * 50,
        b"ab\0\0\0\0\0\0\0\0\0",
    ],
)
def test_binary_files_stay_as_they_are(data):
    blob = Blob("some.bin", data)
    assert blob.binary
    assert blob.data == data


ANY = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=60)


@given(st.lists(ANY, max_size=8), st.sampled_from(WIDE))
def test_texts_are_read_in_any_width(lines, encoding):
    text = "\n".join(["# a comment", *lines, "name: value", ""])
    assert "name: value\n" in Blob("x.yaml", text.encode(encoding)).text


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(data):
    blob = Blob("x", data)
    assert blob.place(blob.offset(len(blob.data)))[0] == 1 + blob.text.count("\n")
