"""Archives and compressed files: what is in them is found, and what cannot be read is an error."""

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import ArchiveError
from fluxsecrets.scan import containers
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.containers import CONTAINERS, Budget, container_of, read_members
from token_samples import make

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  pin: kX9vQ2mNp4Lz-throwaway\n"
TOKEN = make("ghp_{base62:30}{crc62}", "inside")
FILES = {"etc/secret.yaml": SECRET, "README": "nothing\n"}
LONG = "a-long-folder/" * 9 + "and-a-name-that-does-not-fit-either.yaml"


def zipped(files, way=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", way) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files, form=tarfile.PAX_FORMAT):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return target.getvalue()


def locked(data):
    """The archive with the sign of an encrypted file on each."""
    return data.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0")


def nested(levels):
    data = SECRET.encode()
    for level in range(levels):
        data = zipped({"inner.zip" if level else "secret.yaml": data})
    return data


@pytest.fixture
def scan(scanner):
    """What is found, as `path:line rule`, and what stood in the way."""

    def scan(data, path):
        scanned = scanner.scan(data, path)
        found = [f"{each.location.path}:{each.location.line} {each.rule}" for each in scanned.findings]
        problem = scanned.problem
        return found, "" if problem is None else str(problem)

    return scan


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.zip", zipped(FILES)),
        ("a.jar", zipped(FILES, zipfile.ZIP_STORED)),
        ("a.bin", zipped(FILES, zipfile.ZIP_BZIP2)),
        ("noname", zipped(FILES, zipfile.ZIP_LZMA)),
        ("a.tar", tarred(FILES)),
        ("b.tar", tarred(FILES, tarfile.GNU_FORMAT)),
        ("c.tar", tarred(FILES, tarfile.USTAR_FORMAT)),
        ("a.tgz", gzip.compress(tarred(FILES))),
        ("a.tar.bz2", bz2.compress(tarred(FILES))),
        ("a.txz", lzma.compress(tarred(FILES))),
    ],
)
def test_every_kind_is_opened(scan, path, data):
    assert scan(data, path) == ([f"{path}!etc/secret.yaml:6 plain-secret"], "")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("secret.yaml.gz", gzip.compress(SECRET.encode())),
        ("secret.yaml.gz", gzip.compress(b"") + gzip.compress(SECRET.encode())),
        ("secret.yaml.bz2", bz2.compress(SECRET.encode())),
        ("secret.yaml.xz", lzma.compress(SECRET.encode())),
    ],
)
def test_one_compressed_file(scan, path, data):
    assert scan(data, path) == ([f"{path}!secret.yaml:6 plain-secret"], "")


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names(scan, form):
    assert scan(tarred({LONG: SECRET}, form), "a.tar")[0] == [f"a.tar!{LONG}:6 plain-secret"]


def test_names_are_shown_without_tricks(scan):
    data = tarred({"../../etc/\x1b[31mx\n.yaml": SECRET, "/abs.yaml": SECRET})
    assert scan(data, "a.tar")[0] == [
        "a.tar!../../etc/?[31mx?.yaml:6 plain-secret",
        "a.tar!abs.yaml:6 plain-secret",
    ]


def test_containers_in_containers(scan):
    data = zipped({"a.tgz": gzip.compress(tarred({"deep/b.zip": zipped({"token": TOKEN})}))})
    assert scan(data, "all.zip") == (["all.zip!a.tgz!deep/b.zip!token:1 github-token"], "")


