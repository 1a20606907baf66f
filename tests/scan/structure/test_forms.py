"""The forms: each finds the password in its samples, and nothing in those that only look like it."""

import base64

import pytest

from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.expressions import compiled
from fluxsecrets.scan.forms import FORMS, SAMPLE
from fluxsecrets.scan.structure.forms import judge

PASSWORD = "Tr0ub4dor-throwaway"


def filled(form, text):
    return text.replace(
        SAMPLE, base64.b64encode(f"a:{PASSWORD}".encode()).decode() if form.basic else PASSWORD
    )


PATHS = ("run.sh", "README.md", "x/unknown")


@pytest.mark.parametrize("form", FORMS, ids=[f"{form.title}-{form.positives[0]}" for form in FORMS])
def test_a_form_finds_the_password_in_its_samples_and_in_nothing_else(scanner, form):
    for sample in form.positives:
        text = filled(form, sample)
        assert compiled(form.pattern).search(text.encode()) is not None
        (match,) = judge(Blob("run.sh", text.encode()), [form])
        assert text[match.start : match.end] in (filled(form, SAMPLE), 2 * PASSWORD)
        for path in PATHS:
            (finding,) = scanner.findings(f"x\n{text}\n", path)
            assert PASSWORD not in repr(finding)
    for sample in form.negatives:
        text = filled(form, sample)
        assert list(judge(Blob("run.sh", text.encode()), FORMS)) == [], text
        assert [found for path in PATHS for found in scanner(f"x\n{text}\n", path)] == [], text
