"""The common Secret: what the quick look says is what all checks say."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.flux import commonsecret
from fluxsecrets.flux.commonsecret import is_common_secret
from fluxsecrets.ops.policy.secretfaults import faults_of_secret
from fluxsecrets.sops.formats import Limits, make_format

CIPHERTEXT = (
    "ENC[AES256_GCM,data:2GU8TQ==,iv:7IJGU4ZASVr69cq5kFOTHdxZrXnoXzpfbrTE0cmIZ5w=,"
    "tag:+pf1eQzSq8vmb5Nh3Ah0nQ==,type:{}]"
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            *(
                "a",
                "A",
                "a.b",
                "a-b",
                "-a",
                "a-",
                "a_b",
                "a/b",
                "a/b/c",
                "/a",
                "a/",
                "A/b",
                "a.b/c",
                "a..b/c",
            ),
            *(
                "",
                ".",
                "..",
                "..a",
                ".a",
                "a\n",
                "é",
                "ı",
                "K",
                "a b",
                "${A}",
                "{{ a }}",
                "op://a/b",
                "vault:a",
            ),
            *("YWJj", "YWJ=", "YQ==", "YQ=", "YWJj\nYWJj", "YWJj ", "x" * 63, "x" * 64, "x" * 253, "x" * 254),
            *(f"{'x' * 63}.{'y' * 63}.{'z' * 63}.{'w' * 63}/k", "2026-11-30T00:00:00Z", "Opaque"),
            *("kubernetes.io/tls", "kubernetes.io/basic-auth", "reconcile", "disabled"),
            *(CIPHERTEXT.format(kind) for kind in ("str", "int", "time")),
        ]
    ),
    st.text(max_size=5),
    st.text("ab.-_/A0=+\n", max_size=6),
)
SCALARS = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.just(1.5))
MAPS = st.dictionaries(TEXTS, TEXTS, max_size=3) | st.dictionaries(TEXTS, SCALARS, max_size=3)
ANY = st.one_of(SCALARS, MAPS, st.lists(SCALARS, max_size=2))
METADATA = st.fixed_dictionaries(
    {"name": st.one_of(st.just("a"), TEXTS)},
    optional={
        "namespace": st.one_of(st.just("apps"), SCALARS),
        "labels": st.one_of(MAPS, ANY),
        "annotations": st.one_of(MAPS, ANY),
        "finalizers": ANY,
        "managedFields": ANY,
    },
)
SECRETS = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Secret")},
    optional={
        "metadata": st.one_of(METADATA, ANY),
        "type": st.one_of(st.just("Opaque"), SCALARS),
        "stringData": st.one_of(MAPS, ANY),
        "data": st.one_of(MAPS, ANY),
        "immutable": SCALARS,
        "stringdata": ANY,
    },
)


def part_of(text, format_="yaml"):
    return make_format(format_).parse(text.encode(), Limits()).parts[0]


@given(SECRETS)
def test_all_checks_find_nothing_wrong_with_what_is_common(secret):
    part = part_of(json.dumps(secret), "json")
    if is_common_secret(part):
        assert not list(faults_of_secret(part))


COMMON = """# of the shop
apiVersion: v1
kind: Secret
metadata:
  name: shop-0001
  # where it is
  namespace: apps
  labels:
    app.kubernetes.io/name: shop-0001
    empty: ""
  annotations:
    reloader.stakater.com/match: "true"
type: Opaque
stringData:
  # read by the job, too
  username: shop
  config.yaml: |
    a: ${b}
data:
  token: YWJj
"""


def test_the_common_secret_is_found_to_be_one():
    assert is_common_secret(part_of(COMMON))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: shop-0001\n  #", "name: Shop\n  #"),
        ("namespace: apps", "namespace: a.b"),
        ("Opaque", "kubernetes.io/tls"),
        ("username: shop", "username: 5"),
        ("username: shop", "user name: shop"),
        ("username: shop", "..username: shop"),
        ("username: shop", f"username: {CIPHERTEXT.format('int')}"),
        ("YWJj", "YWJ"),
        ('empty: ""', "empty: 5"),
        ('empty: ""', "empty: a b"),
        ('empty: ""', "a//b: c"),
        ('"true"', "true"),
        ("type: Opaque", "typ: Opaque"),
        ("type: Opaque", "<<: {a: b}"),
        ("username: shop", f"username: {'a' * 2**18}"),
        ('match: "true"', f"match: {'a' * 2**16}"),
    ],
)
def test_what_is_unusual_is_left_to_the_checks(old, new):
    assert not is_common_secret(part_of(COMMON.replace(old, new)))


PATTERNS = (commonsecret._NAME, commonsecret._LABEL, commonsecret._KEY, commonsecret._ENTRY)


@given(
    st.sampled_from((*PATTERNS, commonsecret._BASE64)),
    st.one_of(TEXTS, st.text("aA0.-_/\n", max_size=8), st.sampled_from(["x" * 62 + ".", "x" * 63 + "-"])),
)
def test_a_text_fits_a_pattern_as_the_pattern_says(pattern, text):
    assert commonsecret.fits(pattern, text) == (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_usual_names_need_no_expression(pattern, monkeypatch):
    monkeypatch.setattr(re, "fullmatch", None)
    assert commonsecret.fits(pattern, "grafana-secret")
