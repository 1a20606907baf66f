"""Any proposals, changes and folds, in any order: folding changes nothing for Flux, and loses no value."""

import os
import shutil

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import scaled
from proposing import BASE64, LISTED, TEXTS, applied, rendered

KEYS = ("user", "password", "token", "tls.crt", "a_b")
VALUES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
).filter(lambda text: not (text.startswith("\t") and "\n" in text) and not text.endswith("\n"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "propose", "propose", "remove", "fold"]), st.sampled_from(KEYS), VALUES
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=scaled(5), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, secret=st.sampled_from([TEXTS, BASE64]))
def test_folding_never_changes_what_flux_applies(shop, cli, act_as, monkeypatch, steps, secret):
    root = shop(secret)
    wanted = {"user": "alice", "password": "old-throwaway"}
    for number, (step, key, value) in enumerate((*steps, ("fold", "", ""))):
        if step == "fold":
            act_as("alice")
            before = rendered(cli)
            result = cli("fold")
            assert result.exit_code == 0, result.stderr
            assert rendered(cli) == before
        elif step == "propose":
            path = root.parent / f"value-{number}"
            path.write_text(value, encoding="utf-8", newline="")
            monkeypatch.setenv("SOPS_AGE_KEY_FILE", os.devnull)
            result = cli("propose", "apps/shop/db.yaml", key, "--value-file", path)
            assert result.exit_code == 0, result.stderr
            wanted[key] = value
        elif len(wanted) > 1:
            monkeypatch.setenv("SOPS_AGE_KEY_FILE", os.devnull)
            removed = wanted.pop(key, None) is not None
            assert (cli("propose", "apps/shop/db.yaml", key, "--remove").exit_code == 0) == removed
        act_as("alice")
        assert applied(cli) == {"db": wanted}
    assert (root / "apps/shop/kustomization.yaml").read_text() == LISTED
    assert not list(root.rglob("*proposed*"))
    shutil.rmtree(root / ".git")
