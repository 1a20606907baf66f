"""Make tests/vectors/sops-cloud/gcp anew, with the real sops that is on PATH."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from googleserver import DOMAIN_KEY, KEY, OTHER_KEY, google_servers

FOLDER = Path(__file__).parent / "vectors" / "sops-cloud" / "gcp"
ALICE = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
RULES = {
    "flat": f"creation_rules:\n  - gcp_kms: {KEY}\n",
    "several": f"creation_rules:\n  - gcp_kms: {KEY}, {DOMAIN_KEY}\n    age: {ALICE}\n",
    "groups": f"""\
creation_rules:
  - shamir_threshold: 2
    key_groups:
      - gcp_kms:
          - resource_id: {KEY}
      - gcp_kms:
          - resource_id: {DOMAIN_KEY}
          - resource_id: {OTHER_KEY}
        age:
          - {ALICE}
""",
}
PLAIN = {
    "a.yaml": "motto: waddle on, throwaway\nport: 5432\n",
    "a.json": '{\n\t"motto": "waddle on, throwaway",\n\t"port": 5432\n}\n',
    "a.env": "MOTTO=waddle on, throwaway\nPORT=5432\n",
    "a.ini": "[db]\nmotto = waddle on, throwaway\nport  = 5432\n",
    "a.bin": "waddle on, throwaway\n",
}


def main() -> None:
    """Write the folder."""
    (FOLDER / "plain").mkdir(exist_ok=True)
    for name, text in PLAIN.items():
        (FOLDER / "plain" / name).write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as home, google_servers(Path(home)) as google:
        environ = {**os.environ, **google.variables(), "HOME": home}
        for case, rules in RULES.items():
            folder = FOLDER / case
            folder.mkdir(exist_ok=True)
            (folder / "rules.yaml").write_text(rules, encoding="utf-8")
            for name, text in PLAIN.items():
                (folder / name).write_text(text, encoding="utf-8")
                command = ("sops", "--config", "rules.yaml", "encrypt", "--in-place", name)
                subprocess.run(command, cwd=folder, env=environ, check=True)


if __name__ == "__main__":
    main()
