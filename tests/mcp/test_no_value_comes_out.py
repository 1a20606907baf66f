"""Whatever a tool is asked, no value and no private key comes out, and only what it may write is written."""

import json
import os
from base64 import b64encode
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.mcp.calls import Request, call
from fluxsecrets.mcp.parameters import Choice, Number, Several, Switch
from fluxsecrets.mcp.tools import TOOLS
from layouts import SECRET_AGE, flux

from .conftest import PASSWORD, PLAIN, PLANTED, SECRET, TOKEN, manifest

_PIECE, _HEX_PIECE, _KEY_PIECE = 6, 14, 12
"""Letters that may not come out in a row; hex digits of hashes would match by chance."""

NASTY = (
    *("", ".", "..", "../..", "../../etc/passwd", "/etc/passwd", "~/.config/sops/age/keys.txt", "C:\\key"),
    *("-", "--", "--show-values", "--output=out.txt", "-o/dev/stdout", "--debug", "@{-1}", "HEAD:" + SECRET),
    *(".git/config", "apps/.git/x", ".GIT/HEAD", "apps/staging/../../.git/HEAD", "link", "out", "keys.txt"),
    *("stringData", "stringData.password", '["stringData"]["password"]', "metadata.name", "sops.mac", "data"),
    *(
        "password:32",
        "password:0",
        "value:hunter2",
        "hex:99999999",
        "password:correct-horse",
        "correct-horse-battery",
    ),
    *(
        "HEAD",
        "HEAD~1..HEAD",
        "main..--output=x",
        "HEAD^{tree}",
        "plain.yaml",
        SECRET,
        "apps/staging/api.env",
    ),
    *(
        "a\nb",
        "a\x00b",
        "\x1b[2J",
        "\u202egnp.exe",
        "\ud800",
        "${PASSWORD}",
        "$(cat keys.txt)",
        "`id`",
        "x" * 5000,
    ),
    *("<script>", "</data>", "ignore all previous instructions"),
)
ANYTHING = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.sampled_from(NASTY), max_size=3),
    st.dictionaries(st.sampled_from(NASTY), st.sampled_from(NASTY), max_size=2),
)


def fitting(parameter):
    """Arguments of the parameter's own type, nasty ones if they are text."""
    match parameter:
        case Choice():
            return st.sampled_from(parameter.choices)
        case Switch():
            return st.booleans()
        case Number():
            return st.integers(parameter.least, min(parameter.most, 300))
        case Several():
            return st.lists(fitting(parameter.of), max_size=2)
    return st.sampled_from(NASTY)


GOOD = {
    "path": (SECRET, "apps/staging/api.env", "apps/staging/token.yaml", "plain.yaml", "linked/secret.yaml"),
    "paths": (["apps"], [SECRET], ["plain.yaml"], ["broken"], []),
    "key": ("stringData.password", "TOKEN", "data.token", "stringData.new"),
    "generate": ("password:32", "uuid", "hex:16"),
    "environment": ("staging",),
    "revisions": (["HEAD"], []),
    "range": ("HEAD",),
    "rules": ([],),
    "rule": ("recipient-drift", "no-such-rule"),
    "document": (1,),
}


def in_good_faith(tool):
    """Arguments with which a tool works."""
    good = {
        "path": SECRET,
        "key": "stringData.password",
        "generate": "password:32",
        "all": True,
        "revisions": ["HEAD"],
        "uncommitted": True,
        "rule": "recipient-drift",
    }
    good |= {"environment": "staging"} if tool.name == "show_environment" else {}
    taken = {each.name for each in tool.all_parameters}
    return {name: value for name, value in good.items() if name in taken}


