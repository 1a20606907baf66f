"""Make tests/vectors/sops-cloud/aws anew, with the real sops that is on PATH."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from awsserver import ACCOUNT, ROLE, SECRET, USER, aws_server, import_key

FOLDER = Path(__file__).parent / "vectors" / "sops-cloud" / "aws"
ONE = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/00000000-0000-4000-8000-000000000001"
TWO = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/00000000-0000-4000-8000-000000000002"
MANY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-00000000000000000000000000000003"
KEYS = {arn: f"throwaway-material-{number}".ljust(32, "!") for number, arn in enumerate((ONE, TWO, MANY))}
RULES = {
    "flat": f"creation_rules:\n  - kms: {ONE}\n",
    "role": f"""\
creation_rules:
  - key_groups:
      - kms:
          - arn: {ONE}
            role: {ROLE}
            context:
              Env: staging
              App: "db: main"
            aws_profile: team
          - arn: {TWO}
""",
    "groups": f"""\
creation_rules:
  - shamir_threshold: 2
    key_groups:
      - kms:
          - arn: {MANY}
            context:
              App: db
      - kms:
          - arn: {ONE}
          - arn: {TWO}
            role: {ROLE}
""",
}
PLAIN = {
    "a.yaml": "motto: waddle on, throwaway\nport: 5432\n",
    "a.json": '{\n\t"motto": "waddle on, throwaway",\n\t"port": 5432\n}\n',
    "a.env": "MOTTO=waddle on, throwaway\nPORT=5432\n",
    "a.ini": "[db]\nmotto = waddle on, throwaway\nport  = 5432\n",
    "a.bin": "waddle on, throwaway\n",
}
PROFILE = f"[team]\naws_access_key_id = {USER}\naws_secret_access_key = {SECRET}\n"


def main() -> None:
    """Write the folder."""
    (FOLDER / "keys.json").write_text(json.dumps(KEYS, indent=1) + "\n", encoding="utf-8")
    (FOLDER / "plain").mkdir(exist_ok=True)
    for name, text in PLAIN.items():
        (FOLDER / "plain" / name).write_text(text, encoding="utf-8")
    with aws_server() as server, tempfile.TemporaryDirectory() as home:
        for arn, material in KEYS.items():
            import_key(arn, material.encode())
        (Path(home) / ".aws").mkdir()
        (Path(home) / ".aws" / "credentials").write_text(PROFILE, encoding="utf-8")
        environ = {**os.environ, **server.environment(), "HOME": home}
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
