"""Each Kustomization of `tests/vectors/flux` gets the verdict that kustomize-controller gave it."""

from pathlib import Path

from flux_cases import EXPECTED
from tables import each_row


def expected_verdict(case):
    """What the controller did, as a verdict; `Verdict` where it takes more than the controller to say it."""
    if "Verdict" in case:
        return case["Verdict"]
    if case["State"].endswith("failed"):
        return "fails"
    assert case["State"] == "applied", case["State"]
    is_ciphertext = any(
        item.get("Cipher") or "CIPHERTEXT" in (item.get("Keys") or {}).values()
        for item in case.get("Objects") or ()
    )
    return "ciphertext" if is_ciphertext else "applied"


def test_every_kustomization_is_expected(verdicts):
    assert set(verdicts) == set(EXPECTED)


NOT_YET = frozenset((Path(__file__).parent / "not_yet.txt").read_text().split())
"""Names that are wrong still. One that is right must leave the file."""


def test_the_names_that_are_wrong_still_are_cases():
    assert not NOT_YET - set(EXPECTED)


@each_row("name", list(EXPECTED))
def test_the_verdict_is_the_controllers(name, verdicts):
    found, expected = verdicts[name].verdict, expected_verdict(EXPECTED[name])
    if name in NOT_YET:
        assert found != expected, f"{name} is right now: take it out of not_yet.txt"
    else:
        assert found == expected, verdicts[name].outcomes


APPLIED = [
    name
    for name, case in EXPECTED.items()
    if case["State"] == "applied" and case.get("Verdict") != "unknown" and name != "flux-system"
]


@each_row("name", APPLIED)
def test_the_objects_are_the_controllers(name, verdicts):
    """By the names that they get in the cluster."""
    case = EXPECTED[name]
    found = [
        (each.data["kind"], each.data["metadata"].get("namespace") or "", each.data["metadata"]["name"])
        for each in verdicts[name].objects
    ]
    wanted = {(each["Kind"], each["Namespace"], each["Name"]) for each in case.get("Objects") or ()}
    assert wanted <= set(found)
    assert len(found) == case.get("All", len(wanted))
