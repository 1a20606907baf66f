"""What the tests of Flux's stages share."""

import pytest

from audit_tree import cluster, kustomization, look, repository, write
from flux_cases import session_in
from fluxsecrets.audit.judged import judged
from fluxsecrets.ops.checks.verify import verify


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    """A session in the repository of all cases."""
    return session_in(tmp_path_factory.mktemp("flux") / "repo")


@pytest.fixture(scope="session")
def verdicts(cases):
    """The verdicts of all cases, by name."""
    return {each.applied.kustomization.name: each for each in verify(cases, "t").kustomizations}


@pytest.fixture
def verdict(environment, tmp_path):
    """The verdict of a Kustomization `apps` of given files, below `apps/`."""

    def verdict(files, *, decryption=True, keys="cluster", more="", outside=None):
        case = repository(keys=keys).changed(
            {
                **cluster(),
                "clusters/staging/db.yaml": None,  # `apps` has one of that name
                "clusters/staging/apps.yaml": kustomization("apps", "apps", decryption=decryption, more=more),
                **{f"apps/{path}": content for path, content in files.items()},
                **(outside or {}),
            }
        )
        write(tmp_path, case.files)
        facts = look(tmp_path, case)
        found = judged(facts, facts.environment("staging"))
        return next(each for each in found if each.applied.folder == "apps")

    return verdict


@pytest.fixture
def outcomes(verdict):
    """Its outcomes: effect, behaviour and place."""

    def outcomes(files, **options):
        return [
            (str(each.effect), each.behaviour, f"{each.path}:{each.line}")
            for each in verdict(files, **options).outcomes
        ]

    return outcomes
