"""Checks what `--format json` prints against docs/schema, in every test with the `cli` fixture."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "schema"
_TO_FILE = ("-o", "--output", "--stdout", "--help", "-h", "-")
"""With these, standard output is empty, or holds something else than the report."""


def check(arguments, stdout):
    """Assert that a command line that asks for JSON printed one object, in the form that is documented."""
    words = [str(each) for each in arguments]
    words = words[: words.index("--")] if "--" in words else words
    if not asks_for_json(words) or not (stdout or set(_TO_FILE).isdisjoint(words)):
        return
    if not stdout.startswith(b"{") and not set(_TO_FILE).isdisjoint(words):
        return
    assert stdout.isascii()
    assert problems(json.loads(stdout)) == [], f"fluxsecrets {' '.join(words)}"


def asks_for_json(words):
    if words[:1] in (["exec-env"], ["exec-file"]):
        return False
    return "--format=json" in words or ("--format", "json") in pairwise(words)


def problems(report):
    """What is wrong with an object."""
    if "error" in report and len(report) == 4:
        validator = _validator("failure")
    else:
        validator = _validator(report["command"].replace(" --", "-").replace(" ", "-"))
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(report)]


@cache
def _validator(name):
    from jsonschema import Draft202012Validator

    text = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(_strict(json.loads(text)))


def _strict(schema):
    """A schema that refuses fields that it doesn't declare. Readers have to accept them."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(each) for key, each in schema.items()}
    return {**made, "additionalProperties": False} if "properties" in made and "type" in made else made
