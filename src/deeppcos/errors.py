"""The four kinds of trouble, sorted by what the caller should do about them.

This module owns the error types and the shape of their message. It does not decide how an
error is shown: that is the business of the doors in ``deeppcos.app``.
"""


class DeepPCOSError(Exception):
    """An error whose message has four parts: what, the value, what is accepted, what to do.

    Args:
        what: What was wrong, naming the file or field.
        value: The offending value, as the user would recognise it.
        accepted: What would have been accepted.
        remedy: What to do next.
    """

    def __init__(self, what: str, *, value: str = "", accepted: str = "", remedy: str = "") -> None:
        self.what = what
        self.value = value
        self.accepted = accepted
        self.remedy = remedy
        super().__init__(what, value, accepted, remedy)

    def __str__(self) -> str:
        parts = [self.what]
        if self.value:
            parts.append(f"got {self.value}")
        if self.accepted:
            parts.append(f"accepted: {self.accepted}")
        if self.remedy:
            parts.append(self.remedy)
        return "; ".join(parts)


class InvalidInput(DeepPCOSError):
    """The caller gave something unusable: correct the input and call again."""


class NotAssessable(DeepPCOSError):
    """The input is well formed but cannot be judged: report it as such, do not retry."""


class ContractBroken(DeepPCOSError):
    """Two parts of DeepPCOS disagree, such as weights and manifest: stop and reinstall."""


class TemporaryFailure(DeepPCOSError):
    """Something outside failed and may recover: try again later."""
