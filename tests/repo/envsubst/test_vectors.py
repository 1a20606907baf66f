"""Each text gives what fluxcd/pkg's envsubst gives."""

import json
from pathlib import Path

from fluxsecrets.errors import FormatError
from fluxsecrets.repo.envsubst import evaluate, parse
from tables import each_row

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/substitution/texts.json").read_text("utf-8"))


def replaced(text, *, strict):
    try:
        found = evaluate(parse(text), VECTORS["values"])
    except FormatError as error:
        return {"error": error.message}
    if strict and found.missing:
        return {"error": f'variable not set (strict mode): "{found.missing[0]}"'}
    return {"error": found.failure} if found.failure else {"out": found.text}


@each_row("case", VECTORS["cases"], ids=lambda case: ascii(case["text"]))
def test_the_result_is_fluxs(case):
    assert replaced(case["text"], strict=False) == case["lenient"]
    assert replaced(case["text"], strict=True) == case.get("strict", case["lenient"])
