"""Why a language model gave no reply."""

from __future__ import annotations

from archive.rows import ModelCall


class ModelError(Exception):
    """A model gave no reply.

    Attributes:
        call: The failed request, for the record.
    """

    def __init__(self, message: str, call: ModelCall) -> None:
        super().__init__(message)
        self.call = call


class RateLimitError(ModelError):
    """The server takes no more requests for now (HTTP 429), which is no failure.

    Attributes:
        seconds: Seconds after which the server wants to be asked again; None if it does not say.
    """

    def __init__(self, message: str, call: ModelCall, seconds: float | None) -> None:
        super().__init__(message, call)
        self.seconds = seconds


class TooLongError(ModelError):
    """The request has more tokens than the model takes."""


class SlowReplyError(ModelError):
    """The reply did not come in time."""


class AccessError(ModelError):
    """The server refuses the key, the account, the model or the request: no retry will help.

    Attributes:
        remedy: What the user can do about it, in one sentence.
    """

    def __init__(self, message: str, call: ModelCall, remedy: str) -> None:
        super().__init__(message, call)
        self.remedy = remedy


class BudgetSpentError(Exception):
    """The budget has no money left for a request; the message says how much was spent."""
