"""What the audit's tests share."""

import pytest

from audit_tree import build, run


@pytest.fixture
def audited(environment, tmp_path_factory, git):
    """What a rule finds in a case."""

    def audited(rule, case):
        root = tmp_path_factory.mktemp("case")
        build(root, case, git)
        return run(rule, root, case)

    return audited
