"""`${var}` in texts, as fluxcd/pkg's envsubst replaces it: a fork of drone/envsubst.

It is not a shell: `${var-word}` and `${var[@]}` are errors, `${var:+word}` is the word where the variable is
*empty*, and `$$` is `$` everywhere outside of `${…}`. What is odd here is odd in Flux.
"""

from .evaluate import Evaluated, evaluate
from .parse import MAX_DEPTH, Call, Node, calls, has_default, parse

__all__ = ["MAX_DEPTH", "Call", "Evaluated", "Node", "calls", "evaluate", "has_default", "parse"]
