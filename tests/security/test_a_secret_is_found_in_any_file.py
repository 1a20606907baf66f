"""A Kubernetes Secret is found whatever the file is called and whatever stands around it."""

import io
import json
import tarfile
import textwrap
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine

VALUE = "Tr0ub4dor&3-throwaway"
PACKED = b64encode(VALUE.encode()).decode()
HEAD = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n"
SECRET = f"{HEAD}stringData:\n  pin: {VALUE}\n"
DATA = f"{HEAD}data:\n  pin: {PACKED}\n"
JSON = json.dumps(
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"pin": VALUE}}
)
LAST_FIRST = f"stringData:\n  pin: {VALUE}\nmetadata:\n  name: db\nkind: Secret\napiVersion: v1\n"


@pytest.fixture(scope="session")
def engine(caches):
    return Engine(caches / "fluxsecrets")


@pytest.fixture
def found(engine):
    """The places, as `line:column`, at which the value of a Secret is found in a file."""

    def found(path, text):
        data = text if isinstance(text, bytes) else text.encode()
        scanned = engine.scan(Blob(path, data))
        rules = [each for each in scanned.findings if each.rule == "plain-secret"]
        assert VALUE not in repr(scanned.findings)
        return [f"{each.location.line}:{each.location.column}" for each in rules]

    return found


NAMES = [
    *(
        "s.yaml.bak",
        "s.yaml~",
        "s.yaml.orig",
        "s.yaml.dec",
        "s.yaml.swp",
        "s.yaml.tmp",
        "s.yml.old",
        "s.json.bak",
    ),
    *("s.yaml.disabled", "s.yaml.age-plain", "s.decrypted", "s.dec", "s.txt", "s.tpl", "s.cue", "s.jsonnet"),
    *(
        "secret",
        "json",
        "yaml",
        "secret.txt",
        "notes.adoc",
        "README.md",
        "s.sh",
        "s.py",
        "Makefile",
        "s.conf",
    ),
    *(
        "s.ini",
        "s.properties",
        "s.toml",
        ".env",
        "env",
        "a b",
        "s.yaml.1",
        "s.YAML",
        "s.log",
        "x.unknown",
        ".hidden",
    ),
]


@pytest.mark.parametrize("text", [SECRET, DATA, JSON, LAST_FIRST, f"# kept\n---\n{SECRET}"], ids=range(5))
@pytest.mark.parametrize("name", NAMES)
def test_a_whole_secret_in_a_file_of_any_name(found, name, text):
    assert found(name, text)


@given(
    name=st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12),
    ends=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=40)
def test_no_name_hides_a_secret(engine, name, ends):
    text = SECRET.replace("\n", ends)
    assert engine.scan(Blob(name, text.encode())).findings


AROUND = {
    "fenced": "# How\n\n```yaml\n{}```\n\nThen apply it.\n",
    "fenced in a list": "1. First\n\n   ```yaml\n{3}   ```\n",
    "after a sentence": "Apply this:\n\n{}\nand wait.\n",
    "right after a sentence": "Apply this now\n{}and wait.\n",
    "here-document": "#!/bin/sh\nkubectl apply -f - <<EOF\n{}EOF\necho done\n",
    "commented out": "# see below\n{#}\nfoo: bar\n",
    "quoted": "Hello,\n\n{>}\nRegards\n",
    "a change": "--- a/s.yaml\n+++ b/s.yaml\n@@ -0,0 +1,6 @@\n{+}",
    "between others": "a: 1\n---\n{}---\nb: 2\n",
    "in code": 'SECRET = """\\\n{}"""\nprint(SECRET)\n',
}


def placed(around, text):
    signs = {"{}": "", "{3}": "   ", "{#}": "# ", "{>}": "> ", "{+}": "+"}
    for sign, lead in signs.items():
        if sign in around:
            return around.replace(sign, textwrap.indent(text, lead))
    raise AssertionError(around)


@pytest.mark.parametrize("text", [SECRET, DATA, LAST_FIRST], ids=["stringData", "data", "other order"])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
def test_a_secret_within_a_text_is_found_in_its_place(found, around, text):
    whole = placed(around, text)
    line = next(number for number, each in enumerate(whole.splitlines(), 1) if "pin: " in each)
    column = whole.splitlines()[line - 1].index("pin: ") + 6
    for name in ("README.md", "notes", "run.sh", "a.py"):
        assert found(name, whole) == [f"{line}:{column}"]


