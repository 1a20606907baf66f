"""What the audit's tests share."""

import pytest

from audit_tree import run, write


@pytest.fixture
def audited(environment, tmp_path_factory, git):
    """What a rule finds in a case."""

    def audited(rule, case):
        root = tmp_path_factory.mktemp("case")
        if case.head is not None:
            write(root, case.head)
            git(root, "init", "--quiet")
            git(root, "add", "--all")
            git(root, "commit", "--quiet", "--message", "before")
        write(root, case.files)
        return run(rule, root, case)

    return audited
