"""`fluxsecrets unseal --raw` and `--validate`: one value opened, and whether values open at all."""

import json
import re
import shutil
import subprocess

import pytest

from sealing import VECTORS, key_file

RAW = json.loads((VECTORS / "sealed" / "cases.json").read_text(encoding="utf-8"))["raw"]
PLACE = ("--name", RAW["name"], "-n", RAW["namespace"])
WITH_KEY = ("--private-key", "sealing.key")


@pytest.fixture
def sealing(folder):
    for name in ("sealing.crt", "sealing.key", "sealing-new.key"):
        folder.write(name, key_file(name))
    folder.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    return folder


def test_raw_opens_what_kubeseal_sealed(sealing, cli):
    text = (VECTORS / RAW["file"]).read_bytes()
    result = cli("unseal", "--raw", *PLACE, *WITH_KEY, stdin=text)
    assert (result.exit_code, result.stdout) == (0, RAW["value"]), result.stderr
    sealing.write("value", text)
    assert cli("unseal", "--raw", *PLACE, *WITH_KEY, "--from-file", "value").stdout == RAW["value"]


@pytest.mark.parametrize(
    "scope", [("strict", "--name", "db", "-n", "apps"), ("namespace-wide", "-n", "apps"), ("cluster-wide",)]
)
def test_raw_opens_what_raw_sealed_in_each_scope(sealing, cli, scope):
    place = ("--raw", "--scope", *scope)
    value = bytes(range(256))
    made = [cli("seal", "--cert", "sealing.crt", *place, stdin=value).stdout_bytes]
    if shutil.which("kubeseal"):
        theirs = ["kubeseal", "--cert", "sealing.crt", *place]
        made.append(
            subprocess.run(theirs, input=value, capture_output=True, check=True, cwd=sealing.path).stdout
        )
    for text in made:
        assert cli("unseal", *place, *WITH_KEY, stdin=text).stdout_bytes == value


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-n", "apps"), "binds a value to the Secret's name"),
        (("--name", "db"), "binds a value to a namespace"),
        (("--name", "other", "-n", "apps"), "none of the private keys opens the value"),
        ((*PLACE, "--scope", "cluster-wide"), "was sealed with the scope strict, not cluster-wide"),
        ((*PLACE, "sealed.yaml"), "--raw opens one value"),
    ],
)
def test_raw_says_what_is_wrong(sealing, cli, arguments, words):
    result = cli("unseal", "--raw", *arguments, *WITH_KEY, stdin=(VECTORS / RAW["file"]).read_bytes())
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_raw_refuses_what_is_not_sealed(sealing, cli):
    for text, words in ((b"hunter2", "is not base64"), (b"", "is missing"), (b"QUJD", "is cut off")):
        result = cli("unseal", "--raw", *PLACE, *WITH_KEY, stdin=text)
        assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_options_for_one_value_are_refused_without_raw(sealing, cli):
    for option in (("--scope", "strict"), ("--name", "x"), ("-n", "x"), ("--from-file", "x")):
        assert "add --raw" in cli("unseal", "sealed.yaml", *option).stderr
    assert "are for --validate" in cli("unseal", "--all").stderr


def test_validate_tells_each_value(sealing, cli, snapshot):
    strict = sealing.read("sealed.yaml").decode()
    (line,) = (each for each in strict.splitlines() if each.startswith("    password: "))
    sealing.write("s/good.yaml", strict)
    sealing.write("s/cut.yaml", strict.replace(line, line[:600]))
    sealing.write("s/plain.yaml", strict.replace(line, "    password: hunter2-throwaway"))
    sealing.write("s/renamed.yaml", strict.replace("name: db", "name: other", 1))
    sealing.write("s/unknown.yaml", strict.replace("name: db", "name: other"))
    wide = 'annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}\n  name: db'
    sealing.write("s/widened.yaml", strict.replace("name: db", wide, 1))
    result = cli("unseal", "--validate", "s", *WITH_KEY)
    assert result.exit_code == 1
    assert result.stdout + result.stderr == snapshot
    assert not sealing.leaks(result.stdout, result.stderr)
    found = json.loads(cli("unseal", "--validate", "s", *WITH_KEY, "--format", "json").stdout)
    assert found["summary"] == {
        "broken": 2, "cannot tell": 3, "opens": 7, "sealed for another place": 6
    }  # fmt: skip


def test_validate_needs_every_value_open(sealing, cli):
    assert cli("unseal", "--validate", "sealed.yaml", *WITH_KEY).exit_code == 0
    data = sealing.read("sealed.yaml")
    assert cli("unseal", "--validate", "-", *WITH_KEY, stdin=data).exit_code == 0
    # Not even the best form says that a value opens.
    without = cli("unseal", "--validate", "sealed.yaml")
    assert without.exit_code == 1
    assert "without a private key of the controller, nobody can tell" in without.stderr
    other = cli("unseal", "--validate", "sealed.yaml", "--private-key", "sealing-new.key")
    assert (other.exit_code, other.stdout.count("cannot tell")) == (1, 3)


def test_validate_takes_a_namespace_for_those_that_name_none(sealing, cli):
    bare = sealing.read("sealed.yaml").decode().replace("  namespace: apps\n", "", 1)
    sealing.write("bare.yaml", bare)
    assert "sealed for apps/db" in cli("unseal", "--validate", "bare.yaml", *WITH_KEY).stdout
    assert cli("unseal", "--validate", "bare.yaml", *WITH_KEY, "-n", "apps").exit_code == 0


def test_validate_asks_where_flux_puts_them(waddle, cli):
    (waddle / "sealing.key").write_bytes(key_file("sealing.key"))
    (waddle / "sealing.crt").write_bytes(key_file("sealing.crt"))
    path = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    assert cli("seal", "--for-others", "--cert", "sealing.crt", path).exit_code == 0
    checked = ("unseal", "--validate", "--env", "staging", *WITH_KEY)
    assert cli("unseal", "--validate", path, *WITH_KEY).exit_code == 0
    file = waddle / path
    # The kustomization sets the namespace where the manifest names none.
    bare = re.sub(r"(?m)^ +namespace: databases\n", "", file.read_text())
    file.write_text(bare)
    assert cli("unseal", "--validate", path, *WITH_KEY).exit_code == 0
    kustomization = file.with_name("kustomization.yaml")
    kustomization.write_text(
        kustomization.read_text().replace("namespace: databases", "namespace: elsewhere")
    )
    moved = cli(*checked)
    assert (moved.exit_code, "elsewhere/postgres-app" in moved.stdout) == (1, True)


def test_validate_fails_where_it_can_not_look(sealing, cli):
    sealing.write("no.yaml", "kind: ConfigMap\n")
    sealing.write("bad.yaml", "a: [\n")
    for name, words in (
        ("no.yaml", "no SealedSecret"),
        ("bad.yaml", "not valid"),
        ("x.yaml", "no such file"),
    ):
        result = cli("unseal", "--validate", name, "sealed.yaml", *WITH_KEY)
        assert (result.exit_code, words in result.stderr.lower() or words in result.stderr) == (2, True)
        assert "opens   3 values" in result.stdout
