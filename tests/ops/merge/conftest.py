"""Three versions of an encrypted file, and their merge as the driver makes it."""

import json
import re
from dataclasses import dataclass, replace

import pytest
from tests.conftest import VECTORS

from fluxsecrets.merging import Labels
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.merge.model import Versions
from fluxsecrets.ops.merge.threeway import merge_encrypted
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import age

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  username: throwaway-user
  password: throwaway-password
  token: throwaway-token
"""


def edited(**values):
    """The Secret with other values; None removes a key, and new keys come at the end."""
    text = SECRET
    for key, value in values.items():
        line = "" if value is None else f"  {key}: {value}\n"
        pattern = rf"(?m)^  {key}: .*\n"
        text = re.sub(pattern, line, text) if re.search(pattern, text) else text + line
    return text


@dataclass
class Desk:
    """Encrypts and merges, as alice."""

    session: Session
    people: dict
    format_name: str = "yaml"

    @property
    def format(self):
        return make_format(self.format_name)

    def encrypt(self, text, previous=None, *, people=("alice", "cluster"), new_key=False, **policy):
        groups = (tuple(age(self.people[name]) for name in people),) if people else ()
        made = Policy(**{"groups": groups, **policy})
        opened = None if previous is None else self.open(previous)
        return encrypt_content(
            self.format, text.encode(), made, self.session.providers, now="2026-11-29T10:00:00Z",
            limits=self.session.limits, previous=opened, new_key=new_key, by_hand=True,
        ).data  # fmt: skip

    def open(self, data):
        return open_file(self.format, data, self.session.providers, self.session.limits)

    def plain(self, data):
        return self.open(data).text().decode()

    def with_block(self, data, **fields):
        """The file with another block, as anybody can write it."""
        document = self.format.parse(data, self.session.limits)
        return self.format.rewrite(document, (), replace(document.metadata, **fields))

    def merge(self, base, ours, theirs, session=None, name="secret.yaml"):
        used = session or self.session
        labels = Labels("ours", "base", "theirs")
        return merge_encrypted(used, used.cwd / name, self.format, Versions(base, ours, theirs), labels)


@pytest.fixture
def desk(tmp_path, identity):
    people = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))
    rule = f"creation_rules:\n  - age: {people['alice']},{people['cluster']}\n"
    (tmp_path / ".sops.yaml").write_text(rule, encoding="utf-8")
    environ = {"SOPS_AGE_KEY_FILE": str(identity.path), "HOME": str(tmp_path)}
    return Desk(Session(environ, tmp_path), people)


@pytest.fixture
def strangers_session(desk, tmp_path):
    """A session without any identity."""
    return Session({"HOME": str(tmp_path)}, tmp_path)
