"""Only environments that a path names are compared: the same is found as by comparing each with each."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.audit.rules.path_of_other_environment import check
from fluxsecrets.repo.envnames import GENERIC_PARTS

PARTS = ("clusters", "apps", "eu", "us", "staging", "production")
PATHS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=2).map("/".join)


def environment(name, root, items):
    """An environment with (path, file, remote) of each Kustomization, as far as the rule looks at it."""
    made = [
        SimpleNamespace(path=path, file=file, line=line, remote=remote, name="app")
        for line, (path, file, remote) in enumerate(items)
    ]
    graph = SimpleNamespace(
        kustomizations=tuple(made),
        applied=[SimpleNamespace(kustomization=each, item=None) for each in (None, *made)],
        folders=tuple(each.path for each in made if each.path is not None),
    )
    return SimpleNamespace(name=name, root_path=root, graph=graph)


def facts_of(environments, only):
    made = {}
    whole = SimpleNamespace(environments=environments)
    return SimpleNamespace(
        environments=environments if only is None else environments[:1],
        whole=whole,
        roots=environments,
        only=only,
        tree=SimpleNamespace(folders=frozenset()),
        once=lambda name, make: made[name] if name in made else made.setdefault(name, make()),
    )


def words(one):
    return {*one.root_path.split("/"), one.name} - GENERIC_PARTS


def names_other(path, own, other):
    """Whether a path has something of the other environment only, and nothing of its own only."""
    parts = set(path.split("/"))
    return parts & (words(other) - words(own)) and not parts & (words(own) - words(other))


def apart(own, other):
    one, two = own.root_path.split("/"), other.root_path.split("/")
    shorter = min(len(one), len(two))
    return own.name != other.name and one[:shorter] != two[:shorter]


def long_way(looked_at, environments):
    found = []
    for own in looked_at:
        for other in filter(lambda each: apart(own, each), environments):
            for item in own.graph.kustomizations:
                place = (own.name, item.file, item.line)
                if (
                    item.path is not None
                    and not item.remote
                    and names_other(item.path, own, other)
                    and not names_other(item.file, own, other)
                    and item.path in other.graph.folders
                    and place not in found
                ):
                    found.append(place)
    return [place[1:] for place in found]


@given(
    st.lists(
        st.tuples(
            st.sampled_from((*PARTS[2:], "blue")),
            PATHS,
            st.lists(st.tuples(st.none() | PATHS, PATHS, st.booleans()), max_size=4),
        ),
        min_size=1,
        max_size=5,
        unique_by=(lambda each: each[0], lambda each: each[1]),
    ),
    st.booleans(),
)
def test_what_is_named_is_what_is_found_by_comparing_all(given_environments, alone):
    environments = tuple(environment(*each) for each in given_environments)
    facts = facts_of(environments, environments[0].name if alone else None)
    found = [(each.location.path, each.location.line) for each in check(facts)]
    assert found == long_way(facts.environments, environments)
