"""docs/flux.md lists each behaviour once, with a fixture that shows it."""

import ast
import re
from pathlib import Path

from flux_cases import EXPECTED
from fluxsecrets import __file__ as package
from fluxsecrets.flux.since import FACTS
from tables import each_row

SOURCE = Path(package).parent
PAGE = (Path(__file__).parents[2] / "docs" / "flux.md").read_text(encoding="utf-8")

_ROW = re.compile(r"^\| `(?P<behaviour>[a-z0-9-]+)` \|(?P<rest>.*)\|$", re.MULTILINE)
_BEHAVIOUR = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|suspended")
_OTHER_WORDS = {"flux-system", "flux2-sync", "kustomize-controller", "source-watcher", "utf-8"}

ROWS = [(row["behaviour"], [cell.strip() for cell in row["rest"].split("|")]) for row in _ROW.finditer(PAGE)]
SHOWN = [
    (behaviour, fixture) for behaviour, cells in ROWS for fixture in re.findall(r"`([a-z0-9-]+)`", cells[-1])
]


def behaviours_of_the_code():
    """The words in the code of the stages that have the form of a behaviour's name."""
    stages = [path for path in SOURCE.glob("flux/**/*.py") if path.name != "since.py"]
    stages += [*SOURCE.glob("repo/kustomize/*.py")]
    stages += [SOURCE / "repo" / "graph.py", SOURCE / "repo" / "placing.py"]
    stages += [SOURCE / "sealed" / "validity.py", SOURCE / "external" / "validity.py"]
    return {
        node.value
        for path in stages
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _BEHAVIOUR.fullmatch(node.value)
    } - _OTHER_WORDS


def test_each_behaviour_has_one_row():
    assert sorted(behaviour for behaviour, _ in ROWS) == sorted(behaviours_of_the_code())


def test_versions_are_those_of_a_fact():
    shown = {version for _, cells in ROWS for version in re.findall(r"\d\.\d+", cells[2])}
    assert shown <= {fact.shown for fact in FACTS}


def test_each_row_says_all():
    assert [behaviour for behaviour, cells in ROWS if len(cells) != 4] == []


@each_row(("behaviour", "fixture"), SHOWN)
def test_the_fixture_shows_the_behaviour(behaviour, fixture, verdicts):
    assert fixture in EXPECTED
    assert behaviour in {each.behaviour for each in verdicts[fixture].outcomes}
