"""Equal values get equal ciphertexts for the merge only: the result doesn't show which are equal."""

import re

from fluxsecrets.ops.merge.model import Outcome

from .conftest import SECRET


def test_a_value_that_both_sides_set_in_different_documents_has_two_ciphertexts(desk):
    two = f"{SECRET}---\n{SECRET.replace('name: db', 'name: other')}"
    place = two.index("---")
    first, second = two[:place], two[place:]
    base = desk.encrypt(two)
    ours = desk.encrypt(first.replace("throwaway-token", "throwaway-new") + second, base)
    theirs = desk.encrypt(first + second.replace("throwaway-token", "throwaway-new"), base)
    result = desk.merge(base, ours, theirs)
    assert result.outcome is Outcome.MERGED
    assert desk.plain(result.data) == two.replace("throwaway-token", "throwaway-new")
    texts = re.findall(rb"(?m)^  token: (ENC.*)$", result.data)
    assert len(set(texts)) == 2
    assert texts[0] in ours and texts[1] in theirs  # noqa: PT018
