"""`repo.settings_edit`: values of a `.fluxsecrets.yaml` change, and nothing else in its text does."""

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.repo.settings import parse_settings
from fluxsecrets.repo.settings_edit import change_cluster_recipient, put
from fluxsecrets.sops.formats import Limits

OLD, NEW, OTHER = (f"age1throwaway{name}" for name in ("old", "new", "other"))
LAYOUTS = {
    "block": f"environments:\n  dr: # it\n    cluster_recipients:\n      - {OLD} # old\n      - {OTHER}\n",
    "flow": f"environments: {{dr: {{cluster_recipients: [{OLD}, {OTHER}]}}}}\n",
    "quoted": f"environments:\n  dr:\n    cluster_recipients: ['{OLD}', \"{OTHER}\"]\n",
    "byte order mark": f"\ufeffenvironments:\n  dr:\n    cluster_recipients:\n    - {OLD}\n    - {OTHER}\n",
}


def recipients(data):
    return parse_settings(data).environment("dr").cluster_recipients


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_a_recipient_is_added_beside_another_and_then_takes_its_place(text):
    before = text.encode()
    both = change_cluster_recipient(before, "dr", OLD, NEW, replaces=False)
    assert recipients(both) == (OLD, NEW, OTHER)
    ended = change_cluster_recipient(both, "dr", OLD, NEW, replaces=True)
    assert sorted(recipients(ended)) == sorted((NEW, OTHER))
    assert change_cluster_recipient(before, "dr", OLD, NEW, replaces=True).decode() == (
        text.replace(OLD, NEW) if "'" not in text else text.replace(f"'{OLD}'", NEW)
    )


def test_comments_and_other_lines_stay():
    both = change_cluster_recipient(LAYOUTS["block"].encode(), "dr", OLD, NEW, replaces=False).decode()
    assert both.splitlines() == [
        "environments:",
        "  dr: # it",
        "    cluster_recipients:",
        f"      - {OLD} # old",
        f"      - {NEW}",
        f"      - {OTHER}",
    ]


@pytest.mark.parametrize(("environment", "old"), [("staging", OLD), ("dr", "age1throwawaynobody")])
def test_without_the_old_recipient_nothing_changes(environment, old):
    data = LAYOUTS["block"].encode()
    assert change_cluster_recipient(data, environment, old, NEW, replaces=True) == data


def test_a_list_that_another_environment_shares_is_refused():
    text = (
        f"environments:\n  staging:\n    cluster_recipients: &both [{OLD}]\n"
        "  dr:\n    cluster_recipients: *both\n"
    )
    with pytest.raises(ConfigError, match="cluster_recipients of dr cannot be changed"):
        change_cluster_recipient(text.encode(), "dr", OLD, NEW, replaces=False)


def test_a_value_is_put_behind_those_of_a_list():
    data = b"secrets: # globs\n  - a/*.yaml\n"
    made = put(data, ("secrets", 1), "b/*.yaml", Limits())
    assert parse_settings(made).secrets == ("a/*.yaml", "b/*.yaml")
    assert made.startswith(data)
