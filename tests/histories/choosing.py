"""Which step comes next in a history by chance, of those that can be taken where it stands."""

import random
from collections.abc import Iterator

from tests.histories.deed import Step
from tests.histories.walk import Walk

_ORIGINS = ("city", "city", "city", "province")
_PAGES = ("1", "2", "3", "1000")
"""So many entries a page has at most."""
_OF_RECORDS = {
    "submit": 8, "again": 2, "correct": 6, "withdraw": 2, "object": 3, "refuse": 2, "uphold": 1, "settle": 2,
    "repair": 3, "revoke": 2, "discharge": 2,
}  # fmt: skip
_OF_NODES = {
    "pull": 24, "answer": 16, "offer": 1, "remove": 1, "add": 3, "kill": 3, "copy": 2, "put_back": 4,
    "begin_again": 2, "rest": 1, "narrow": 1, "withdraw_item": 1, "publish": 2,
}  # fmt: skip
_WEIGHTS = _OF_RECORDS | _OF_NODES
_INTERRUPTED = ("submit", "correct", "withdraw", "object", "refuse", "repair", "revoke", "pull", "answer")


def chosen(walk: Walk, chance: random.Random) -> Iterator[Step]:
    """Steps without end, each chosen when the one before was taken."""
    while True:
        verb = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if (step := _step(walk, chance, verb)) is not None:
            yield step


def _step(walk: Walk, chance: random.Random, verb: str) -> Step | None:
    if verb in _OF_RECORDS:
        return _of_record(walk, chance, verb)
    nodes, places = list(walk.world.chain.nodes), walk.world.chain.places.values()
    pairs = [(place.code, place.above) for place in places if place.above is not None]
    match verb:
        case "pull" | "answer":
            links = [(code, *link) for code in nodes for link in walk.world.links(code)]
            code, peer, feed = chance.choice(links or [("city", "province", "down")])
            return (verb, code, peer, feed, chance.choice(_PAGES)) if verb == "pull" else (verb, code, peer)
        case "offer" | "remove" | "add":
            downwards = [(above, below) for below, above in pairs]
            return verb, *chance.choice(downwards if verb == "offer" else [*pairs, *downwards])
        case "copy" | "put_back" | "begin_again":
            takes = (str(max(walk.model.records, default=0) + 1),) if verb == "begin_again" else ()
            return verb, chance.choice(nodes), *takes
        case "kill":
            return _kill(walk, chance, nodes)
        case _:
            return (verb,)


def _of_record(walk: Walk, chance: random.Random, verb: str) -> Step | None:
    if verb == "submit":
        return verb, str(max(walk.model.records, default=0) + 1), chance.choice(_ORIGINS)
    steps: list[Step] = [(verb, str(number)) for number in walk.model.records]
    can = [step for step in steps if walk.steps.deed(step) is not None]
    return chance.choice(can) if can else None


def _kill(walk: Walk, chance: random.Random, nodes: list[str]) -> Step:
    """A node by itself, or while it does something."""
    inner = _step(walk, chance, chance.choice(_INTERRUPTED))
    deed = None if inner is None else walk.steps.deed(inner)
    if inner is None or deed is None:
        return "kill", chance.choice(nodes)
    return "kill", deed.at, str(chance.randrange(60)), *inner
