"""plain-secret, last-applied-secret and sealed-secret-template: values of Secrets in plain text."""

from base64 import b64encode
from json import dumps

import pytest

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: apps
stringData:
"""


def packed(text):
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        *(
            "hunter2",
            "'admin'",
            '"x"',
            "1",
            "true-ish",
            "password",
            "vault:hunter2",
            "${PW:-hunter2}",
            "|\n    a\n    b",
        ),
        *(
            ">-\n    folded text",
            "!!str 12",
            "&anchor value",
            "12.5",
            "https://host/path",
            "ENC[not, really]",
        ),
    ],
)
def test_any_literal_in_a_secret_counts(scanner, value):
    assert scanner(f"{SECRET}  key: {value}\n") == ["7 plain-secret"]


@pytest.mark.parametrize(
    "value",
    [
        *(
            '""',
            "''",
            "",
            "null",
            "~",
            "${DB_PASSWORD}",
            "op://vault/item/field",
            "vault:secret/db#pw",
            '"{{ .pw }}"',
        ),
        *(
            "REPLACE_ME",
            "<password>",
            '"********"',
            "changeme",
        ),
    ],
)
def test_references_placeholders_and_nothing_do_not(scanner, value):
    assert scanner(f"{SECRET}  key: {value}\n") == []


@pytest.mark.parametrize("text", ["REPLACE_ME", "${PW}", "", "op://vault/item/field"])
def test_base64_is_judged_by_what_it_stands_for(scanner, text):
    data = SECRET.replace("stringData", "data")
    assert scanner(f'{data}  key: "{packed(text)}"\n') == []
    assert scanner(f"{data}  key: {packed('hunter2')}\n") == ["7 plain-secret"]


def test_what_is_no_base64_under_data_counts(scanner):
    assert scanner(f"{SECRET.replace('stringData', 'data')}  key: '*not base64*'\n") == ["7 plain-secret"]


def test_base64_over_several_lines_is_one_value(scanner):
    text = packed("throwaway" * 20)
    wrapped = "\n".join(f"    {text[at : at + 64]}" for at in range(0, len(text), 64))
    data = SECRET.replace("stringData", "data")
    assert scanner(f"{data}  key: |\n{wrapped}\n") == ["7 plain-secret"]


def test_every_document_and_every_list_is_looked_at(scanner):
    item = "".join(f"  {line}\n" for line in f"{SECRET}  key: hunter2".splitlines()).replace(
        "  api", "- api", 1
    )
    text = f"a: b\n---\n{SECRET}  key: hunter2\n---\napiVersion: v1\nkind: List\nitems:\n{item}"
    assert scanner(text) == ["9 plain-secret", "20 plain-secret"]
    findings = scanner.findings(text)
    assert "--split-lists" in findings[1].hint
    assert "--split-lists" not in findings[0].hint


def test_the_items_of_a_secretlist_need_not_say_what_they_are(scanner):
    text = "apiVersion: v1\nkind: SecretList\nitems:\n  - metadata: {name: a}\n    data: {k: aHVudGVyMg==}\n"
    assert scanner(text) == ["5 plain-secret"]


def test_json_is_read_as_well(scanner):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"k": "hunter2"}}
    assert scanner(dumps(secret, indent=1), "a.json") == ["8 plain-secret"]


@pytest.mark.parametrize(
    "text",
    [
        'apiVersion: v1\n"kind": "Se\\u0063ret"\nmetadata: {}\nstringData: {a: hunter2}\n',
        'apiVersion: v1\n"ki\\x6ed": Secret\nmetadata: {}\nstringData: {a: hunter2}\n',
        "apiVersion: v1\nkind: &k Secret\nmetadata: {}\nstringData: {a: hunter2}\n",
        "x: &k Secret\napiVersion: v1\nkind: *k\nstringData: {a: hunter2}\n",
        "apiVersion: v1\nkind: # what it is\n  Secret\nmetadata: {}\nstringData: {a: hunter2}\n",
        "{apiVersion: v1, kind: Secret, stringData: {a: hunter2}}\n",
        "apiVersion: v1\nkind: Secret\nstringData:\n  <<: {a: hunter2}\n",
        "apiVersion: v1\nkind: Secret\n<<: {stringData: {a: hunter2}}\n",
        "base: &base {stringData: {a: hunter2}}\napiVersion: v1\nkind: Secret\n<<: [{type: Opaque}, *base]\n",
        "x: &x {a: hunter2}\napiVersion: v1\nkind: Secret\nstringData: *x\n",
        "apiVersion: v1\nkind: Secret\nstringData: {a: '', a: hunter2}\n",
        "apiVersion: v1\r\nkind: Secret\r\nstringData:\r\n  a: hunter2\r\n",
        'apiVersion: v1\nkind: Secret\n"string\\x44ata":\n  a: hunter2\n',
    ],
)
def test_no_spelling_hides_a_secret(scanner, text):
    assert [found.partition(" ")[2] for found in scanner(text)] == ["plain-secret"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig", "utf-32"])
def test_no_encoding_hides_a_secret(scanner, encoding):
    text = f"{SECRET}  key: hunter2-é\n"
    data = text.encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert scanner(data) == ["7 plain-secret"]


def test_text_that_is_no_utf8_is_read_all_the_same(scanner):
    assert scanner(f"{SECRET}  key: hunter2-é\n".encode("latin-1")) == ["7 plain-secret"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: hunter2}\n",
        "apiVersion: example.com/v1\nkind: Secret\nspec: {k: hunter2}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/service-account-token\n",
        "kind: SecretStore\nspec: {provider: {}}\n",
        "valuesFrom:\n  - kind: Secret\n    name: a\ndata: x\n",
    ],
)
def test_what_is_no_secret_is_left_alone(scanner, text):
    assert scanner(text) == []


def test_a_message_names_the_object_and_the_key(scanner):
    (finding,) = scanner.findings(f"{SECRET}  key: hunter2\n", "apps/a b.yaml")
    assert finding.message == "Secret db: stringData.key is in plain text"
    assert finding.hint == "encrypt it: `fluxsecrets encrypt FILE`"
    assert finding.excerpt == "stringData.key: ********"
    assert str(finding.location) == "apps/a b.yaml:7:8"


def test_templates_are_read_as_what_they_become(scanner):
    text = """\
{{- if .Values.create }}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "app.name" . }}
  {{- with .Values.labels }}
  labels: {{ toYaml . | nindent 4 }}
  {{- end }}
