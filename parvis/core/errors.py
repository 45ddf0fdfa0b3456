"""The kinds of failure that code outside may meet."""


class Refused(Exception):
    """An action said no. The message is translated and fit to show on the page."""


class TryLater(Exception):
    """A channel or provider could not answer now; `after` says in how many seconds to ask again."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Undeliverable(Exception):
    """A channel says for good that this recipient cannot be reached; the message is the reason."""
