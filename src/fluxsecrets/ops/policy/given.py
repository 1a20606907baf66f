"""Recipients that a command line names, as texts, and what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.errors import UsageError
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.recipients import KINDS, Recipient, deduplicate, split_list


@dataclass(frozen=True, slots=True)
class GivenRecipients:
    """Recipients as a command line names them.

    Attributes:
        texts: by kind, such as `age`; each text is one or several separated by commas, as sops takes them.
        aws_profile: of the machine's AWS configuration, for AWS keys.
        encryption_context: for AWS keys, as `key:value,key:value`.
        variables: the environment variables that some of the texts come from.
    """

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aws_profile: str = ""
    encryption_context: str = ""
    variables: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether any are named."""
        return any(any(given) for given in self.texts.values())

    def parsed(self) -> tuple[Recipient, ...]:
        """Return the recipients, each once.

        Raises:
            RecipientError: one is malformed.
            UsageError: the encryption context is.
        """
        context = parse_context(self.encryption_context)
        return deduplicate(
            [
                with_aws(KINDS[kind].parse(text), self.aws_profile, context)
                for kind, given in self.texts.items()
                for part in given
                for text in split_list(part)
            ]
        )


NOBODY = GivenRecipients()


def parse_context(text: str) -> dict[str, str]:
    """Return an encryption context of AWS KMS.

    Raises:
        UsageError: it is malformed.
    """
    pairs = [part.split(":") for part in text.split(",")] if text else []
    if any(len(pair) != 2 for pair in pairs):  # kms/keysource.go, ParseKMSContext
        raise UsageError(
            "the encryption context is malformed", hint="write it like key:value,key:value, without blanks"
        )
    return {pair[0]: pair[1] for pair in pairs}


def with_aws(recipient: Recipient, profile: str, context: Mapping[str, str]) -> Recipient:
    """Return an AWS key with a profile and an encryption context; other recipients stay as they are."""
    if recipient.kind != "kms":
        return recipient
    attributes = dict(recipient.attributes) | {"aws_profile": profile}
    if context:
        attributes["context"] = dict(sorted(context.items()))
    return replace(recipient, attributes=tuple(sorted(attributes.items())))


def override_note(given: GivenRecipients) -> tuple[str, ...]:
    """Return a note where environment variables take the place of the creation rules, as in sops."""
    if not given.variables:
        return ()
    verb = "name" if len(given.variables) > 1 else "names"
    return (f"{' and '.join(given.variables)} {verb} the recipients, in place of the creation rules",)
