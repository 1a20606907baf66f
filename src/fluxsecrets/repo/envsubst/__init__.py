"""`${var}` in texts, as fluxcd/pkg's envsubst replaces it: a fork of drone/envsubst.

It is not a shell: `${var-word}` and `${var[@]}` are errors, `${var:+word}` is the word where the variable is
*empty*, and `$$` is `$` everywhere. What is odd here is so in Flux; `parse.py`, `evaluate.py` and
`functions.py` name the peer's files.
"""

from .evaluate import Evaluated, evaluate
from .parse import MAX_DEPTH, parse, variables_in

__all__ = ["MAX_DEPTH", "Evaluated", "evaluate", "parse", "variables_in"]
