"""Values of Secrets are found in every form in which they may be inside of another text."""

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.flux.masking import MASK, Masker
from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict
from fluxsecrets.flux.reasons import without_values
from fluxsecrets.flux.unknown import UNKNOWN, is_unknown
from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

APPLIED = Treatment(Fate.APPLIED)


def verdict(*data, outcomes=()):
    """A Kustomization with these objects."""
    objects = [
        Object(each["apiVersion"], each["kind"], each["metadata"]["name"], "apps", f"{number}.yaml", 1, each)
        for number, each in enumerate(data)
    ]
    judged = tuple(ObjectVerdict(item, item.data, APPLIED) for item in objects)
    return KustomizationVerdict(Applied(None, None, None, ""), judged, outcomes)


def secret(**values):
    """A Secret with these values, as the API server has them."""
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}


def other(**data):
    """Something that is not a Secret."""
    return {"apiVersion": "waddle.example/v1", "kind": "Penguin", "metadata": {"name": "p"}, "spec": data}


def hidden(value, text):
    """What is left of a text in another object."""
    found = verdict(secret(a=value), other(x=text))
    return Masker([found]).data(found, found.objects[1])["spec"]["x"]


@pytest.mark.parametrize(
    "form",
    [
        "{0}",
        "a {0} b",
        "postgres://u:{0}@h",
        "{1}",
        "Basic {2}",
        '{{"password": "{3}"}}',
        "x={4}",
    ],
)
@given(value=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=9, max_size=40))
def test_a_value_does_not_get_out(form, value):
    if not value.strip() or value.strip() in MASK or is_unknown(value):
        return  # a text with the sign of what is not known is in no manifest
    data = value.encode()
    text = form.format(
        value,
        b64encode(data).decode(),
        b64encode(b"user:" + data).decode(),
        json.dumps(value)[1:-1],
        quote(value, safe=""),
    )
    left = hidden(value, text)
    assert MASK in left
    assert len(value.strip()) < 6 or value not in left


@pytest.mark.parametrize("offset", range(6))
def test_base64_of_something_longer_is_hidden_wherever_the_value_is_in_it(offset):
    text = b64encode(b"x" * offset + b"throwaway-hunter2" + b"yz").decode()
    assert MASK in hidden("throwaway-hunter2", text)


def test_long_values_of_generators_are_in_several_lines():
    value = "throwaway-" * 10
    data = b64encode(value.encode()).decode()
    wrapped = {**secret(), "data": {"a": f"{data[:70]}\n{data[70:]}\n"}}
    found = verdict(wrapped, other(x=f"a {value}"))
    assert Masker([found]).data(found, found.objects[1])["spec"]["x"] == f"a {MASK}"


def test_numbers_are_hidden_as_texts_are():
    assert hidden("54321", 54321) == MASK
    assert hidden("1", 1) == 1
    assert hidden("true", True) is True


def test_what_is_not_known_stays_so():
    found = verdict({**secret(), "data": {"a": UNKNOWN}})
    assert Masker([found]).data(found, found.objects[0])["data"]["a"] is UNKNOWN


def test_reasons_hold_no_value():
    outcome = Outcome(Effect.FAILS, "a-behaviour", "cannot parse 'throwaway-hunter2' of postgres")
    (found,) = without_values([verdict(secret(a="throwaway-hunter2", b="postgres"), outcomes=(outcome,))])
    assert found.outcomes[0].reason == f"cannot parse '{MASK}' of postgres"
