"""No command writes in plain text what its selector does not reach, wherever ciphertexts were copied to.

Comments are not in the MAC, and a ciphertext's `type:` is not authenticated: whoever can write to the
repository, without any key, can copy the ciphertext of a value into a comment.
"""

import json
import re
import shlex
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import commit_all
from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector
from sealing import VECTORS, key_file

RULES = "creation_rules:\n  - path_regex: \\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    age: {}\n"

PLAIN = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: app
  labels:
    app: db
  annotations: {}
stringData:
  # hunter2-comment
  password: hunter2-password
  user: hunter2-user
"""

CIPHERTEXT = re.compile(r"ENC\[AES256_GCM,[^\]]*type:(?:str|comment)\]")


def above(line, indent=""):
    return lambda text, comment: text.replace(f"{line}\n", f"{indent}#{comment}\n{line}\n", 1)


def below(line, indent=""):
    return lambda text, comment: text.replace(f"{line}\n", f"{line}\n{indent}#{comment}\n", 1)


def behind(line):
    """There is one comment on a line: the password's ciphertext, which comes first."""
    return lambda text, comment: text.replace(f"{line}\n", f"{line} #{comment}\n", 1)


OUTSIDE = {
    "top": lambda text, comment: f"#{comment}\n{text}",
    "above the metadata": above("metadata:"),
    "on a line": behind("kind: Secret"),
    "in the metadata": above("  name: db", "  "),
    "on a line of the metadata": behind("  namespace: app"),
    "in a map of the metadata": above("    app: db", "    "),
    "below an empty map": below("  annotations: {}", "  "),
    "on the line of the selected key": behind("stringData:"),
    "before the block": above("sops:"),
    "another document": lambda text, comment: f"{text}---\n#{comment}\n",
}
INSIDE = {
    "first of the selected part": below("stringData:", "  "),
    "end": lambda text, comment: f"{text}#{comment}\n",
}


def ciphertexts_of(text):
    """Each ciphertext of the file, as the comment that it is not, or was somewhere else."""
    body = text.partition("\nsops:")[0]
    found = [each.replace("type:str", "type:comment") for each in CIPHERTEXT.findall(body)]
    comment, password, user = found
    return password, user, comment


@pytest.fixture
def infra(tmp_path, identity, monkeypatch):
    """A repository with one encrypted Secret that holds each of its ciphertexts in each other place."""
    folder = tmp_path / "infra"
    (folder / "clusters/production").mkdir(parents=True)
    (folder / ".sops.yaml").write_text(RULES.format(identity.recipient))
    (folder / "sealing.crt").write_bytes(key_file("sealing.crt"))
    (folder / "secret.yaml").write_text(PLAIN)
    monkeypatch.chdir(folder)
    commit_all(folder, "rules")
    return folder


def attack(path, places):
    text = path.read_text()
    found = ciphertexts_of(text)
    for place in places.values():
        for each in found:
            text = place(text, each)
    for line in ("kind: Secret", "  namespace: app", "stringData:"):
        assert f"{line} #ENC" in text
    path.write_text(text)


@pytest.fixture
def attacked(infra, cli):
    path = infra / "secret.yaml"
    assert cli("encrypt", path).exit_code == 0
    assert "hunter2" not in path.read_text()
    attack(path, INSIDE | OUTSIDE)
    commit_all(infra, "comments")
    return infra


def plain_lines(folder):
    """Every line of every file, git's own left out, that has one of the values in it."""
    return [
        line
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
        for line in path.read_text(errors="replace").splitlines()
        if "hunter2" in line
    ]


def drop_in(*args):
    from fluxsecrets.cli.dropin.entry import run

    return run([*args])


EDITOR = shlex.join(
    [
        sys.executable,
        "-c",
        "import sys; p = sys.argv[1]; t = open(p).read(); open(p, 'w').write(t + '# more\\n')",
    ]
)

