"""Verdicts on several environments, with what they have in common found once."""

from hypothesis import given

from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.model import Cluster
from fluxsecrets.flux.shared import Shared
from fluxsecrets.repo.environments import load_environments
from sharedfolders import fleets, planned


def shown(verdicts):
    """All of the verdicts, with the data of objects, in which 1 and true differ."""
    return repr(verdicts), [repr(item.data) for each in verdicts for item in each.objects]


@given(fleets())
def test_verdicts_are_the_same_together_and_alone(tmp_path_factory, files):
    tree = planned(tmp_path_factory.getbasetemp() / "nowhere", files)
    shared = Shared()
    for environment in load_environments(tree):
        graph, cluster = environment.graph, Cluster()
        assert shown(judge(graph.tree, graph, cluster, shared)) == shown(judge(graph.tree, graph, cluster))
