"""What is taken out of a HelmRelease comes back with the same type, by Flux's own merge rules."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.manifest import chosen_paths, edited, key_text, read_manifest
from fluxsecrets.ops.extract.model import Wanted
from fluxsecrets.ops.extract.places.helmrelease import PLACE, VALUES
from fluxsecrets.ops.extract.places.targetpath import target_path, target_value
from fluxsecrets.repo.goyaml.read import read
from fluxsecrets.sops.formats import Limits
from helm.compose import compose, same
from helm.releases import OBJECTS, releases
from helm.strvals import parse_into

PATTERN = re.compile(r"^([a-zA-Z0-9_\-.\\/]|\[[0-9]{1,5}\])+$")
HEAD = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: apps}
spec:
"""


def extracted(data, keys, *, document=0, keep_empty=False, secret="made", **flux):
    """The file after values are taken out, and what their Secret holds."""
    holder = next(each for each in read_manifest(data, Limits()).holders if each.part == document)
    paths = tuple(sorted((VALUES + tuple(key) for key in keys), key=lambda path: tuple(map(str, path))))
    done = PLACE.extract(Wanted(holder.node, paths, secret, keep_empty=keep_empty, **flux))
    return edited(data, holder, done.edits, Limits()).data, {each.key: each.text for each in done.moved}


def spec_of(data, document=0):
    if data.startswith(b"{"):
        return json.loads(data)["spec"]
    return [read(text) for text in re.split(r"(?m)^---$", data.decode())][document]["spec"]


def composed(data, secret=None, document=0):
    spec = spec_of(data, document)
    objects = {**OBJECTS, ("Secret", "made"): secret or {}}
    return compose(spec.get("values"), spec.get("valuesFrom") or [], objects)


@pytest.mark.parametrize("keep_empty", [False, True])
def test_each_release_composes_to_the_same_values_and_holds_none_in_plain_text(keep_empty):
    for release in releases():
        data, secret = extracted(
            release.content, release.keys, document=release.document, keep_empty=keep_empty
        )
        before = composed(release.content, document=release.document)
        assert same(before, composed(data, secret, release.document)), release.name
        left = json.dumps(spec_of(data, release.document).get("values"), ensure_ascii=False)
        for value in release.planted:
            assert json.dumps(value, ensure_ascii=False) not in left, release.name
        for entry in spec_of(data, release.document)["valuesFrom"]:
            assert PATTERN.match(entry.get("targetPath", "x")), entry


@pytest.mark.parametrize("flux", [{"literal": True}, {"lists": False}], ids=str)
def test_newer_and_older_versions_of_flux_get_the_same_values(flux):
    for release in releases():
        number = release.document
        data, secret = extracted(release.content, release.keys, document=number, **flux)
        assert same(composed(release.content, document=number), composed(data, secret, number)), release.name
        for entry in spec_of(data, number)["valuesFrom"]:
            ours = entry["name"] == "made" and "targetPath" in entry
            assert not (ours and not flux.get("lists", True) and "[" in entry["targetPath"]), entry
            if ours and flux.get("literal") and isinstance(secret[entry["valuesKey"]], str):
                assert entry.get("literal") or "\\" not in secret[entry["valuesKey"]]


def test_each_value_of_the_releases_has_a_key_that_names_it():
    for release in releases():
        file = read_manifest(release.content, Limits())
        at = next(at for at, each in enumerate(file.holders) if each.part == release.document)
        for literal in PLACE.literals(file.holders[at].node):
            for path in (literal.path, literal.path[len(VALUES) :]):
                assert chosen_paths(file, [key_text(path)], release.document + 1) == {at: (literal.path,)}


def test_one_value_is_taken_out_of_each_release_and_all_else_stays():
    for release in releases():
        data, secret = extracted(
            release.content, release.keys[:1], document=release.document, keep_empty=True
        )
        before = composed(release.content, document=release.document)
        assert same(before, composed(data, secret, release.document)), release.name


KEYS = st.text(st.sampled_from("ab0.-_/\\,=[]{} \u00fc'"), min_size=1, max_size=6)
SCALARS = st.one_of(
    st.text(max_size=12).filter(lambda text: "${" not in text and text),
    st.sampled_from(["true", "NULL", "007", "-12", "'", '"', "{a,b}", "a,b=c", "\\", "a\\,", "1.5", "0"]),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number or 0.0),  # -0.0 is 0 in YAML
)


@given(st.lists(KEYS, min_size=1, max_size=3), SCALARS, st.booleans(), st.booleans())
def test_any_value_under_any_key_comes_back(keys, value, in_list, keep_empty):
    inner = {keys[-1]: value, "other-key": "stays"}
    values = [inner, {"name": "second"}] if in_list else inner
    for key in reversed(keys[:-1]):
        values = {key: values, "beside-it": 1}
    values = {"root-key": values}
    path = ("root-key", *keys[:-1], *([0] if in_list else []), keys[-1])
    data = json.dumps({**yaml.safe_load(HEAD), "spec": {"values": values}}).encode()
    after, secret = extracted(data, [path], keep_empty=keep_empty)
    assert same(composed(data), composed(after, secret))


