"""What is read without click is what click reads; everything else is left to it."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from fluxsecrets.cli import entry
from fluxsecrets.cli.quick import parse as module
from fluxsecrets.cli.quick.parse import parse
from fluxsecrets.cli.quick.table import FORMS, SWITCH
from tables import each_row

RUNS = {
    "decrypt": ("decrypt.decrypt", "runs.decrypt.decrypt"),
    "encrypt": ("encrypt.run_encrypt", "runs.encrypt.encrypt"),
    "get": ("values.get_value", "runs.get.get"),
    "rotate": ("rotate.run_rotate", "runs.rotate.rotate"),
    "scan": ("scan.find_secrets", "runs.scan.find_secrets"),
    "set": ("values.set_value", "runs.set.set_value"),
    "status": ("status.show_status", "runs.status.status"),
    "exec-env": ("exec.run_exec_env", "runs.execenv.exec_env"),
}
"""Where click's command, and where ours, finds what it runs."""

OPTIONS = [option for form in FORMS.values() for option in form.options]
FORMS_OF_OPTIONS = sorted({form for option in OPTIONS for form in option.forms})
OTHERS = [
    *("-i", "--in-place", "-o", "--output", "--env", "--config", "--decryption-order", "--user"),
    *("--value-file", "--debug", "--help", "-h", "--version", "--form", "--outp", "-qi", "-q=x"),
    *("--quiet=1", "--no-quiet", "-", "--", "", "---", "--=", "-x", "--extract=", "--extract=-q"),
    *("--FORMAT", "--document=0", "--document=01"),
]
TEXTS = st.sampled_from(
    ["a.yaml", "yaml", "json", "text", "YAML", "html", "1", "0", "2", "1_0", " 1", "²", "data.a", "-1", "a=b"]
) | st.text(st.characters(exclude_characters="\0"), max_size=4)
WORDS = st.one_of(
    TEXTS,
    st.sampled_from(FORMS_OF_OPTIONS),
    st.sampled_from(OTHERS),
    st.builds("{}={}".format, st.sampled_from(FORMS_OF_OPTIONS), TEXTS),
)


@st.composite
def usual(draw):
    """A command line with options of its command, mostly well-formed."""
    name = draw(st.sampled_from(sorted(FORMS)))
    parts = [[draw(TEXTS)] for _ in FORMS[name].arguments[: draw(st.integers(0, 3))]]
    for option in draw(st.lists(st.sampled_from(FORMS[name].options), max_size=4)):
        form = draw(st.sampled_from(option.forms))
        text = draw(st.sampled_from(option.choices) if option.choices else TEXTS)
        joined = form.startswith("--") and draw(st.booleans())
        parts.append([form] if option.takes == SWITCH else [f"{form}={text}"] if joined else [form, text])
    words = [word for part in draw(st.permutations(parts)) for word in part]
    if name == "exec-env" or draw(st.integers(0, 9)) == 0:
        words += [*draw(st.sampled_from([["--"], []])), *draw(st.lists(WORDS, max_size=3))]
    return [name, *words]


LINES = usual() | st.builds(
    lambda name, words: [name, *words], st.sampled_from(sorted(FORMS)), st.lists(WORDS, max_size=6)
)


class Seen:
    """What a command line makes a command run."""

    def __init__(self, patch):
        self.calls = []
        for places in RUNS.values():
            for place in places:
                patch.setattr(f"fluxsecrets.cli.{place}", self._run)
        for place in ("options", "commandline"):
            patch.setattr(f"fluxsecrets.cli.{place}.open_session", self._open)

    def _run(self, *given, **named):
        self.calls.append(([each for each in given if not callable(each)], named))
        for start in filter(callable, given):
            start()
        return 7

    def _open(self, line, config=None):
        said = [each for each in line.parameters if each.value not in (None, (), "", False)]
        said = [each for each in said if (each.name, each.value) != ("report", "text")]
        self.calls.append((line._replace(parameters=tuple(said), log=line.log is not None), config))

    def of(self, arguments):
        """The exit code, and what was called."""
        self.calls = []
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            code = entry.run(arguments)
        return code, self.calls


@pytest.fixture(scope="module")
def seen():
    from fluxsecrets.cli import (  # noqa: F401 - to be patched
        decrypt,
        encrypt,
        exec,  # noqa: A004
        rotate,
        scan,
        status,
        values,
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["fluxsecrets"])
        yield Seen(patch)


