"""How long a call is tried again: exponential back-off with full jitter, never sooner than the node asked."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from creditmesh.client.errors import ClientError

Waiting = Callable[[float, ClientError], None]
"""Told before each wait: how many seconds, and why."""

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """`attempts` calls in all; the first wait is up to `first` seconds, doubling up to `longest`."""

    attempts: int = 6
    first: float = 0.25
    longest: float = 4.0
    most_asked: float = 60.0
    """A Retry-After beyond this is the caller's business: the error is raised."""


@dataclass(slots=True)
class RetryBudget:
    """The retries of one call."""

    retries: Retries
    waiting: Waiting | None = None
    failed: int = 0

    def wait(self, error: ClientError) -> None:
        """Wait before the next attempt; raises the error when it will not pass or patience has ended."""
        self.failed += 1
        asked = error.retry_after or 0.0
        if not error.passing or self.failed >= self.retries.attempts or asked > self.retries.most_asked:
            raise error
        seconds = asked + _random.uniform(0, min(self.retries.longest, self.retries.first * 2 ** (self.failed - 1)))
        if self.waiting is not None:
            self.waiting(seconds, error)
        time.sleep(seconds)

    def renew(self) -> None:
        """Something got through: count from the beginning again."""
        self.failed = 0