@given(st.text(max_size=20))
def test_a_text_comes_back_through_the_parser_of_set(text):
    spelled = target_value(text)
    quoted = any(spelled.startswith(quote) and spelled.endswith(quote) for quote in "'\"")
    found = {}
    parse_into("a=" + (spelled.strip("'\"") if quoted else spelled), found, strings=quoted)
    assert found == {"a": text}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("auth", "password"), "auth.password"),
        (("annotations", "example.org/token"), r"annotations.example\.org/token"),
        (("env", 0, "value"), "env[0].value"),
        (("a\\b",), r"a\\b"),
        (("matrix", 1, 2, "x"), "matrix[1][2].x"),
        (("a=b",), None),
        (("with space",), None),
        (("", "a"), None),
        (("servers[0]", "a"), None),
        (("a" * 251,), None),
        (tuple("a" * 40), None),
    ],
)
def test_a_target_path_is_one_that_the_api_server_takes(path, expected):
    assert target_path(path) == expected


def refused(values, key, references=""):
    with pytest.raises(UsageError) as caught:
        extracted(f"{HEAD}{references}  values:\n{values}".encode(), [key])
    return caught.value.message


def test_what_is_not_a_value_is_refused():
    assert "holds a variable of Flux" in refused("    a: ${password}\n", ["a"])
    assert "holds no value" in refused("    a: ''\n", ["a"])
    assert "YAML alias" in refused("    a: &x s\n    b: *x\n", ["b"])


def test_a_value_that_another_target_path_sets_is_refused():
    reference = "  valuesFrom:\n    - {kind: Secret, name: s, targetPath: TARGET}\n"
    for target in ("auth", "auth.password", "auth.password.x"):
        message = refused(
            "    auth: {password: x}\n", ["auth", "password"], reference.replace("TARGET", target)
        )
        assert f"is set by the targetPath '{target}' of line 6, too" in message


def test_comments_and_layout_of_the_rest_stay():
    data = f"""\
# top
{HEAD}  interval: 1h   # often
  values:
    # the account
    auth:
        user:   shop
        password: hunter2
    # behind
    image: {{tag: "1"}}
""".encode()
    after, secret = extracted(data, [("auth", "password")])
    assert secret == {"auth.password": "hunter2"}
    assert (
        after.decode()
        == f"""\
# top
{HEAD}  interval: 1h   # often
  values:
    # the account
    auth:
        user:   shop
    # behind
    image: {{tag: "1"}}
  valuesFrom:
    - kind: Secret
      name: made
      valuesKey: auth.password
      targetPath: auth.password
"""
    )


def test_values_that_need_a_piece_of_values_are_each_reported():
    data = f"{HEAD}  values: {{a: 1, b: 2.5, c: {{d: x}}}}\n".encode()
    holder = read_manifest(data, Limits()).holders[0]
    paths = tuple((*VALUES, *path) for path in (("a",), ("b",), ("c", "d")))
    fragment, target = PLACE.extract(Wanted(holder.node, paths, "made")).moved
    assert (fragment.key, fragment.text) == ("values.yaml", "a: 1\nb: 2.5\n")
    assert [fragment.path, *(path for path, _ in fragment.others)] == [*paths[:2]]
    assert (target.key, target.text) == ("c.d", "x")


def test_a_release_in_a_list_has_the_keys_that_scan_shows():
    item = {**yaml.safe_load(HEAD), "spec": {"values": {"auth": {"password": "hunter2"}}}}
    data = json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "ConfigMap"}, item]}).encode()
    file = read_manifest(data, Limits())
    for key in ("items[1].spec.values.auth.password", "spec.values.auth.password", "auth.password"):
        found = chosen_paths(file, [key], None)
        assert [*found.values()] == [((*VALUES, "auth", "password"),)], key
    holder = file.holders[next(iter(found))]
    done = PLACE.extract(Wanted(holder.node, ((*VALUES, "auth", "password"),), "made"))
    after = json.loads(edited(data, holder, done.edits, Limits()).data)["items"][1]["spec"]
    assert after["valuesFrom"][0]["targetPath"] == "auth.password"
    assert "hunter2" not in json.dumps(after)


def test_older_versions_of_the_kind_have_no_literal_values():
    data = f"{HEAD}  values: {{a: 'x,y'}}\n".encode()
    after, secret = extracted(data, [("a",)], literal=True)
    assert (spec_of(after)["valuesFrom"][0]["literal"], secret["a"]) == (True, "x,y")
    after, secret = extracted(data.replace(b"io/v2", b"io/v2beta2"), [("a",)], literal=True)
    assert "literal" not in spec_of(after)["valuesFrom"][0]
    assert secret["a"] == "x\\,y"
