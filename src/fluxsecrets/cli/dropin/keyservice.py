"""`sops keyservice`: wraps and opens data keys for others, with the keys of this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import GENERIC, failing_with
from fluxsecrets.cli.signals import TerminatedError
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.keyservice.answers import KeyAnswers, key_name
from fluxsecrets.keys.keyservice.endpoints import TCP, endpoint_of
from fluxsecrets.keys.keyservice.server import MainThread, listening
from fluxsecrets.sops.envelope import Providers
from fluxsecrets.sops.recipients import Recipient

_DEFAULT_ADDRESS = "127.0.0.1:5000"


def run(call: Call) -> int:
    """Answer requests until a signal ends it. That is a success, as with sops."""
    main = MainThread()
    answers = KeyAnswers(
        lambda: _own_providers(call, main),
        confirm=_confirming(main) if call.values.on("prompt") else None,
        report=_reporting(call) if call.values.on("verbose") or call.app.on("verbose") else None,
    )
    with failing_with(GENERIC):
        network = call.values.text("network") or TCP
        address = call.values.text("address") or (_DEFAULT_ADDRESS if network == TCP else "")
        endpoint = endpoint_of(network, address)
        if endpoint.exposed:
            call.warn(
                f"data keys pass unencrypted to {endpoint}, and everyone who reaches it can use your keys"
            )
        elif network == TCP:
            call.warn("every user of this machine can use your keys; with --network unix only you can")
        try:
            with listening(endpoint, answers, call.warn) as bound:
                call.out.note(f"listening on {bound}")
                main.serve()
        except (KeyboardInterrupt, TerminatedError):
            call.out.note("shutting down")
    return 0


def _own_providers(call: Call, main: MainThread) -> Providers:
    """Return providers for some requests. What a request names is trusted no more than what a file names."""
    user, ask = call.session.user(), call.session.ask
    return make_providers(
        call.session.environ,
        replace(
            user,
            ask=None if ask is None else lambda question: main.ask(lambda: ask(question)),
            allowed_plugins=user.allowed_plugins or frozenset(),
        ),
    )


def _confirming(main: MainThread) -> Callable[[str, Recipient, Callable[[], bool]], bool]:
    def confirm(operation: str, recipient: Recipient, waiting: Callable[[], bool]) -> bool:
        return main.ask(lambda: waiting() and _confirm(operation, recipient))

    return confirm


def _confirm(operation: str, recipient: Recipient) -> bool:
    """Ask until the answer is y or n. The end of the input is a no."""
    while True:
        what = f"{operation.lower()} request using the {key_name(recipient)}"
        sys.stderr.write(f"\nReceived {what}. Respond to the request? (y/n): ")
        sys.stderr.flush()
        answer = sys.stdin.readline() if sys.stdin is not None else ""
        if not answer or answer.strip() in ("y", "n"):
            return answer.strip() == "y"


def _reporting(call: Call) -> Callable[[str, Recipient, str], None]:
    def report(operation: str, recipient: Recipient, outcome: str) -> None:
        call.out.note(f"{operation.lower()} with the {key_name(recipient)}: {outcome}")

    return report
