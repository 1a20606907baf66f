"""terraform-state and cloud-init: what provisioning programs write down about machines.

Terraform's state holds every value in plain text, also those that its own output hides.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.scan.match import Match
from fluxsecrets.scan.values import is_hashed, is_literal

from .page import GENERIC_HINT, Object, Page
from .reader import List, Map, Node, Path, Scalar, Value, child, is_typed, show, text_of, walk

STATE = RuleInfo(
    id="terraform-state",
    title="secret in a Terraform state",
    severity=Severity.HIGH,
    explanation=(
        "Terraform and OpenTofu keep every value in their state in plain text. This one is marked as "
        "sensitive, or is a generated password."
    ),
    fix="Take the state out of the repository, keep it in an encrypted backend, and change the value.",
    docs="scan.md#terraform-state",
)
CLOUD_INIT = RuleInfo(
    id="cloud-init-password",
    title="password in cloud-init's user data",
    severity=Severity.HIGH,
    explanation="`chpasswd` sets the passwords of the machine's users. They are in the file in plain text.",
    fix="Log in with SSH keys, or encrypt the file; and change the password.",
    docs="scan.md#cloud-init-password",
)

_GENERATED = {
    "random_password": ("result",),
    "random_bytes": ("base64", "hex"),
    "random_id": (),
    "aws_iam_access_key": ("secret", "ses_smtp_password_v4"),
    "tls_private_key": (),  # its rule knows more
}
"""Attributes that are secrets, by the type of the resource, whatever an older state marks."""

_STATE_HINT = "take the state out of the repository, and change the value"
_RANDOM = ("R", "RANDOM")  # cloud-init makes one up


def judge_state(page: Page, owner: Object) -> Iterator[Match]:
    """The sensitive values of a state."""
    if owner.is_object or child(owner.node, "terraform_version") is None:
        return
    for value in (*_outputs(owner.node), *_attributes(owner.node)):
        if not is_typed(value.scalar) and is_literal(value.scalar.text):
            message = f"{show(value.path)} is in plain text"
            yield page.match(STATE, value, owner, message, _STATE_HINT)


def _outputs(state: Node) -> Iterator[Value]:
    outputs = child(state, "outputs")
    for name, output in outputs.pairs if type(outputs) is Map else ():
        node = child(output, "value")
        if text_of(child(output, "sensitive")) == "true" and node is not None:
            yield from walk(node, ("outputs", text_of(name) or "", "value"))


def _attributes(state: Node) -> Iterator[Value]:
    resources = child(state, "resources")
    for index, resource in enumerate(resources.items if type(resources) is List else ()):
        instances = child(resource, "instances")
        names = _GENERATED.get(text_of(child(resource, "type")) or "", ())
        for number, instance in enumerate(instances.items if type(instances) is List else ()):
            start: Path = ("resources", index, "instances", number, "attributes")
            marked = (_steps(each) for each in _items(child(instance, "sensitive_attributes")))
            for steps in dict.fromkeys((*((name,) for name in names), *marked)):
                node = _at(child(instance, "attributes"), steps)
                if steps and node is not None:
                    yield from walk(node, (*start, *steps))


def _items(node: Node | None) -> list[Node]:
    return node.items if type(node) is List else []


def _steps(path: Node) -> tuple[str, ...]:
    """The keys of a marked path; what is below an index is all taken."""
    steps = []
    for step in _items(path):
        value = child(step, "value")
        if text_of(child(step, "type")) != "get_attr" or type(value) is not Scalar:
            break
        steps.append(value.text)
    return tuple(steps)


def _at(node: Node | None, steps: tuple[str, ...]) -> Node | None:
    for index, step in enumerate(steps):
        if type(node) is List:  # a block, which states keep as a list
            return next((found for item in node.items if (found := _at(item, steps[index:]))), None)
        node = child(node, step)
    return node


def judge_cloud_init(page: Page, owner: Object) -> Iterator[Match]:
    """The passwords that cloud-init sets in a list of `user:password`."""
    listed = child(owner.node, "chpasswd", "list")
    if owner.is_object or listed is None:
        return
    for value in walk(listed, ("chpasswd", "list")):
        for line in value.scalar.text.splitlines():
            user, _, password = line.strip().partition(":")
            if password and password not in _RANDOM and is_literal(password) and not is_hashed(password):
                message = f"the password of {user!a} is in plain text"
                yield page.match(CLOUD_INIT, value, owner, message, GENERIC_HINT)
                break