@pytest.mark.parametrize(
    ("path", "data", "problem"),
    [
        (
            "a.zip",
            nested(6),
            "a.zip!inner.zip!inner.zip!inner.zip!inner.zip: has more than 4 archives within",
        ),
        (
            "a.zip",
            locked(zipped(FILES)),
            "a.zip: is encrypted in part, so its content is unknown: etc/secret.yaml",
        ),
        ("a.zip", zipped(FILES)[:-30], "a.zip: is damaged"),
        ("a.tgz", gzip.compress(tarred(FILES))[:-40], "a.tgz: is cut off"),
        ("a.tar", tarred(FILES)[:600], "a.tar: ends before its last file does"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "a.7z: is an archive of a kind that is not opened"),
        ("a.tar.zst", b"\x28\xb5\x2f\xfd\0\4", "a.tar.zst: is an archive of a kind that is not opened"),
        ("a.rar", b"Rar!\x1a\x07\x01\0", "a.rar: is an archive of a kind that is not opened"),
    ],
)
def test_what_cannot_be_read_is_an_error(scan, path, data, problem):
    assert problem in scan(data, path)[1]


def test_what_is_before_the_damage_is_found(scan):
    text = SECRET + make("# {hex:2000}\n", "rest")
    found, problem = scan(gzip.compress(text.encode())[:-300], "a.yaml.gz")
    assert found == ["a.yaml.gz!a.yaml:6 plain-secret"]
    assert problem == "a.yaml.gz: is cut off"


def bombs():
    zeros = b"\0" * 300_000
    one = zipped({"0": zeros})
    return {
        "bomb.gz": gzip.compress(zeros),
        "bomb.bz2": bz2.compress(zeros),
        "bomb.xz": lzma.compress(zeros),
        "bomb.zip": one,
        "many.zip": zipped({f"{number}.zip": one for number in range(20)}),
        "files.zip": zipped({str(number): "" for number in range(60)}),
        "files.tar": tarred({str(number): "" for number in range(60)}),
        "streams.gz": gzip.compress(b"") * 60,
    }


@pytest.mark.parametrize("name", bombs())
def test_bombs_end_early(scan, monkeypatch, name):
    monkeypatch.setattr(containers, "MOST_BYTES", 100_000)
    monkeypatch.setattr(containers, "MOST_MEMBERS", 50)
    problem = scan(bombs()[name], name)[1]
    assert problem.endswith("so the rest was not scanned")


def test_one_in_pieces_is_an_error(engine):
    scanned = engine.scan(Blob("large.zip", zipped(FILES), part=True))
    assert str(scanned.problem) == "large.zip: is an archive, and too large to be looked into"


def test_a_member_is_reported_once(scan):
    """It stands in the archive as it is."""
    assert scan(tarred({"a.txt": TOKEN}), "a.tar")[0] == ["a.tar!a.txt:1 github-token"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        b"GIF89a" + bytes(300),
        b"\x7fELF\2\1\1" + bytes(500),
        b"BZh is not a compressed file",
        b"PK is short for public key",
        zlib.compress(SECRET.encode()),
        zipped({}),
    ],
)
def test_what_is_not_a_container_is_not_an_error(scan, data):
    assert scan(data, "some.bin") == ([], "")


SEEDS = [zipped(FILES), tarred(FILES), tarred({LONG: SECRET}), gzip.compress(SECRET.encode())]
SEEDS += [bz2.compress(SECRET.encode()), lzma.compress(SECRET.encode())]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 11_000), st.integers(0, 255)), max_size=8),
    st.data(),
)
def test_damage_raises_nothing_else(seed, changes, data):
    damaged = bytearray(seed)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    damaged = bytes(damaged[: data.draw(st.integers(1, len(damaged)))])
    for container in CONTAINERS:
        with contextlib.suppress(ArchiveError):
            for member in read_members(damaged, container, Budget()):
                assert isinstance(member.name, str)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60),
        st.binary(max_size=700),
        max_size=5,
    )
)
def test_what_was_packed_comes_out(files):
    files = {name.strip("/") or "x": content for name, content in files.items()}
    for data in (tarred(files), tarred(files, tarfile.GNU_FORMAT)):
        container = container_of(data)
        if container is None:
            assert not files
            continue
        assert {member.name: member.data for member in read_members(data, container, Budget())} == files
