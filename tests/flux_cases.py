"""The cases of `tests/vectors/flux`: what kustomize-controller did with each Kustomization."""

import json
import shutil
from pathlib import Path

from fluxsecrets.ops.run.session import Session

VECTORS = Path(__file__).parent / "vectors" / "flux"
EXPECTED = {path.stem: json.loads(path.read_text()) for path in sorted(VECTORS.glob("expected/*.json"))}


def session_in(root):
    """A session in a copy of the repository, with the cluster's key at hand."""
    shutil.copytree(VECTORS / "repo", root)
    for line in (VECTORS / "links.txt").read_text().splitlines():
        path, _, target = line.partition(" -> ")
        (root / path).symlink_to(target)
    large = root / "cases" / "gen-5mib-plain" / "files" / "big.bin"
    large.parent.mkdir()
    large.write_bytes(b"x" * (5 * 2**20 + 1))  # too large to be kept
    environ = {"SOPS_AGE_KEY_FILE": str(VECTORS / "keys" / "cluster.agekey")}
    return Session(environ, root, flux_version="2.9")  # whose controller they were run with
