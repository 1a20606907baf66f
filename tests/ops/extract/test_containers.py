"""What is taken out of the environment of containers, and that all else in the file stays as it is."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.manifest import chosen_paths, edited, read_manifest
from fluxsecrets.ops.extract.model import Wanted
from fluxsecrets.sops.formats import Limits

VALUE = "throwAway-9fK2mQx"
KINDS = {
    "Pod": ("v1", ("spec",)),
    "Deployment": ("apps/v1", ("spec", "template", "spec")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec")),
    "DaemonSet": ("apps/v1", ("spec", "template", "spec")),
    "ReplicaSet": ("apps/v1", ("spec", "template", "spec")),
    "Job": ("batch/v1", ("spec", "template", "spec")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec")),
}


def extracted(data, *keys, taken=frozenset()):
    """The file after the values of keys are taken out of its only object, and what the Secret gets."""
    file = read_manifest(data, Limits())
    ((at, paths),) = chosen_paths(file, keys, None).items()
    holder = file.holders[at]
    done = holder.place.extract(Wanted(holder.node, paths, "made", taken))
    return edited(data, holder, done.edits, Limits()).data, {each.key: each.text for each in done.moved}


def manifest(kind, pod):
    version, steps = KINDS[kind]
    for step in reversed(steps):
        pod = {step: pod}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "shop"}, **pod}


def variables(data, kind):
    for step in KINDS[kind][1]:
        data = data[step]
    return [
        item
        for group in ("initContainers", "containers")
        for each in data.get(group, [])
        for item in each["env"]
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("listed", [False, True])
def test_every_kind_with_containers_in_json_and_in_lists(kind, listed):
    env = [{"name": "DB_PASSWORD", "value": VALUE}, {"name": "MODE", "value": "fast"}]
    pod = {"initContainers": [{"name": "i", "env": env[:1]}], "containers": [{"name": "c", "env": env}]}
    item = manifest(kind, pod)
    whole = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Other"}, item]} if listed else item
    data, secret = extracted(json.dumps(whole, indent=2).encode(), "DB_PASSWORD")
    assert secret == {"DB_PASSWORD": VALUE}
    found = json.loads(data)
    reference = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "made", "key": "DB_PASSWORD"}}}
    assert variables(found["items"][1] if listed else found, kind) == [reference, reference, env[1]]


def test_equal_variables_share_a_key_and_others_get_one_of_their_own():
    env = [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}, {"name": "A", "value": "x"}]
    pod = {"containers": [{"name": "c", "env": env}]}
    _, secret = extracted(json.dumps(manifest("Pod", pod)).encode(), "A")
    assert secret == {"A": "x", "A-2": "y"}
    _, secret = extracted(json.dumps(manifest("Pod", pod)).encode(), "A", taken=frozenset({"A"}))
    assert sorted(secret.values()) == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a$$b", "a$b"), ("a$b", "a$b"), ("$$(A)", "$(A)"), ("$$$$", "$$"), ("end$", "end$"), ("$", "$")],
)
def test_the_secret_has_what_kubernetes_makes_of_a_value(value, expected):
    pod = {"containers": [{"name": "c", "env": [{"name": "A", "value": value}]}]}
    assert extracted(json.dumps(manifest("Pod", pod)).encode(), "A")[1] == {"A": expected}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("value: $(B)x", "refers to another variable"),
        ("value: $$$(B)", "refers to another variable"),
        ("value: 12", "is not text"),
        ("value: '${B}'", "has no value"),
        ("value: ''", "has no value"),
        ("valueFrom: {fieldRef: {fieldPath: metadata.name}}", "has no value"),
        ("value: *anchor", "YAML alias"),
    ],
)
def test_what_cannot_move_is_refused_with_the_reason(item, reason):
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: &anchor shop}\n"
        f"spec: {{containers: [{{name: c, env: [{{name: A, {item}}}]}}]}}\n"
    )
    with pytest.raises(UsageError) as caught:
        extracted(text.encode(), "A")
    assert reason in caught.value.message


NAMES = st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=5, unique=True)


@given(NAMES, st.data(), st.integers(0, 4), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_of_other_variables_stay_as_they_are(names, data, indent, newline, flow):
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    before, after = " " * indent, " " * (indent + 2)
    lines = [
        "# a comment",
        "kind: Pod",
        "apiVersion: v1",
        "spec:",
        "  containers:",
        "  - name:   c",
        "    env:",
    ]
    for name in names:
        lines.append(f"{'    ' + before}# of {name}")
        pair = (f"name:  {name}", f'value: "secret of {name}"  # {name}')
        if flow:
            lines.append(f"{'    ' + before}- {{ name: {name}, value: 'secret of {name}' }}  # {name}")
        else:
            lines += [f"{'    ' + before}- {pair[0]}", f"{'    ' + after}{pair[1]}"]
    lines += ["    image: x   # behind", "---", "other: [1,  2]", ""]
    text = newline.join(lines)
    made, secret = extracted(text.encode(), *chosen)
    assert secret == {name: f"secret of {name}" for name in chosen}
    left = iter(made.decode().split(newline))
    touched = tuple(f"secret of {name}" for name in chosen)
    assert all(line in left for line in lines if not any(each in line for each in touched))
    assert not any(each in made.decode() for each in touched)
    assert newline == "\n" or "\n" not in made.decode().replace("\r\n", "")
    found = next(yaml.safe_load_all(made))["spec"]["containers"][0]["env"]
    assert [item["name"] for item in found] == names
    assert {item["name"] for item in found if "valueFrom" in item} == set(chosen)