def both(seen, arguments):
    """What click and we make of a command line."""
    ours = seen.of(arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "parse", lambda *_: None)
        return seen.of(arguments), ours


@given(LINES)
def test_a_command_line_runs_what_click_would_run(seen, arguments):
    parsed = parse(arguments, {})
    event(f"{arguments[0]}: {'left to click' if parsed is None else 'read'}")
    click, ours = both(seen, arguments)
    assert ours == click
    if parsed is not None:
        assert ours[0] == 7, "click refuses it"


@pytest.mark.parametrize(
    "line",
    [
        "decrypt a.yaml",
        "decrypt --extract data.a a.yaml",
        """decrypt --extract ["data"]["a"] a.yaml""",
        "decrypt --output-type=json a.yaml",
        "decrypt - --filename a.yaml",
        "decrypt",
        "decrypt a b",
        "decrypt -i a b",
        "decrypt --in-place --env staging --format json",
        "encrypt",
        "encrypt a b -q",
        "encrypt -i a.yaml --input-type json",
        "encrypt --env staging --check --format=json",
        "encrypt --dry-run",
        "encrypt - --filename a.yaml",
        "encrypt --stdout a.yaml",
        "encrypt --staged",
        "get a.yaml data.a",
        "get --raw a.yaml data.a --document 2 -q",
        "rotate --all",
        "rotate a.yaml b.yaml -q",
        "rotate --env staging --dry-run --format json",
        "rotate --values --accept-recipients a.yaml",
        "rotate",
        "scan",
        "scan a b -q --all",
        "scan --history --quiet --no-cache --format sarif",
        "scan --range main..HEAD --partial-history --no-baseline",
        "scan --branch main --branch=dev --since 2026-01-31 --until 2026-02-01",
        "scan --staged",
        "scan --unpushed --update-baseline",
        "scan - --filename a.yaml",
        "scan --env staging",
        "set a.yaml data.a value",
        "set a.yaml data.a --stdin",
        "set --generate password:32 --format json a.yaml data.a",
        "status",
        "status a.yaml --format json",
        "status --env staging",
        "exec-env a.yaml -- env -i --debug -- x",
        "exec-env --pristine a.yaml env -i --format json",
        "exec-env a.yaml --allow-variable PATH --allow-variable=HOME -- env",
        "exec-env a.yaml",
    ],
)
def test_common_command_lines_are_read_without_click(line, seen):
    arguments = line.split(" ")
    assert parse(arguments, {}) is not None
    click, ours = both(seen, arguments)
    assert ours == click
    assert ours[0] == 7


@each_row(
    "line",
    [
        "",
        "edit a.yaml",
        "rotate --all --resume",
        "rotate --add-age age1 a.yaml",
        "rotate --env staging --identity",
        "rotate -i a.yaml",
        "encrypt --age age1 a.yaml",
        "encrypt --split-lists",
        "encrypt -o b.yaml a.yaml",
        "decrypt --help",
        "decrypt -i a.yaml -o b.yaml",
        "decrypt -iq a.yaml",
        "decrypt --debug a.yaml",
        "decrypt a.yaml --debug",
        "exec-env a.yaml env --debug",
        "decrypt -- a.yaml",
        "decrypt --extract -q a.yaml",
        "decrypt -q a.yaml -q",
        "decrypt --extract",
        "decrypt --input-type YAML a.yaml",
        "get a.yaml",
        "get a.yaml data.a more",
        "get a.yaml data.a --document 0",
        "scan --output a",
        "scan --report json=a",
        "scan --baseline a",
        "scan --config a",
        "scan --repos a",
        "scan --jobs 2",
        "scan --redact",
        "scan --format html",
        "set a.yaml",
        "exec-env a.yaml env -i -- --format json",
        "exec-env -- env",
        "exec-env a.yaml b.yaml -- env",
        "exec-env",
    ],
)
def test_everything_else_is_left_to_click(line):
    assert parse(line.split(" ") if line else [], {}) is None


def test_completion_by_click_is_left_to_it():
    assert parse(["decrypt", "a.yaml"], {"_FLUXSECRETS_COMPLETE": "bash_source"}) is None


@pytest.mark.parametrize("variable", FORMS["encrypt"].variables)
def test_options_from_the_environment_are_left_to_click(variable):
    assert parse(["encrypt", "a.yaml"], {variable: "a"}) is None
    assert parse(["encrypt", "a.yaml"], {variable: ""}) is not None, "as click, which takes it for none"
    assert parse(["decrypt", "a.yaml"], {variable: "a"}) is not None
