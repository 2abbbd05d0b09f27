"""What a server takes of one request, and of all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from vintage.errors import SpecError


@dataclass(frozen=True)
class Limits:
    """What is refused with a 4xx when it is exceeded.

    Attributes:
        body: bytes of a request's body.
        rows: rows of a request.
        requests: requests that are worked on at once.
        seconds: how long one request may take, its body's coming included; beyond that it is a 408, or a 503
            where it is the evaluation that takes so long.
    """

    body: int = 32 * 1024 * 1024
    rows: int = 100_000
    requests: int = 64
    seconds: int = 30

    def with_given(self, given: Iterable[str]) -> Limits:
        """Return the limits with others, each as `rows=1000`.

        Raises:
            SpecError: one is no limit, or no number above 0.
        """
        names = [each.name for each in fields(self)]
        told = self
        for text in given:
            name, _, value = text.partition("=")
            if name not in names or not value.isascii() or not value.isdigit() or int(value) == 0:
                raise SpecError(
                    f"--limit {text} is no limit",
                    expected=f"one of {', '.join(names)} with a whole number above 0, such as rows=1000",
                )
            told = replace(told, **{name: int(value)})
        return told