COMMANDS = {
    "set": lambda cli: cli("set", "secret.yaml", "stringData.user", "somebody").exit_code,
    "set plain": lambda cli: (
        cli("set", "--document", "1", "--plain", "secret.yaml", "metadata.labels.new", "x").exit_code
    ),
    "unset": lambda cli: cli("unset", "secret.yaml", "stringData.user").exit_code,
    "edit": lambda cli: cli("edit", "secret.yaml").exit_code,
    "decrypt and encrypt": lambda cli: (
        cli("decrypt", "-i", "secret.yaml").exit_code or cli("encrypt", "secret.yaml").exit_code
    ),
    "rotate": lambda cli: cli("rotate", "secret.yaml").exit_code,
    "sync": lambda cli: cli("recipients", "sync", "secret.yaml").exit_code,
    "drop-in set": lambda cli: drop_in("set", "secret.yaml", '["stringData"]["user"]', '"somebody"'),
    "drop-in unset": lambda cli: drop_in("unset", "secret.yaml", '["stringData"]["user"]'),
    "drop-in edit": lambda cli: drop_in("edit", "secret.yaml"),
    "drop-in rotate": lambda cli: drop_in("rotate", "-i", "secret.yaml"),
    "drop-in decrypt and encrypt": lambda cli: (
        drop_in("decrypt", "-i", "secret.yaml") or drop_in("encrypt", "-i", "secret.yaml")
    ),
    "seal": lambda cli: (
        cli(
            "convert", "secret.yaml", "--to", "sealed", "--cert", "sealing.crt", "--comments", "drop"
        ).exit_code
    ),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_writes_a_value_in_plain_text(attacked, cli, monkeypatch, command, capsys):
    monkeypatch.setenv("EDITOR", EDITOR)
    before = (attacked / "secret.yaml").read_bytes()
    code = COMMANDS[command](cli)
    assert code == 0, capsys.readouterr().err
    assert plain_lines(attacked) == []
    if command != "sync":
        assert (attacked / "secret.yaml").read_bytes() != before
    # It can still be read, and worked with.
    if command != "seal":
        assert cli("get", "secret.yaml", "stringData.password").stdout == "hunter2-password"
        assert cli("set", "--document", "1", "secret.yaml", "stringData.user", "else").exit_code == 0
        assert plain_lines(attacked) == []


def test_what_is_decrypted_on_purpose_is_what_was_selected(attacked, cli):
    """Other comments stay ciphertexts, in what `decrypt` prints and `convert` writes; so with sops."""
    shown = cli("decrypt", "secret.yaml")
    assert shown.exit_code == 0
    assert sorted(line.strip() for line in shown.stdout.splitlines() if "hunter2" in line) == [
        # The comment of the selected part opens in another place of that part.
        *["# hunter2-comment"] * 2,
        "password: hunter2-password",
        "user: hunter2-user",
    ]
    assert shown.stdout.count("#ENC[AES256_GCM,") == 3 * len(OUTSIDE | INSIDE) - 2 * 3 - 1
    assert "warning" in shown.stderr
    assert cli("convert", "secret.yaml", "--to", "plain", "--keep-names").exit_code == 0
    assert (attacked / "secret.yaml").read_text() == shown.stdout


def test_a_left_comment_stays_as_it_is(attacked, cli):
    path = attacked / "secret.yaml"
    password = re.search("kind: Secret #(.*)", path.read_text())[1]
    before = [line for line in path.read_text().splitlines() if password in line]
    assert cli("set", "secret.yaml", "stringData.password", "another").exit_code == 0
    assert [line for line in path.read_text().splitlines() if password in line] == before
    shown = cli("decrypt", "secret.yaml").stdout
    assert cli("decrypt", "-i", "secret.yaml").exit_code == 0
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 0
    assert "are ciphertexts outside of what is encrypted: they are left as they are" in result.stderr
    assert cli("decrypt", "secret.yaml").stdout == shown


# Any ciphertext in any place, within the library.

YAML = make_format("yaml")
DOCUMENT = """\
kind: Secret
# hunter2-about
data:
  # hunter2-first
  a: hunter2-a # hunter2-behind
  list:
  - hunter2-one
  - hunter2-two
  - [hunter2-inner, x]
  # hunter2-last
  map:
    b: hunter2-b

    # hunter2-below
stringData: {c: hunter2-c}
other:
- data: hunter2-d
  plain: yes
- plain: no
labels: {}
---
kind: ConfigMap
data:
- hunter2-e
name: config
"""
SELECTORS = [
    SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$"),
    SelectorSpec(SelectorKind.ENCRYPTED_SUFFIX, "ata"),
    SelectorSpec(SelectorKind.UNENCRYPTED_REGEX, "^(kind|other|labels|name)$"),
    SelectorSpec(SelectorKind.UNENCRYPTED_COMMENT_REGEX, "about|hunter2-[a-c]$"),
    SelectorSpec(SelectorKind.ENCRYPTED_COMMENT_REGEX, "about|first|hunter2-[a-e]$"),
]
VALUE = re.compile(r"ENC\[AES256_GCM,[^\]]*\]")


@st.composite
def moved(draw):
    """A selector, and where to put which ciphertexts: as comments, or as sops writes comments in lists."""
    moves = st.tuples(
        st.integers(0, 20), st.integers(0, 60), st.sampled_from(["# ", "  # ", "    # ", " #", "- ", "  - "])
    )
    return (
        draw(st.sampled_from(SELECTORS)),
        draw(st.lists(moves, min_size=1, max_size=6)),
        draw(st.booleans()),
    )


def with_moves(text, moves):
    body, mark, rest = text.partition("sops:\n")
    found = [re.sub("type:[a-z]+", "type:comment", each) for each in VALUE.findall(body)]
    lines = body.splitlines()
    for number, line, kind in moves:
        ciphertext = found[number % len(found)]
        at = line % len(lines)
        if kind == " #":
            lines[at] += f" #{ciphertext}"
        else:
            lines.insert(at, kind.replace("# ", "#") + ciphertext)
    return "\n".join(lines) + "\n" + mark + rest


OTHER_FORMATS = {
    "dotenv": "# hunter2-top\nA=hunter2-a\nplain=x\n# more\nB=hunter2-b\n",
    "ini": "; hunter2-top\n[a]\n; hunter2-in\nA=hunter2-a\nplain=y\n[b]\n; more\nB=hunter2-b\n",
}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("dotenv", "^(A|B)$"), ("dotenv", "."), ("ini", "^(A|B)$"), ("ini", "^a$"), ("ini", ".")],
)
def test_comments_of_other_formats_are_no_way_out_either(providers_and_groups, name, pattern):
    providers, groups = providers_and_groups
    format_, sign = make_format(name), OTHER_FORMATS[name][0]
    policy = Policy(groups=groups, selector=SelectorSpec(SelectorKind.ENCRYPTED_REGEX, pattern))
    options = {"now": "2026-11-23T10:11:12Z", "limits": Limits(), "kubernetes": False}
    plain = OTHER_FORMATS[name].encode()
    encrypted = encrypt_content(format_, plain, policy, providers, **options).data.decode()
    start = re.search(r"^(sops_|\[sops\])", encrypted, re.MULTILINE).start()
    lines = encrypted[:start].splitlines()
    for each in CIPHERTEXT.findall(encrypted[:start]):
        comment = sign + each.replace("type:str", "type:comment")
        for at in range(len(lines) + 1):
            text = "\n".join([*lines[:at], comment, *lines[at:]]) + "\n" + encrypted[start:]
            opened = open_file(format_, text.encode(), providers, Limits())
            again = encrypt_content(
                format_, opened.text(), policy, providers, previous=opened, new_key=True, **options
            ).data.decode()
            assert again.count("hunter2") == encrypted.count("hunter2")


