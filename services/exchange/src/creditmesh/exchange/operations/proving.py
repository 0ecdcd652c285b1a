"""Whether what a peer says of other nodes' records is what these said, where this node holds their keys."""

from collections.abc import Sequence

from pydantic import BaseModel, ValidationError

from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.peer import Peer, PeerRefused
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.origins import Leaf, OriginsOut, proven_leaves
from creditmesh.schemas.received import ReceivedEntry
from creditmesh.schemas.tlog import leaf_hash

_OWN_WORD = "withheld"
"""What a node says of another's record by itself: that it shows nothing of it."""


class _About(BaseModel):
    origin: str | None = None
    change: str | None = None


async def unproven(
    directory: Directory, peer: Peer, feed: str, entries: Sequence[ReceivedEntry], *, limit: int
) -> set[int]:
    """Those of these entries that their origins are not proven to have said, and have to be.

    The peer is asked about stretches of so many entries at most, and only where there is something to be proven. Its
    answer alone refuses: NotNow while there is none.
    """
    others = {each.index: (_other(each, peer.node), leaf_hash(each.text.encode())) for each in entries}
    demanded = {i: (origin, leaf) for i, (origin, leaf) in others.items() if origin and directory.origin_keys(origin)}
    refused, places = set[int](), sorted(demanded)
    while places:
        first = places[0]
        until = next(each for each in reversed(places) if each < first + limit) + 1
        given = await _given(peer, feed, first, until)
        answered = {index: demanded[index] for index in places if index < min(given.until, until)}
        wanted: set[Leaf] = set(answered.values())
        proven = await proven_leaves(given.runs, wanted, publics=directory.origin_keys, verify=_verify)
        refused |= {index for index, said in answered.items() if said not in proven}
        places = places[len(answered) :]
    return refused


async def _given(peer: Peer, feed: str, after: int, until: int) -> OriginsOut:
    """What the peer has to prove of this stretch, some of it at least; nothing where its version proves nothing."""
    given = await peer.origins(feed, after=after, until=until)
    if given is None:
        if (await peer.standing(feed)).proves:
            raise PeerRefused(f"{peer.party.code} does not say what proves {feed} from {after} on, although it can")
        return OriginsOut(until=until)
    if given.until <= after:
        raise PeerRefused(f"{peer.party.code} says nothing of what proves {feed} from {after} on")
    return given


def _other(entry: ReceivedEntry, node: str) -> str | None:
    """The other node whose record the entry is about; None where it needs no proof.

    Also of a line that only a newer version can read. What `node` said itself it knows: of that no peer says anything.
    """
    try:
        about = _About.model_validate_json(entry.text) if entry.line is None else entry.line
    except ValidationError:
        return None
    own = about.origin in {None, entry.peer, node} or about.change == _OWN_WORD
    return None if own else about.origin


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