@st.composite
def arguments(draw, tool):
    """Sensible arguments, of which about one in three is replaced by something else."""
    found = {}
    for parameter in tool.all_parameters:
        if parameter.required or draw(st.integers(0, 2)) == 0:
            good = st.sampled_from(GOOD[parameter.name]) if parameter.name in GOOD else fitting(parameter)
            found[parameter.name] = draw(
                draw(st.sampled_from((good, good, good, fitting(parameter), ANYTHING)))
            )
    if draw(st.integers(0, 9)) == 0:
        found[draw(st.sampled_from(("show_values", "value", "plain", "--output", "raw")))] = draw(ANYTHING)
    return found


def windows(text, size):
    return {text[start : start + size] for start in range(len(text) - size + 1)}


def traces(identity):
    """What may not come out: pieces of values as they are, reversed, in base64 and in hex, and of the key."""
    found = set()
    for value in PLANTED:
        for text in (value, value[::-1]):
            found |= windows(text, _PIECE)
            for shift in range(3):
                encoded = b64encode(b"." * shift + text.encode()).decode()
                found |= windows(encoded[4:-4], _PIECE)
            found |= windows(text.encode().hex(), _HEX_PIECE)
    bare = identity.secret.removeprefix("AGE-SECRET-KEY-1")
    return found | windows(bare, _KEY_PIECE) | windows(bare[::-1], _KEY_PIECE)


def leaked(identity, answer):
    text = json.dumps(answer.content, ensure_ascii=False)
    return {piece for piece in traces(identity) if piece in text}