RELEASE = "kind: HelmRelease\napiVersion: v2\nspec:\n"
NESTED = {
    "Helm values": RELEASE + "  values:\n    extraObjects:\n    - {4}",
    "text in Helm values": RELEASE + "  values:\n    extraDeploy:\n    - |\n{6}",
    "a post-renderer": RELEASE + "  postRenderers:\n  - kustomize:\n      patches:\n      - patch: |\n{10}",
    "a patch": "kind: Kustomization\npatches:\n- patch: |\n{4}",
    "a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  s.yaml: |\n{4}",
    "another kind": "apiVersion: x/v1\nkind: Object\nmetadata: {name: a}\nspec:\n  manifest:\n{4}",
    "commented out": "foo: bar\n{#}",
}


@pytest.mark.parametrize("text", [SECRET, DATA], ids=["stringData", "data"])
@pytest.mark.parametrize("around", NESTED.values(), ids=NESTED)
def test_a_secret_within_another_manifest_is_found(found, around, text):
    head, _, rest = around.rpartition("{")
    lead = "# " if rest == "#}" else " " * int(rest[:-1])
    inner = textwrap.indent(text, lead)
    if head.endswith("- "):
        inner = textwrap.indent(text, lead + "  ").lstrip(" ")
    assert len(found("a.yaml", head + inner)) == 1


def test_braces_in_any_text(found):
    assert found("run.sh", f"echo '{JSON}' | kubectl apply -f -\n") != []
    assert found("notes.txt", f"first {JSON} second\n") != []
    assert found("a.yaml", f"kind: X\napiVersion: x/v1\nmetadata: {{name: a}}\nspec: {{o: {JSON}}}\n") != []


def test_json_of_any_kind_in_a_file_of_any_name(engine):
    docker = json.dumps({"auths": {"r.example": {"auth": b64encode(f"u:{VALUE}".encode()).decode()}}})
    for name in ("json", "registry", "out.txt"):
        assert engine.scan(Blob(name, docker.encode())).findings


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["s.yaml", "s.txt", "secret"])
def test_every_encoding(found, name, encoding):
    assert found(name, SECRET.encode(encoding)) == ["6:8"]


def test_files_with_bytes_that_are_no_text(found):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("chart/templates/s.yaml")
        info.size = len(SECRET)
        archive.addfile(info, io.BytesIO(SECRET.encode()))
    assert found("chart.tar", packed.getvalue()) != []
    assert found("s.yaml", f"{SECRET}# \0\n") != []
    assert found("s.bin", b"\0\1\2" + SECRET.encode() + b"\0\0") != []


@pytest.mark.parametrize(
    "patch",
    [
        f"- op: add\n  path: /stringData/pin\n  value: {VALUE}\n",
        f"kind: Kustomization\npatches:\n- target: {{kind: Secret, name: a}}\n  patch: |\n    - op: replace\n"
        f"      path: /data/pin\n      value: {PACKED}\n",
        'kind: Kustomization\npatchesJson6902:\n- target: {kind: Secret, name: a}\n  patch: \'[{"op":"add",'
        f'"path":"/stringData/pin","value":"{VALUE}"}}]\'\n',
    ],
)
def test_patches_of_secrets(found, patch):
    assert len(found("kustomization.yaml", patch)) == 1


QUIET = {
    "references": "valuesFrom:\n- kind: Secret\n  name: db\n  valuesKey: password\n",
    "a target": "patches:\n- target:\n    kind: Secret\n    name: db\n",
    "a placeholder": SECRET.replace(VALUE, "REPLACE_ME"),
    "a reference": SECRET.replace(VALUE, "${PIN}"),
    "no values": f"{HEAD}type: kubernetes.io/service-account-token\n",
    "a word in a page": "# Docs\n```yaml\n"
    + f"{HEAD}stringData:\n  username: admin\n  password: changeme\n```\n",
    "examples in a page": "# Docs\n```yaml\n"
    + f"{HEAD}data:\n  username: YWRtaW4=\n  password: cGFzc3dvcmQ=\n```\n",
    "speaking of it": "A `kind: Secret` holds values.\nkind: Secret is a kind\n",
    "a path on a disk": "env:\n- name: a\n  path: /data/db\n  value: anything-long-enough\n",
}


@pytest.mark.parametrize("name", ["README.md", "a.txt", "a.sh"])
@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET)
def test_what_holds_no_secret_is_passed(engine, name, text):
    assert engine.scan(Blob(name, text.encode())).findings == ()


def test_a_large_file_of_signs_takes_no_long_time(engine):
    engine.scan(Blob("a.txt", b"kind: Secret\n" * 60_000))
    engine.scan(Blob("b.txt", b"{" * 200_000 + b'"kind": "Secret",\n' * 2_000))
    engine.scan(Blob("c.txt", b"".join(b"%skind: Secret\n" % (b" " * (n % 300)) for n in range(5_000))))
