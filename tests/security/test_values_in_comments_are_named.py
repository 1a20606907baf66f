"""A value that stays readable in a comment is named by every command that encrypts it, and never shown."""

import shlex
import sys

import pytest

from conftest import commit_all

RULES = "creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {}\n"
VALUE = "hunter2-very-secret"
SECRET = f"""\
# root password: {VALUE}
apiVersion: v1
kind: Secret
metadata:
  name: db # was {VALUE}
stringData:
  # {VALUE} is encrypted here
  password: {VALUE}
  user: admin
"""
CLEAN = SECRET.replace(f"# root password: {VALUE}\n", "# the admin\n").replace(f" # was {VALUE}", "")


def said(line, key="stringData.password"):
    return f"the comment on line {line} holds the value of {key} and stays plain text"


@pytest.fixture
def infra(tmp_path, identity, monkeypatch):
    folder = tmp_path / "infra"
    folder.mkdir()
    (folder / ".sops.yaml").write_text(RULES.format(identity.recipient))
    monkeypatch.chdir(folder)
    commit_all(folder, "rules")
    return folder


def test_encrypt_names_the_line_and_the_key(infra, cli):
    (infra / "secret.yaml").write_text(SECRET)
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 0
    assert said(1) in result.stderr
    assert said(5) in result.stderr
    assert VALUE not in result.stderr + result.stdout
    found = cli("audit")
    assert found.exit_code == 1
    assert found.stdout.count("this comment holds the value of stringData.password") == 2
    assert VALUE not in found.stdout


def test_set_and_edit_name_it(infra, cli, monkeypatch):
    (infra / "secret.yaml").write_text(CLEAN)
    result = cli("encrypt", "secret.yaml")
    assert "comment" not in result.stderr
    text = (infra / "secret.yaml").read_text().replace("# the admin", "# next: another-throwaway-1")
    (infra / "secret.yaml").write_text(text)
    result = cli("set", "secret.yaml", "stringData.password", "another-throwaway-1")
    assert said(1) in result.stderr
    change = "t.replace('another-throwaway-1', 'hunter3-throwaway')"
    code = f"import sys; t = open(sys.argv[1]).read(); t = '# hunter3-throwaway\\n' + {change}"
    code += "; open(sys.argv[1], 'w').write(t)"
    monkeypatch.setenv("EDITOR", shlex.join([sys.executable, "-c", code]))
    result = cli("edit", "secret.yaml")
    assert result.exit_code == 0
    assert said(1) in result.stderr
    assert "throwaway" not in result.stderr


def test_what_is_short_or_common_makes_no_noise(infra, cli):
    text = "# the admin of port 5432: true, see name: db\n" + CLEAN
    text += "  port: '5432'\n  on: 'true'\n  name: postgres\n"
    (infra / "secret.yaml").write_text(text.replace("# the admin\n", "# the postgres database\n"))
    result = cli("encrypt", "secret.yaml")
    assert result.exit_code == 0
    assert "comment" not in result.stderr
    assert "value-in-comment" not in cli("audit").stdout


def test_a_classical_key_beside_a_post_quantum_one_is_named(infra, cli, identity):
    from json import loads

    from sealing import VECTORS

    quantum = loads((VECTORS / "keys" / "recipients.json").read_text())["postquantum"]
    (infra / ".sops.yaml").write_text(RULES.format(f"{identity.recipient},{quantum}"))
    (infra / "secret.yaml").write_text(CLEAN)
    assert "the post-quantum keys protect nothing beside those of" in cli("encrypt", "secret.yaml").stderr
    (infra / ".sops.yaml").write_text(RULES.format(quantum))
    result = cli("encrypt", "--stdout", "--filename", "b.yaml", "-", stdin=CLEAN.encode())
    assert result.exit_code == 0
    assert "post-quantum" not in result.stderr