@given(moved())
def test_what_was_opened_is_encrypted_again_or_refused(providers_and_groups, drawn):
    providers, groups = providers_and_groups
    selector, moves, new_key = drawn
    policy = Policy(groups=groups, selector=selector)

    def encrypt(plain, **options):
        options = {"now": "2026-11-23T10:11:12Z", "limits": Limits(), "kubernetes": False, **options}
        return encrypt_content(YAML, plain, policy, providers, **options).data

    encrypted = encrypt(DOCUMENT.encode()).decode()
    allowed = encrypted.count("hunter2")
    attacked = with_moves(encrypted, moves).encode()
    try:
        opened = open_file(YAML, attacked, providers, Limits())
        text = opened.text()
    except FluxsecretsError:
        return  # it does not open at all
    selected_now = {
        id(item) for item, yes in selected(opened.opened.document, compile_selector(selector)) if yes
    }
    assert {id(change.target) for change in opened.opened.changes} <= selected_now
    try:
        again = encrypt(text, previous=opened, new_key=new_key)
    except UnprotectedError as error:
        refused = error.message
    else:
        refused = ""
        assert again.decode().count("hunter2") <= allowed
    assert not refused or "would be plain text after this change" in refused


@pytest.fixture(scope="module")
def providers_and_groups():
    from fluxsecrets.keys import make_providers

    identity = (VECTORS / "keys" / "alice.agekey").read_text()
    secret = next(line for line in identity.splitlines() if line.startswith("AGE-SECRET-KEY-"))
    recipient = json.loads((VECTORS / "keys" / "recipients.json").read_text())["alice"]
    return make_providers({"SOPS_AGE_KEY": secret}), ((Recipient("age", recipient),),)
