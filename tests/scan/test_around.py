"""Lines around telling names: the ones that show that no value is called so, and all others."""

import pytest

from fluxsecrets.scan.around import have_no_value_beside, hold_no_value_below, hold_nothing_random

_DEFINITION = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
RANDOM = "f8Q2xv7Lr0pKw3Zt"


def _after(text, sign):
    """Where the first line that has a sign ends, with its line break."""
    at = text.index(sign)
    return [text.index("\n", at) + 1]


@pytest.mark.parametrize(
    "text",
    [
        "secret:\n",
        "secret:\nother: x\n",
        "- secret:\n- other: x\n",
        "secret:\n  secretName: app\n  items:\n    - key: a\n      path: b\n",
        "secret:\n\n  # note\n  create: true # note\n",
        "a:\n  secret:\n    name: &s app\n    ref: *s\nb: x\n",
        "secret:\r\n  name: app\r\n",
        "secret:\n- name: app\n- name: other\n",
        "# secret:\n#   value: x\n",
        "secret:\n  name: app\n---\nx: y\n",
        f"{_DEFINITION}spec:\n  secret:\n    default: x\n",
    ],
)
def test_a_map_without_a_value(text):
    assert hold_no_value_below(text.encode(), _after(text, "secret:"))


@pytest.mark.parametrize(
    "text",
    [
        "secret:\n  value: x\n",
        "secret:\n  a: b\n  value: x\n",
        "secret:\n  - a: b\n    value: x\n",
        "secret:\n- - value: x\n",
        "secret:\n  x\n",
        "secret:\n  'x'\n",
        "secret:\n  - {value: x}\n",
        "secret:\n  <<: *a\n",
        "secret:\n  - *a\n",
        "secret:\n  ? value\n  : x\n",
        "secret:\n  !a value: x\n",
        'secret:\n  a: "b\nc: d"\n  value: x\n',
        "secret:\n  a: {\nb: c}\n  value: x\n",
        "secret:\n  {{ if x }}\n  value: x\n",
        "{a: b,\nsecret:\nx\n}",
        "secret:\r  x\n",
        "secret:\n\tvalue: x\n",
        "secret:\n  a: b\u2028\n  value: x\n",
        "secret:\n-\n  value: x\n",
        "secret:\n  # \x85  value: x\n",
        "secret:\n" + 70 * "  a: b\n" + "  value: x\n",
        "secret:\n  a: " + 500 * "b" + "\n  value: x\n",
        f'{_DEFINITION}"kind": A\nsecret:\n  value: x\n',
    ],
)
def test_a_map_that_may_have_a_value(text):
    assert not hold_no_value_below(text.encode(), _after(text, "secret:"))


@pytest.mark.parametrize(
    "text",
    [
        "name: token\n",
        "- name: token\n  key: x\n- value: x\n",
        "a:\n  value: x\n  b:\n    name: token\n    key: x\nvalue: y\n",
        "- uses: a/b@c # v2\n  name: token\n  with:\n    value: x\n  run: |\n    value: x\n",
        "run: |\n  value: x {\nname: token\n---\nvalue: x\n",
        "value: x\n---\nname: token\n",
        "value: x\na:\n  - b: c\n    name: token\n",
        "value: x\na:\n  name: *token\n",
    ],
)
def test_a_name_without_a_value_beside_it(text):
    assert have_no_value_beside(text.encode(), _after(text, "token"))


@pytest.mark.parametrize(
    "text",
    [
        "name: token\nvalue: x\n",
        "value: x\nname: token\n",
        "- value: x\n  a:\n    - b\n  name: token\n",
        "- name: token\n  a:\n  - b\n  value: x\n",
        "- name: token\n  run: |\n    a\n  value: x\n",
        "- value: x\n  run: |\n    {\n  name: token\n",
        "- {name: token, value: x}\n",
        "- {\n  name: token,\n  value: x}\n",
        "- {\n  value: x,\n  name: token\n  }\n",
        "- {name: token\n, value: x}\n",
        '- value: "x\ny: z"\n  name: token\n',
        "- value: {\n  a: b}\n  name: token\n",
        "- name: token\n  <<: *a\nvalue: x\n",
        "- name: token\n  {{ x }}\n  value: x\n",
        "- name: token\r  value: x\n",
        "- name: token\n  'value': x\n",
        "- name:\n    token\n  value: x\n",
        "- value: x\n" + 70 * "  a: b\n" + "  name: token\n",
    ],
)
def test_a_name_that_may_have_a_value_beside_it(text):
    assert not have_no_value_beside(text.encode(), _after(text, "token"))


@pytest.mark.parametrize(
    "text",
    [
        "secrets:\n",
        "secrets:\n  - app-k8s2-auth\n  - name: app\n",
        "imagePullSecrets:\n  - name: registry-k8s2-login\n",
        "secrets:\n  db:\n    file: ./db.txt\nx: y\n",
        "nosecrets:\n  a: " + RANDOM + "\n",
    ],
)
def test_a_plural_without_anything_random(text):
    assert hold_nothing_random(text.encode(), _after(text, "secrets:" if "secrets:" in text else "Secrets:"))


@pytest.mark.parametrize(
    "text",
    [
        f"secrets:\n  - {RANDOM}\n",
        f"secrets:\n  a: {RANDOM}\n",
        f"secrets:\n  a:\n    - {RANDOM}\n",
        "secrets:\n  - 3f2504e0-4f89-11d3-9a0c-0305e82c3301\n",
        "secrets:\n  - *a\n",
        "secrets:\n  a: |\n    b\n",
        'secrets:\n  a: "b\\x41"\n',
        f"secrets: [\n  {RANDOM}]\n",
        "passwords:\n  - hunter2\n",
    ],
)
def test_a_plural_that_may_have_something_random(text):
    assert not hold_nothing_random(text.encode(), _after(text, "s:" if "words" in text else "secrets:"))


@pytest.mark.parametrize("look", [hold_no_value_below, have_no_value_beside, hold_nothing_random])
def test_an_unknown_place_needs_the_file(look):
    assert look(b"value: x\n", [])
    assert not look(b"value: x\n", [-1])
    assert not look(b"# value:\n" * 600, range(9, 5409, 9))
