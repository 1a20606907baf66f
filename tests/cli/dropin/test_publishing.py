"""`fluxsecrets-sops publish`, beside the real one where it is on PATH."""

import json
import subprocess

import pytest

from s3server import RefusalError


@pytest.fixture
def app(folder, s3, sops):
    """A folder with two encrypted files, and a rule with a bucket for each folder."""
    folder.rules(
        f"creation_rules:\n  - age: {folder.recipient}\ndestination_rules:\n"
        "  - {path_regex: ^app/, s3_bucket: waddle, s3_prefix: team/}\n"
        "  - {path_regex: ^short/, s3_bucket: waddle, s3_prefix: short-, omit_extensions: true}\n"
        "  - path_regex: ^copies/\n    s3_bucket: waddle\n"
        f"    recreation_rule: {{age: {folder.recipient}}}\n"
    )
    for name in ("app/a.yaml", "app/deep/b.json", "short/c.env", "copies/d.yaml"):
        folder.write(
            name,
            {"n": '{"password": "%s"}', "v": "PASSWORD=%s\n"}.get(name[-1], "password: %s\n") % folder.marker,
        )
        assert sops("encrypt", "-i", name).code == 0
    return folder


def test_a_file(app, sops, s3):
    done = sops("publish", "--yes", "app/a.yaml")
    assert (done.code, done.out) == (0, b"")
    assert s3.get("team/a.yaml") == app.read("app/a.yaml")
    assert "app/a.yaml: published to s3://waddle/team/a.yaml" in done.err


def test_a_folder(app, sops, s3):
    done = sops("publish", "-y", "--recursive", "app")
    assert done.code == 0
    assert s3.names() == ["team/a.yaml", "team/deep/b.json"]
    assert sops("publish", "-y", "--recursive", "app/a.yaml").code == 0
    assert s3.names() == ["team/a.yaml", "team/deep/b.json"]


def test_without_extensions(app, sops, s3):
    assert sops("publish", "-y", "short/c.env").code == 0
    assert sops("publish", "-y", "--omit-extensions", "app/a.yaml").code == 0
    assert s3.names() == ["short-c", "team/a"]


def test_the_path_counts_as_it_is_written(app, sops, s3):
    done = sops("publish", "-y", "./app/a.yaml")
    assert (done.code, s3.names()) == (1, [])
    assert "no destination is configured for this file" in done.err


def test_a_copy_is_encrypted_as_sops_does_it(app, sops, s3):
    app.write("copies/k.yaml", f"apiVersion: v1\nkind: Secret\nstringData: {{password: {app.marker}}}\n")
    assert sops("encrypt", "-i", "--encrypted-regex", "^stringData$", "copies/k.yaml").code == 0
    assert sops("publish", "-y", "copies/k.yaml").code == 0
    copy = s3.get("k.yaml").decode()
    assert copy.startswith("apiVersion: ENC[")
    app.write("k.yaml", copy)
    assert app.marker.encode() in sops("decrypt", "k.yaml").out


@pytest.mark.parametrize(
    ("answer", "code", "uploads"), [(b"y\n", 0, 1), (b"n\n", 1, 0), (b"what\n\nn\n", 1, 0), (b"", 1, 0)]
)
def test_it_asks(app, sops, s3, answer, code, uploads):
    done = sops("publish", "app/a.yaml", stdin=answer)
    assert (done.code, s3.count("PUT")) == (code, uploads)
    assert done.out.decode().startswith(
        f"uploading {app.path}/app/a.yaml to s3://waddle/team/a.yaml ? (y/n): "
    )


