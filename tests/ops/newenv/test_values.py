"""Values taken out of secret files, and nothing else changed."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FormatError, UnprotectedError
from fluxsecrets.ops.newenv.values import (
    blank,
    blank_literals,
    blank_sealed,
    encoded,
    fill,
    refuse_inline_secrets,
)
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.yaml import YamlFormat
from sealing import VECTORS

LIMITS = Limits()
CIPHER = f"ENC[AES256_GCM,data:AA==,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"
COMMENT = CIPHER.replace("type:str", "type:comment")
SOPS = f"""\
sops:
    age:
        - recipient: age1throwaway
          enc: x
    lastmodified: "2026-01-01T00:00:00Z"
    mac: {CIPHER}
    encrypted_regex: ^(data|stringData)$
"""
HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: s} # stays\n"


def emptied(text, name="yaml", **options):
    found = blank(text.encode(), name, LIMITS, **options)
    return found.data.decode(), found.slots


def test_values_of_secrets_and_of_nothing_else():
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n"
    text = (
        f"{HEAD}type: Opaque\nstringData: # here\n  a: 'throwaway' # why\n  b: |-\n    throwaway\n    more\n"
        f"  e: ''\n  n:\n  r: ${{VALUE}}\ndata:\n  d: {encoded('throwaway')}\n{config}"
    )
    new, slots = emptied(text)
    assert new == (
        f"{HEAD}type: Opaque\nstringData: # here\n  a: 'REPLACE_ME' # why\n  b: |-\n    REPLACE_ME\n"
        f"  e: ''\n  n:\n  r: ${{VALUE}}\ndata:\n  d: {encoded('REPLACE_ME')}\n{config}"
    )
    assert [(slot.key, slot.base64) for slot in slots] == [("a", False), ("b", False), ("d", True)]
    assert "throwaway" not in repr(slots)


def test_secrets_in_lists():
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n  data: {a: b}\n"
        "- apiVersion: v1\n  kind: Secret\n  data: {a: dGhyb3dhd2F5}\n"
    )
    new, (slot,) = emptied(text)
    assert new == text.replace("dGhyb3dhd2F5", encoded("REPLACE_ME"))
    assert slot.base64
    whole = "apiVersion: v1\nkind: SecretList\nitems:\n- stringData: {a: throwaway}\n"
    assert emptied(whole)[0] == whole.replace("throwaway", "REPLACE_ME")


def test_all_that_is_encrypted_goes_without_a_key():
    text = (
        f"{HEAD}stringData:\n    #{COMMENT}\n    a: {CIPHER}\n    b_unencrypted: throwaway\n{SOPS}---\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: c\ndata:\n    a: {CIPHER}\n{SOPS}"
    )
    new, slots = emptied(text)
    assert new == (
        f"{HEAD}stringData:\n    # (a comment that was encrypted)\n    a: REPLACE_ME\n"
        "    b_unencrypted: REPLACE_ME\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: c\ndata:\n    a: REPLACE_ME\n"
    )
    assert [slot.index for slot in slots] == [3, 4, 8]


def test_comments_that_sops_made_list_items_of():
    text = f"list:\n    - {COMMENT}\n    - {CIPHER}\n    - {CIPHER}\n{SOPS}"
    new, slots = emptied(text, every_value=True)
    assert new == "list:\n    # (a comment that was encrypted)\n    - REPLACE_ME\n    - REPLACE_ME\n"
    assert [slot.index for slot in slots] == [0, 1]
    assert fill(new.encode(), "yaml", {1: "x"}, LIMITS).decode().endswith("- REPLACE_ME\n    - x\n")


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        ("dotenv", "# note\nA=throwaway\nB=\n", "# note\nA=REPLACE_ME\nB=\n"),
        ("ini", "[a]\nb = throwaway\n", "[a]\nb = REPLACE_ME\n"),
        ("json", '{"a": ["throwaway", 1, null]}\n', '{"a": ["REPLACE_ME", "REPLACE_ME", null]}\n'),
        ("yaml", "a: {b: throwaway, c: 2}\n", "a: {b: REPLACE_ME, c: REPLACE_ME}\n"),
        ("binary", "throwaway\0\n", "REPLACE_ME\n"),
    ],
)
def test_files_that_are_secrets_as_a_whole(name, text, new):
    assert emptied(text, name, every_value=True)[0] == new


def test_aliases_are_written_out_rather_than_carried_over():
    new, _ = emptied(f"{HEAD}stringData:\n  a: &a throwaway\n  b: *a\n")
    assert "throwaway" not in new
    assert new.count("REPLACE_ME") == 2


def test_an_alias_elsewhere_follows_the_value_that_is_taken_out():
    config = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: &a b\n  c: *a\n"
    new, slots = emptied(f"note: &n throwaway\n{HEAD}stringData:\n  a: &p throwaway\nmore: *p\n{config}")
    assert new.endswith(f"stringData:\n  a: &p REPLACE_ME\nmore: *p\n{config}")
    assert [slot.key for slot in slots] == ["a"]
    filled = fill(new.encode(), "yaml", {slots[0].index: "x"}, LIMITS).decode()
    assert filled == new.replace("REPLACE_ME", "x")


@pytest.mark.parametrize(
    ("right", "wrong"), [("# why", "#"), ("other: []", "other:"), ("kind: Secret", "kind: Secret\nb: c")]
)
def test_no_text_leaves_without_being_read_again(monkeypatch, right, wrong):
    text = f"{HEAD}stringData:\n  a: throwaway # why\nother: [] # none\n".encode()
    rewrite = YamlFormat.rewrite

    def damaged(*args):
        return rewrite(*args).replace(right.encode(), wrong.encode())

    monkeypatch.setattr(YamlFormat, "rewrite", damaged)
    literals = b"secretGenerator:\n- literals: [a=throwaway] # why\nother: []\nkind: Secret\n"
    for write in (
        lambda: blank(text, "yaml", LIMITS),
        lambda: fill(text, "yaml", {3: "throwaway"}, LIMITS),
        lambda: blank_literals(literals, LIMITS),
    ):
        with pytest.raises(FormatError, match="did not pass its own check"):
            write()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9._-]{0,8}", fullmatch=True),
        st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1).map(
            lambda text: f"secret {text}"
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_taken_out_can_be_put_in_again(values):
    format_ = make_format("yaml")
    text = format_.render(
        [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": values}]
    )
    found = blank(text, "yaml", LIMITS)
    assert not any(value.encode() in found.data for value in values.values())
    again = fill(found.data, "yaml", {slot.index: slot.value for slot in found.slots}, LIMITS)
    parsed = list(format_.parse(again, LIMITS).leaves)
    assert [leaf.value for leaf in parsed] == [leaf.value for leaf in format_.parse(text, LIMITS).leaves]


def test_sealed_secrets_become_secrets():
    text = (
        "# why\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        "metadata: {name: s, namespace: n}\nspec:\n  encryptedData: {a: AgAA}\n"
        "  template:\n    type: Opaque\n    data: {b: 'throwaway {{ .a }}'}\n"
    )
    found = blank_sealed(text.encode(), "s.yaml", LIMITS)
    new = found.data.decode()
    assert new.startswith("# why\napiVersion: v1\nkind: Secret\n")
    assert "throwaway" not in new
    assert new.count("REPLACE_ME") == 2
    assert [slot.key for slot in found.slots] == ["a", "b"]
    assert blank_sealed(b"kind: x # SealedSecret\n", "s.yaml", LIMITS) is None


@pytest.mark.parametrize("scope", ["namespace-wide", "cluster-wide"])
def test_sealed_secrets_keep_their_scope(scope):
    """The Secret is sealed for the new cluster, and must be as movable as the old one."""
    data = (VECTORS / "sealed" / f"{scope}.yaml").read_bytes()
    made = blank_sealed(data, "s.yaml", Limits())
    assert f'sealedsecrets.bitnami.com/{scope}: "true"'.encode() in made.data


def test_a_sealed_secret_in_a_list_is_an_error():
    text = (
        b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: bitnami.com/v1alpha1\n  kind: SealedSecret\n"
        b"  metadata: {name: s}\n  spec: {encryptedData: {a: AgAA}}\n"
    )
    with pytest.raises(UnprotectedError) as caught:
        blank_sealed(text, "s.yaml", LIMITS)
    assert (caught.value.path, caught.value.line) == ("s.yaml", 4)


def test_literals():
    text = (
        b"secretGenerator:\n- name: a\n  literals:\n  - a=throwaway=x # why\n  - \"b='throwaway'\"\n  - c=\n"
    )
    found = blank_literals(text, LIMITS)
    assert found.data == text.replace(b"throwaway=x", b"REPLACE_ME").replace(b"'throwaway'", b"REPLACE_ME")
    assert [slot.key for slot in found.slots] == ["a", "b"]
    untouched = b"configMapGenerator:\n- literals: [a=b]\n"
    assert blank_literals(untouched, LIMITS).data == untouched


PATCHES = {
    "json": (
        "patches:\n- target: {kind: Secret}\n  patch: |\n"
        "    - op: add\n      path: /data/a\n      value: dGhyb3dhd2F5\n"
    ),
    "string data": "patches:\n- target: {name: s}\n  patch: |-\n    stringData:\n      a: throwaway\n",
    "merge": (
        "patches:\n- patch: |\n"
        "    apiVersion: v1\n    kind: Secret\n    metadata: {name: s}\n    data: {a: eA==}\n"
    ),
    "of flux": (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  patches:\n  - patch: |\n"
        "      apiVersion: v1\n      kind: Secret\n      metadata: {name: s}\n      data: {a: eA==}\n"
    ),
    "operations": "- op: add\n  path: /stringData/a\n  value: throwaway\n",
}


@pytest.mark.parametrize("text", PATCHES.values(), ids=PATCHES)
def test_values_in_patches_are_refused(text):
    with pytest.raises(UnprotectedError) as caught:
        refuse_inline_secrets(text.encode(), "k.yaml", LIMITS)
    assert caught.value.line is not None
    assert "throwaway" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "patches:\n- target: {kind: Secret}\n  patch: |\n    - op: add\n      path: /type\n      value: b\n",
        "patches:\n- target: {kind: Other}\n  patch: |\n    - op: add\n      path: /data/a\n      value: b\n",
        "a: {{ kind: Secret }}\n",
        "kind: ConfigMap\ndata:\n  x: |\n    kind: Secret\n    stringData: {a: b}\n",
    ],
)
def test_other_patches_are_not(text):
    refuse_inline_secrets(text.encode(), "k.yaml", LIMITS)


def test_base64():
    assert encoded("REPLACE_ME") == b64encode(b"REPLACE_ME").decode()
