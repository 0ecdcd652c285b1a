"""What the internal token costs: signed by the gateway once in ten seconds a caller, verified once by each service."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench.figures import Table
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.http.token import Mint, Verifier
from creditmesh.chassis.vault.keys import Keys

TIMES, ROUNDS = 400, 7
T = TypeVar("T")
R = TypeVar("R")


def measure() -> Table:
    """Each operation for callers not seen before, and again."""
    with TemporaryDirectory() as folder:
        Keys.create(Path(folder), {"token"})
        keys = Keys.load(Path(folder), {"token"})
    scopes = frozenset({"queries:ask"})
    callers = [Caller(kind="department", party="p", scopes=scopes, credential=str(n)) for n in range(TIMES)]
    rounds: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        mint, verifier = (
            Mint(keys.token_key(), node="city"),
            Verifier(keys.token_public_keys(), node="city", audience="q"),
        )
        sign = partial(mint.token, audience="q")
        tokens = _timed(rounds, "sign", sign, callers)
        _timed(rounds, "hand out again", sign, callers)
        _timed(rounds, "verify", verifier.caller, tokens)
        _timed(rounds, "recognise again", verifier.caller, tokens)
    table = Table("tokens: CPU of one internal token", samples=rounds)
    table.rows = [{"": name, "us": median(times), "least": min(times)} for name, times in rounds.items()]
    return table


def _timed(rounds: dict[str, list[float]], name: str, work: Callable[[T], R], given: Sequence[T]) -> list[R]:
    began = time.process_time()
    made = [work(each) for each in given]
    rounds.setdefault(name, []).append((time.process_time() - began) / TIMES * 1e6)
    return made
