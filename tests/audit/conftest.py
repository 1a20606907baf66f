"""What the audit's tests share."""

import pytest

from audit_tree import assert_place, build, run


@pytest.fixture
def audited(environment, tmp_path_factory, git):
    """What a rule finds in a case."""

    def audited(rule, case):
        root = tmp_path_factory.mktemp("case")
        build(root, case, git)
        found = run(rule, root, case)
        for finding in found:
            for place in (finding.location, *finding.related):
                assert_place(root, place.path, place.line)
        return found

    return audited