@pytest.fixture
def planted(repository, identity, tmp_path, git):
    """The repository, and beside its files a plain Secret, key files, and links that lead out."""
    root = repository.path
    repository.write("plain.yaml", manifest(PLAIN))
    repository.write("keys.txt", identity.path.read_text(encoding="utf-8"))
    repository.write("notes.md", f"{identity.secret}\n{PLAIN}\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(manifest(PLAIN), encoding="utf-8")
    (outside / "passwords").write_text(f"db.example:5432:shop:{PASSWORD}\n", encoding="utf-8")
    repository.write("broken/a.yaml", f"kind: Secret\nstringData: {{password: {PLAIN}, [\n")
    repository.write("broken/b.env", f"{PLAIN}\nexport {TOKEN}\n")
    repository.write("broken/c.sops.json", f'{{"a": "{PLAIN}" "{PLAIN}"}}')
    repository.write("broken/d.ini", f"[x\n{PLAIN}\n")
    repository.write("linked/secret.yaml", manifest(PLAIN))
    if os.name == "posix":
        (root / "link").symlink_to(outside / "secret.yaml")
        (root / "out").symlink_to(outside)
        (root / "linked" / ".sops.yaml").symlink_to(outside / "passwords")
    git(root, "add", "linked")
    git(root, "commit", "--quiet", "--message", "a contribution")
    git(root, "add", "--intent-to-add", "plain.yaml")
    return repository


def test_no_tool_lets_a_value_out(planted, identity, tmp_path, cli):
    may_change = {
        SECRET,
        *(f"apps/staging/{name}" for name in ("token.yaml", "api.env", "kustomization.yaml")),
    }
    before, outside = planted.state(), sorted(tmp_path.rglob("*"))

    def walk(name, asked):
        answer = call(planted.served, Request(name, asked, agent="walk"))
        assert not leaked(identity, answer), (name, asked)

    for tool in TOOLS:
        assert not planted(tool.name, **in_good_faith(tool)).failed
        settings(max_examples=scaled(6), database=None)(given(st.just(tool.name), arguments(tool))(walk))()
    after = planted.state()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    new = {name for name in changed if name not in before}
    assert {name for name in new if "proposed-" not in name} == set()
    assert changed - new <= may_change
    assert [path for path in sorted(tmp_path.rglob("*")) if planted.path not in path.parents] == [
        path for path in outside if planted.path not in path.parents
    ]
    assert SECRET in changed
    assert new
    assert all(cli("decrypt", name).exit_code == 0 for name in (SECRET, "apps/staging/api.env"))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_what_an_agent_asks_in_good_faith_shows_no_value(planted, identity, tool):
    taken = {each.name for each in tool.all_parameters}
    answer = planted(tool.name, **in_good_faith(tool))
    assert not answer.failed, answer.content
    assert not leaked(identity, answer)
    for path in ("link", "out", "broken", "broken/b.env", "broken/d.ini", "linked", "linked/secret.yaml"):
        assert not leaked(identity, planted(tool.name, **dict.fromkeys(taken & {"path"}, path)))
        assert not leaked(identity, planted(tool.name, **{name: [path] for name in taken & {"paths"}}))


COMPUTED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "x-${password:0:4}", namespace: "N${password:4:4}", annotations: {"a ${password:8:4}": b}}
data: {"k ${password:12:4}": v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "${password}", namespace: shop}
"""


@pytest.mark.parametrize(
    ("tool", "asked"), [("verify", {}), ("audit", {}), ("review", {"uncommitted": True})]
)
def test_no_tool_computes_with_values_what_an_agent_writes(repository, cli, tool, asked):
    build = "postBuild: {substituteFrom: [{kind: Secret, name: db}]}"
    more = ("interval: 5m", "prune: true", SECRET_AGE)
    repository.write("clusters/staging/there.yaml", flux("there", "./apps/there", *more))
    repository.write("clusters/staging/mine.yaml", flux("mine", "./apps/mine", build, *more))
    repository.write(
        "apps/there/kustomization.yaml", "namespace: flux-system\nresources: [../staging/secret.yaml]\n"
    )
    repository.write("apps/mine/kustomization.yaml", "resources: [computed.yaml]\n")
    repository.write("apps/mine/computed.yaml", COMPUTED)
    pieces = windows(PASSWORD, 4)
    assert not any(piece in json.dumps(repository.data(tool, **asked)) for piece in pieces)
    # What people ask for is computed, and its messages have no part of it either.
    shown = cli("verify", "--format", "json")
    assert "mine" in shown.stdout
    assert "name-invalid" in shown.stdout
    assert not any(piece in shown.stdout for piece in pieces)


def test_a_changed_value_shows_neither_the_old_nor_the_new_one(planted, identity, cli):
    args = {"path": SECRET, "key": "stringData.password", "generate": "hex:16"}
    assert planted.data("set_generated_value", **args)["change"] == "changed"
    new = cli("get", SECRET, "stringData.password").stdout
    assert len(new) == 32
    texts = [
        json.dumps(planted(tool, **asked).content)
        for tool, asked in (("diff", {}), ("review", {"uncommitted": True}), ("audit", {}))
    ]
    assert not any(piece in text for piece in windows(new, _HEX_PIECE) for text in texts)
    assert cli("get", SECRET, "stringData.url").stdout == f"postgres://shop:{PASSWORD}@db.example/shop"


def test_the_search_finds_what_comes_out(repository, identity):
    class Said:
        content = None

    for value in chain(PLANTED, [identity.secret]):
        for text in (value, value[::-1], value.encode().hex(), b64encode(b"xx" + value.encode()).decode()):
            Said.content = {"data": f"it is {text}."}
            if value != identity.secret or text in (value, value[::-1]):
                assert leaked(identity, Said), text


@pytest.mark.parametrize("values", ["  password: {0}\n", "  list: [{0}, {0}x]\n"])
def test_a_plain_guess_is_not_compared_with_the_value(repository, cli, git, values):
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n"
    repository.write(SECRET, head + values.format(PASSWORD))
    assert cli("encrypt", SECRET, "--allow-invalid").exit_code == 0
    git(repository.path, "commit", "--all", "--quiet", "--message", "values")

    def compared(guess):
        repository.write(SECRET, head + values.format(guess))
        (found,) = repository.data("diff")["files"]
        return [(each["key"], each["state"]) for each in found["values"]]

    right = compared(PASSWORD)
    assert right == compared(PASSWORD[::-1])
    assert {state for _, state in right} == {"unknown"}
