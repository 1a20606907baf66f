"""Write the shell scripts of the ready CI jobs into a folder, for shellcheck: `make lint`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

JOBS = Path(__file__).parents[1] / "ci"


def scripts() -> Iterator[tuple[str, str]]:
    """Yield a name and a script: each step of GitHub's and Forgejo's jobs, and each job of GitLab."""
    for path in sorted(JOBS.glob("*.yml")):
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8")).get("jobs", {}).items():
            for number, step in enumerate(job["steps"]):
                if "run" in step:
                    yield f"{path.stem}.{name}.{number}", step["run"]
    for name, job in yaml.safe_load((JOBS / "gitlab-ci.yml").read_text(encoding="utf-8")).items():
        yield f"gitlab-ci.{name}", "\n".join([*job.get("before_script", []), *job["script"]])


def main(folder: Path) -> None:
    """Write the scripts into a folder, as bash reads them after the forge has filled in its expressions."""
    for name, script in scripts():
        text = re.sub(r"\$\{\{.*?\}\}", "filled-in", script)
        (folder / f"{name}.sh").write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
