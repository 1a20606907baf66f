"""Reviews for the tests of their formats."""

from pathlib import Path

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.model import AccessChange, Review, ReviewItem


def item(
    kind="access-gained",
    severity=Severity.HIGH,
    environments=("production",),
    path="apps/database/overlays/production/secret.yaml",
    line=6,
    what="Secret apps/database",
    title="mallory can decrypt the file",
    details=(),
    hint="",
    anchor="",
):
    return ReviewItem(
        kind,
        severity,
        environments,
        path,
        line,
        what,
        title,
        details,
        hint,
        anchor or f"{kind}-{path}-{line}",
    )


def review(items=(), **more):
    values = {
        "root": Path.cwd(),
        "range": "origin/main..HEAD",
        "base": "1f3c9a7b2e",
        "head": "9be07d1c44",
        "items": tuple(items),
        "access": (),
        "environments": ("production", "staging"),
        "unseen": (),
        "files": 7,
        "fail_on": Severity.HIGH,
        **more,
    }
    return Review(**values)


EVERYTHING = review(
    [
        item(
            severity=Severity.CRITICAL,
            title="mallory can decrypt 3 more files",
            details=("not in any creation rule before this change", "recipient age1mallory"),
            hint="ask who mallory is; run `fluxsecrets recipients remove mallory` if nobody knows",
        ),
        item(
            "value-changed",
            Severity.LOW,
            title="data.password has another value",
            details=("str of 9–16 bytes before, str of 17–32 bytes now",),
            line=9,
        ),
        item(
            "selector-weakened",
            Severity.HIGH,
            ("production", "staging"),
            ".sops.yaml",
            4,
            "",
            "the rule for apps/.* no longer encrypts stringData",
            ("encrypted_regex ^(data|stringData)$ before, ^data$ now",),
            "encrypt stringData, too",
        ),
        item(
            "plain-secret",
            Severity.MEDIUM,
            (),
            "talos/new.yaml",
            None,
            title="the file is a secret in plain text",
            hint="encrypt it: `fluxsecrets encrypt FILE`",
        ),
    ],
    access=(
        AccessChange(
            "mallory", "age1mallory", "production", tuple(f"apps/{name}.yaml" for name in "abcde"), ()
        ),
        AccessChange("bob", "age1bob", "staging", (), ("apps/a.yaml",)),
    ),
    unseen=("the values in 12 encrypted files: none of your identities can decrypt them",),
)
