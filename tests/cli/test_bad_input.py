"""Bad input through every entry point: a helpful message, the old file untouched, the secret nowhere."""

import base64
import re
import subprocess

import pytest

from ciphertexts import WHOLE

MARKER = "hunter2-throwaway"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: {MARKER}
"""
ITEM = f"""\
- apiVersion: v1
  kind: Secret
  metadata:
    name: db
  stringData:
    password: {MARKER}
"""
BOMB = "\n".join(
    [f"a0: &a0 [{MARKER}]"]
    + [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
)

# What a file holds, by what is wrong with it. All of these are errors for whatever reads the file.
UNREADABLE = {
    "not-yaml": f"password: {MARKER}\n  indented: [\n",
    "truncated": SECRET[: SECRET.index(MARKER)] + f'"{MARKER}',
    "conflict-markers": SECRET.replace(
        "  password", f"<<<<<<< HEAD\n  password: {MARKER}1\n=======\n  password"
    )
    + ">>>>>>> theirs\n",
    "duplicate-keys": f"{SECRET}  password: {MARKER}2\n",
    "duplicate-keys-in-the-second-document": f"{SECRET}---\nkind: x\nkind: {MARKER}\n",
    "key-is-a-number": f"{SECRET}  1: {MARKER}\n",
    "key-is-a-list": f"{SECRET}  ? [{MARKER}]\n  : x\n",
    "key-is-null": f"{SECRET}  ~: {MARKER}\n",
    "key-is-a-boolean": f"{SECRET}  true: {MARKER}\n",
    "key-is-a-date": f"{SECRET}  2026-01-02: {MARKER}\n",
    "list-at-the-top": ITEM,
    "value-at-the-top": MARKER,
    "binary-rubbish": b"\x00\x01\xff\xfe" + MARKER.encode() + bytes(range(256)),
    "too-deep-flow": "a: " + "[" * 10_000 + MARKER + "]" * 10_000,
    "too-deep-block": "\n".join(" " * level + "a:" for level in range(2_000)) + f" {MARKER}",
    "too-deep-compact": "a:\n" + "- " * 10_000 + MARKER,
    "alias-bomb": BOMB,
    "invalid-utf-8": SECRET.encode() + b"  other: \xff\xfe\n",
    "utf-16": SECRET.encode("utf-16"),
    "empty": "",
    "comments-only": f"# {MARKER}\n",
    "sops-is-no-block": f"{SECRET}sops: {MARKER}\n",
    "own-tag-with-rubbish": f"{SECRET}  number: !!int {MARKER}\n",
}

# These can be read, and are refused when they are to be encrypted.
UNPROTECTED = {
    "label-that-the-selector-hits": SECRET.replace("name: db", "name: db\n  labels:\n    stringData: x"),
    "list-of-secrets": f"apiVersion: v1\nkind: List\nitems:\n{ITEM}",
    "secret-list": f"apiVersion: v1\nkind: SecretList\nitems:\n{ITEM}",
    "ciphertext-without-block": SECRET.replace("stringData:", f"stringData:\n  old: {WHOLE}"),
}

# What `.sops.yaml` says, by what is wrong with it.
RULES = {
    "no-rule-matches": "creation_rules: [{path_regex: ^other/, age: ALICE}, {path_regex: .js$, age: ALICE}]",
    "no-creation-rules": "stores: {yaml: {indent: 2}}\n",
    "no-recipients": "creation_rules:\n  - path_regex: .\n",
    "invalid-path-regex": "creation_rules:\n  - path_regex: '['\n    age: ALICE\n",
    "invalid-selector": "creation_rules:\n  - age: ALICE\n    encrypted_regex: '^(data'\n",
    "two-selectors": "creation_rules: [{age: ALICE, encrypted_regex: ^data$, unencrypted_suffix: _plain}]\n",
    "bad-recipient": "creation_rules:\n  - age: age1notakey\n",
    "private-key-as-recipient": "creation_rules:\n  - age: PRIVATE\n",
    "not-yaml": "creation_rules: [\n",
    "selector-hits-metadata": "creation_rules:\n  - age: ALICE\n    encrypted_regex: data|stringData\n",
    "selector-hits-everything": "creation_rules:\n  - age: ALICE\n    encrypted_regex: .*\n",
    "selector-hits-nothing": "creation_rules:\n  - age: ALICE\n    encrypted_regex: ^spec$\n",
    "comment-selector": "creation_rules:\n  - age: ALICE\n    encrypted_comment_regex: secret\n",
}


def every_way(cli, name, content):
    """The command lines that read a file, with what they get on standard input."""
    yield ("encrypt", name), b""
    yield ("encrypt", "--check", name), b""
    yield ("encrypt", "--stdout", name), b""
    yield ("encrypt", "-", "--filename", name), content
    yield ("decrypt", name), b""
    yield ("decrypt", "-i", name), b""
    yield ("decrypt", "-", "--filename", name), content
    yield ("status", name), b""
    yield ("explain", name), b""


def transcript(cli, folder, ways):
    """What the commands say, and their exit codes; those that say the same stand together.

    Each must leave everything as it was, and the secret in no place but the file.
    """
    before = folder.files()
    said, codes = {}, set()
    for arguments, stdin in ways:
        result = cli(*arguments, stdin=stdin)
        assert not folder.leaks(result.stdout_bytes, result.stderr), arguments
        assert folder.files() == before, arguments
        # the sum, and the table, say it once more
        text = re.sub(r"^1 file: 1 failed\n", "", folder.scrub(result.stderr), flags=re.MULTILINE)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", text or folder.scrub(result.stdout))
        said.setdefault(f"{text}= {result.exit_code}", []).append(" ".join(arguments))
        codes.add(result.exit_code)
    blocks = ("".join(f"$ fluxsecrets {line}\n" for line in lines) + text for text, lines in said.items())
    return "\n\n".join(blocks), codes


@pytest.mark.parametrize("case", UNREADABLE)
def test_file_that_cannot_be_read(case, folder, cli, snapshot):
    content = UNREADABLE[case]
    path = folder.write("secret.yaml", content)
    shown, codes = transcript(cli, folder, every_way(cli, "secret.yaml", path.read_bytes()))
    assert codes == {2}
    assert shown == snapshot


@pytest.mark.parametrize("case", UNPROTECTED)
def test_file_that_could_not_be_protected(case, folder, cli, snapshot):
    path = folder.write("secret.yaml", UNPROTECTED[case])
    ways = [way for way in every_way(cli, "secret.yaml", path.read_bytes()) if way[0][0] == "encrypt"]
    shown, codes = transcript(cli, folder, ways)
    assert codes == {2}
    assert shown == snapshot


@pytest.mark.parametrize("case", RULES)
def test_rules_that_cannot_be_used(case, folder, cli, identity, snapshot):
    folder.rules(RULES[case].replace("ALICE", identity.recipient).replace("PRIVATE", identity.secret))
    path = folder.write("secret.yaml")
    ways = list(every_way(cli, "secret.yaml", path.read_bytes()))
    _, codes = transcript(cli, folder, [way for way in ways if way[0][0] == "encrypt"])
    assert codes == {2}
    shown, _ = transcript(cli, folder, [way for way in ways if way[0][0] != "decrypt"])
    assert identity.secret not in shown
    assert shown == snapshot


@pytest.mark.parametrize("case", ["none", "misspelled"])
def test_no_rules_at_all(case, folder, cli, identity, snapshot):
    (folder.path / ".sops.yaml").rename(folder.path / (".sops.yml" if case == "misspelled" else "other.yaml"))
    path = folder.write("secret.yaml")
    ways = [way for way in every_way(cli, "secret.yaml", path.read_bytes()) if way[0][0] == "encrypt"]
    shown, codes = transcript(cli, folder, ways)
    assert codes == {2}
    assert shown == snapshot


def damage(text, case):
    """An encrypted file with something wrong in it."""
    if case == "value":
        return re.sub(
            r"(password: ENC\[AES256_GCM,data:)(.)", lambda m: m[1] + ("B" if m[2] == "A" else "A"), text
        )
    if case == "mac":
        return re.sub(
            r"(mac: ENC\[AES256_GCM,data:)(.)", lambda m: m[1] + ("B" if m[2] == "A" else "A"), text
        )
    if case == "lastmodified":
        return re.sub(r'lastmodified: "\d{4}', 'lastmodified: "2001', text)
    if case == "missing-mac":
        return re.sub(r"\n *mac: [^\n]*", "", text)
    if case == "plain-key-changed":
        return text.replace("name: db", "name: other")
    if case == "plain-value-added":
        return text.replace("stringData:\n", f"stringData:\n  added: {MARKER}\n")
    if case == "ciphertext-moved":
        return re.sub(r"password: (ENC\[[^\n]*)", r"password: \1\n  copy: \1", text)
    if case == "conflict-markers":
        return re.sub(r"( *mac: [^\n]*\n)", r"<<<<<<< HEAD\n\1=======\n\1>>>>>>> theirs\n", text)
    if case == "wrapped-key":
        return re.sub(r"(BEGIN AGE ENCRYPTED FILE-----\n *)....", r"\1AAAA", text)
    if case == "no-recipients":
        return re.sub(r"\n  age:\n.*?(?=\n  lastmodified)", "", text, flags=re.DOTALL)
    raise AssertionError(case)


@pytest.mark.parametrize(
    "case",
    [
        *("value", "mac", "lastmodified", "missing-mac", "plain-key-changed", "plain-value-added"),
        *("ciphertext-moved", "conflict-markers", "wrapped-key", "no-recipients"),
    ],
)
def test_damaged_encrypted_file(case, encrypted, cli, snapshot):
    old = encrypted.read("secret.yaml").decode()
    new = damage(old, case)
    assert new != old
    encrypted.write("secret.yaml", new)
    ways = [way for way in every_way(cli, "secret.yaml", new.encode()) if way[0][0] in ("decrypt", "status")]
    shown, _ = transcript(cli, encrypted, ways)
    # status needs no key to read values, so that it cannot check the MAC
    _, codes = transcript(cli, encrypted, [way for way in ways if way[0][0] == "decrypt"])
    assert codes == {2}
    # age's armour is of no fixed length, so that the block's lines move
    shown = re.sub(r"secret.yaml:2\d: ", "secret.yaml:LINE: ", shown)
    assert shown == snapshot


@pytest.mark.parametrize("case", ["plain-value-added", "missing-mac", "conflict-markers"])
def test_encrypt_does_not_pass_over_a_damaged_file(case, encrypted, cli):
    new = damage(encrypted.read("secret.yaml").decode(), case)
    encrypted.write("secret.yaml", new)
    for arguments in (("encrypt", "secret.yaml"), ("encrypt", "--check", "secret.yaml")):
        result = cli(*arguments)
        assert result.exit_code == 2
        assert not encrypted.leaks(result.stdout_bytes, result.stderr)
    assert encrypted.read("secret.yaml") == new.encode()


def test_file_that_is_not_encrypted(folder, cli, snapshot):
    path = folder.write("secret.yaml")
    ways = [way for way in every_way(cli, "secret.yaml", path.read_bytes()) if way[0][0] == "decrypt"]
    shown, codes = transcript(cli, folder, ways)
    assert codes == {2}
    assert shown == snapshot


def test_encrypted_already_is_unchanged(encrypted, cli):
    old = encrypted.read("secret.yaml")
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 0
    assert "unchanged" in result.stdout
    assert cli("encrypt", "--check", "secret.yaml").exit_code == 0
    for way in (("--stdout", "secret.yaml"), ("-", "--filename", "secret.yaml")):
        result = cli("encrypt", *way, stdin=old)
        assert (result.exit_code, result.stdout_bytes) == (0, old)
    assert encrypted.read("secret.yaml") == old


@pytest.mark.parametrize("case", ["none", "other", "damaged", "missing", "folder", "public-key"])
def test_identities_that_do_not_open_it(case, encrypted, cli, identity, act_as, monkeypatch, snapshot):
    if case == "none":
        monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    elif case == "other":
        act_as("bob")
    elif case == "damaged":
        identity.path.write_text(identity.secret[:-4] + "QQQQ\n")
    elif case == "missing":
        identity.path.unlink()
    elif case == "folder":
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(encrypted.path))
    else:
        identity.path.write_text(f"{identity.recipient}\n")
    ways = [(("decrypt", *more, "secret.yaml"), b"") for more in ((), ("-i",))]
    _, codes = transcript(cli, encrypted, ways)
    assert codes == {2}
    shown, _ = transcript(cli, encrypted, [*ways, (("status", "secret.yaml"), b"")])
    assert identity.secret[:30] not in shown
    shown = shown.replace(str(identity.path.parent), "HOME")
    # which places there are is the business of the key providers
    shown = re.sub(r"(?m)^( *looked in: ).*", r"\1PLACES", shown)
    assert shown == snapshot


def test_large_file_is_not_read(folder, cli):
    path = folder.write("secret.yaml")
    with path.open("ab") as stream:
        stream.truncate(100 * 2**20)  # sparse: nobody has to write or read that much
    for arguments in (("encrypt",), ("encrypt", "--stdout"), ("decrypt",), ("status",), ("explain",)):
        result = cli(*arguments, "secret.yaml")
        assert result.exit_code == 2
        assert "secret.yaml: is too large: 100.0 MiB, the limit is 16 MiB" in result.stderr
        assert not folder.leaks(result.stdout_bytes, result.stderr)
    assert path.stat().st_size == 100 * 2**20


def test_large_standard_input_is_not_read_to_its_end(folder, cli):
    content = SECRET.encode() + b"#" * (17 * 2**20)
    for arguments in (("encrypt", "-", "--filename", "secret.yaml"), ("decrypt", "-")):
        result = cli(*arguments, stdin=content)
        assert result.exit_code == 2
        assert "too large" in result.stderr
        assert not folder.leaks(result.stdout_bytes, result.stderr)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""], ids=["with-bom", "without-bom"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_byte_order_mark_and_line_breaks_are_kept(folder, cli, prefix, newline):
    old = prefix + SECRET.encode().replace(b"\n", newline)
    folder.write("secret.yaml", old)
    assert cli("encrypt", "secret.yaml").exit_code == 0
    new = folder.read("secret.yaml")
    assert new.startswith(prefix + b"apiVersion")
    assert new.count(b"\n") == new.count(newline)
    assert not folder.leaks(new)
    assert cli("decrypt", "secret.yaml").stdout_bytes == old
    assert cli("decrypt", "-i", "secret.yaml").exit_code == 0
    assert folder.read("secret.yaml") == old


def test_one_bad_file_does_not_stop_the_others(folder, cli, snapshot):
    folder.write("a.yaml")
    folder.write("b.yaml", UNREADABLE["not-yaml"])
    folder.write("c.yaml")
    folder.write("d.yaml", UNPROTECTED["list-of-secrets"])
    result = cli("encrypt", "a.yaml", "b.yaml", "missing.yaml", "c.yaml", "d.yaml")
    assert result.exit_code == 2
    assert not folder.leaks(result.stdout, result.stderr, folder.read("a.yaml"), folder.read("c.yaml"))
    assert folder.leaks(folder.read("b.yaml"))
    assert f"{result.stdout}\n{folder.scrub(result.stderr)}" == snapshot


def test_an_error_that_many_files_share_is_said_once(folder, cli):
    folder.rules(RULES["invalid-selector"].replace("ALICE", folder.recipient))
    names = [f"{number}.yaml" for number in range(5)]
    for name in names:
        folder.write(name)
    result = cli("encrypt", *names)
    assert result.exit_code == 2
    assert result.stderr.count("error:") == 1
    assert "(5 files failed because of this)" in result.stderr
    assert "5 files: 5 failed" in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("with blank.yaml", "line\nbreak.yaml", "bell\x07.yaml", "esc\x1b[31m.yaml", "[red]x[bold].yaml"),
        *("-dash.yaml", "--option.yaml", "\u202egnp.yaml", b"latin-\xe9.yaml", "ключ.yaml", "#hash.yaml"),
    ],
)
def test_names_that_could_disturb(folder, cli, name):
    path = folder.write(name)
    result = cli("encrypt", "--", path.name)
    assert result.exit_code == 0, result.stderr
    assert not folder.leaks(path.read_bytes())
    assert len(result.stdout.splitlines()) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", result.stdout)
    shown = cli("status", "--", path.name)
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 1
    assert folder.leaks(cli("decrypt", "--", path.name).stdout_bytes)
    path.write_text("a: [")
    result = cli("encrypt", "--", path.name)
    assert result.exit_code == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\ud800-\udfff]", result.stderr)


def test_the_list_is_split_where_that_is_wanted(folder, cli):
    folder.write("secret.yaml", UNPROTECTED["list-of-secrets"])
    result = cli("encrypt", "--split-lists", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert not folder.leaks(folder.read("secret.yaml"))
    assert cli("decrypt", "secret.yaml").stdout == SECRET


def test_base64_of_the_secret_would_be_found(folder):
    """The tests look for it, so that it must be what they look for."""
    assert folder.leaks(base64.b64encode(MARKER.encode()))
    assert folder.leaks(f"x{MARKER}y")
    assert not folder.leaks("hunter")


def test_nothing_of_this_depends_on_git(folder):
    done = subprocess.run(["git", "rev-parse"], cwd=folder.path, capture_output=True, check=False)
    assert done.returncode != 0