stringData:
  password: {{ .Values.password | quote }}
  url: postgres://{{ .Values.user }}@db/app
  fixed: hunter2
{{- end }}
"""
    assert scanner(text, "charts/app/templates/secret.yaml") == ["12 plain-secret"]
    assert scanner(text, "secret.yaml.tpl") == ["12 plain-secret"]


def test_a_broken_file_with_a_secret_is_an_error(scanner):
    scanned = scanner.scan(f"{SECRET}  key: hunter2\n bad: [\n", "a.yaml")
    assert scanned.problem is not None
    assert str(scanned.problem).startswith("a.yaml:8: may hold a Secret, and cannot be read")
    assert [finding.rule for finding in scanned.findings] == ["plain-secret"], "what could be read counts"


def test_a_broken_file_without_one_is_searched_as_text(scanner):
    scanned = scanner.scan("password: hunter2-throwaway\n bad: [\n", "a.yaml")
    assert scanned.problem is None
    assert scanned.findings != ()


def test_aliases_that_stand_for_too_much_are_an_error(scanner):
    text = "kind: Secret\napiVersion: v1\ndata: &a [*a]\n".replace("[*a]", "{k: *a}")
    scanned = scanner.scan(text)
    assert scanned.problem is not None
    assert "alias" in scanned.problem.message


APPLIED = {"apiVersion": "v1", "kind": "Secret", "data": {"a": packed("hunter2"), "b": packed("x")}}
ANNOTATED = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {dumps(APPLIED)}
"""


def test_the_annotation_of_kubectl_apply_is_looked_into(scanner):
    (finding,) = scanner.findings(ANNOTATED)
    assert finding.rule == "last-applied-secret"
    assert finding.location.line == 6
    assert finding.message == "Secret db: the annotation of `kubectl apply` holds 2 values in plain text"


@pytest.mark.parametrize(
    "inner", [{**APPLIED, "kind": "ConfigMap"}, {**APPLIED, "data": {"a": packed("${PW}")}}, "{"]
)
def test_an_annotation_without_values_is_fine(scanner, inner):
    assert scanner(ANNOTATED.replace(dumps(APPLIED), dumps(inner))) == []


SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: db}
spec:
  encryptedData:
    password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
  template:
    data:
      %s
"""


@pytest.mark.parametrize("line", ["user: hunter2", "user: aHVudGVyMg==", "config: |\n        a: b"])
def test_plain_values_in_the_template_of_a_sealed_secret_are_found(scanner, line):
    assert scanner(SEALED % line) == ["9 sealed-secret-template"]


@pytest.mark.parametrize("line", ['dsn: "pg://a:{{ .password }}@db"', 'user: ""', "user: REPLACE_ME"])
def test_sealed_values_and_templates_of_them_are_fine(scanner, line):
    assert scanner(SEALED % line) == []
