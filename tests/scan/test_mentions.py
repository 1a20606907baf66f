"""`kind: Secret` that refers to a Secret, and one that is a Secret."""

import re

import pytest

from fluxsecrets.scan.mentions import are_references

_END = re.compile(rb"kind[\"']?:\s*[\"']?Secret(?:[^A-Za-z]|$)")


def _are_references(text):
    data = text.encode()
    return are_references(data, [match.end() for match in _END.finditer(data)])


@pytest.mark.parametrize(
    "text",
    [
        "spec:\n  valuesFrom:\n    - kind: Secret\n      name: app-values\n",
        "spec:\n  valuesFrom:\n  - name: app-values\n    kind: Secret",
        "  valuesFrom:\n    - targetPath: auth.user\n      kind: Secret\n      name: *app\n\n  other: x\n",
        'patches:\n  - target:\n      kind: "Secret"\n      # its name\n      name: db\n    patch: x\n',
        "  ref:\r\n    kind: Secret\r\n    name: db\r\n",
        "a:\n  - kind: Secret # of the chart\n    name: one\n  - kind: Secret\n    name: two\n",
    ],
)
def test_a_reference_has_a_name_and_no_values(text):
    assert _are_references(text)


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\nname: x\n",
        "apiVersion: v1\nkind: Secret\nstringData:\n  password: x\n",
        "items:\n  - kind: Secret\n    stringData:\n      password: x\n",
        "items:\n  - apiVersion: v1\n    kind: Secret\n    data: {a: b}\n",
        "items:\n  - data: {a: b}\n    kind: Secret\n    name: x\n",
        "items:\n  - stringData:\n      password: x\n    kind: Secret\n",
        "items:\n  - kind: Secret\n    name: x\n    <<: *values\n",
        "items:\n  - kind: Secret\n    name: x\n    ? data\n    : a\n",
        "items:\n  - kind: Secret\n    name: |\n      x\n",
        "items:\n  - kind: Secret\n      data:\n        a: b\n",
        "items:\n  - kind: Secret\n{{ if x }}\n    data:\n      a: b\n",
        "items:\n  - kind: Secret\n\tdata:\n",
        "apiVersion: v1\n kind: Secret\nstringData:\n  password: x\n",
        "  kind: Secret\n  name: x\n",
        "# kind: Secret\n# data:\n#   a: b\n",
        "x: {kind: Secret, data: {a: b}}\n",
        "x:\n  - kind: Secret\n    name: a\ny:\n  - kind: Secret\n    data:\n      a: b\n",
    ],
)
def test_everything_else_may_hold_values(text):
    assert not _are_references(text)


def test_a_place_that_is_unknown_may_hold_values():
    assert not are_references(b"a:\n  - kind: Secret\n    name: x\n", [-1])


def test_a_broken_file_that_only_refers_to_secrets_is_no_error(scanner):
    text = "spec:\n  valuesFrom:\n    - kind: Secret\n      name: x\n  data:\n    a: *missing\n"
    assert scanner.scan(text).problem is None
    assert scanner.scan(text + "---\nkind: Secret\n").problem is not None