def test_no_leaves_one_file_of_a_folder_out(app, sops, s3):
    done = sops("publish", "--recursive", "app", stdin=b"n\ny\n")
    assert (done.code, s3.names()) == (0, ["team/deep/b.json"])
    assert "app/a.yaml: not published" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 100, "no file was named"),
        (("none.yaml",), 1, "there is no such file"),
        (("app",), 1, "it is a folder"),
        (("other.yaml",), 1, "no destination is configured for this file"),
        (("app/plain.yaml",), 1, "sops metadata not found"),
    ],
)
def test_what_is_refused(app, sops, s3, arguments, code, message):
    app.write("other.yaml")
    app.write("app/plain.yaml")
    done = sops("publish", "-y", *arguments)
    assert (done.code, s3.count("PUT")) == (code, 0)
    assert message in done.err


def test_two_files_for_one_name(app, sops, s3):
    app.write("app/a.json", app.read("app/deep/b.json"))
    done = sops("publish", "-y", "--recursive", "--omit-extensions", "app")
    assert (done.code, s3.names()) == (1, [])
    assert "app/a.json and app/a.yaml would be published to the same place" in done.err


def test_exit_codes(app, sops, s3, act_as):
    text = app.read("copies/d.yaml").decode()
    app.write("copies/d.yaml", text.replace("mac: ENC[AES256_GCM,data:", "mac: ENC[AES256_GCM,data:AAAA"))
    assert sops("publish", "-y", "copies/d.yaml").code in (25, 51)
    app.write("copies/d.yaml", text)
    act_as("bob")
    assert sops("publish", "-y", "copies/d.yaml").code == 128
    s3.before = refuse
    assert sops("publish", "-y", "app/a.yaml").code == 1
    assert s3.names() == []


def refuse(method, _path):
    if method == "PUT":
        raise RefusalError("AccessDenied", 403)


def test_the_log_says_where_files_went(app, sops, s3, tmp_path, monkeypatch):
    monkeypatch.setenv("FLUXSECRETS_LOG", str(tmp_path / "log.jsonl"))
    assert sops("publish", "-y", "--recursive", "app").code == 0
    lines = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert [(each["path"], each["destination"]) for each in lines if each["event"] == "file"] == [
        ("app/a.yaml", "s3://waddle/team/a.yaml"),
        ("app/deep/b.json", "s3://waddle/team/deep/b.json"),
    ]


def test_an_unknown_field_is_a_warning(app, sops, s3):
    app.rules("destination_rules:\n  - s3_bucket: waddle\n    reencryption_rule: {}\n")
    done = sops("publish", "-y", "app/a.yaml")
    assert (done.code, s3.names()) == (0, ["a.yaml"])
    assert ".sops.yaml:3: destination_rules[0].reencryption_rule is not a known field" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("-y", "app/a.yaml"),
        ("-y", "--recursive", "app"),
        ("-y", "short/c.env"),
        ("-y", "--omit-extensions", "app/deep/b.json"),
        ("-y", "--recursive", "--omit-extensions", "app"),
        ("-y", "./app/a.yaml"),
        ("-y", "app"),
        ("-y", "none.yaml"),
    ],
)
def test_as_the_real_sops(app, sops, s3, real_sops, arguments):
    ours = sops("publish", *arguments)
    uploaded = {name: s3.get(name) for name in s3.names()}
    for name in uploaded:
        s3.put(name, b"")
    theirs = subprocess.run([real_sops, "publish", *arguments], capture_output=True, timeout=60, check=False)
    assert ours.code == theirs.returncode, theirs.stderr
    assert {name: s3.get(name) for name in s3.names()} == uploaded


def test_both_read_the_copies_of_the_other(app, sops, s3, real_sops):
    for command in ("ours", "theirs"):
        if command == "ours":
            assert sops("publish", "-y", "copies/d.yaml").code == 0
        else:
            subprocess.run([real_sops, "publish", "-y", "copies/d.yaml"], check=True, timeout=60)
        app.write("copy.yaml", s3.get("d.yaml"))
        plain = f"password: {app.marker}\n".encode()
        assert sops("decrypt", "copy.yaml").out == plain
        shown = subprocess.run(
            [real_sops, "decrypt", "copy.yaml"], check=True, capture_output=True, timeout=60
        )
        assert shown.stdout == plain
