"""Whether what a peer says of other nodes' records is what these said, where this node holds their keys."""

from collections.abc import Sequence

from pydantic import BaseModel, ValidationError

from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.peer import Peer
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.origins import proven_leaves
from creditmesh.schemas.received import ReceivedEntry
from creditmesh.schemas.tlog import leaf_hash

_OWN_WORD = "withheld"
"""What a node says of another's record by itself: that it shows nothing of it."""


class _About(BaseModel):
    origin: str | None = None
    change: str | None = None


async def unproven(directory: Directory, peer: Peer, feed: str, entries: Sequence[ReceivedEntry]) -> set[int]:
    """Those of these entries of a page that their origins are not proven to have said, and have to be.

    The peer is asked once, and only where there is something to be proven; NotNow if it does not answer.
    """
    demanded = {each.index: (origin, leaf_hash(each.text.encode())) for each in entries if (origin := _other(each))}
    demanded = {index: said for index, said in demanded.items() if directory.origin_keys(said[0])}
    if not demanded:
        return set()
    given = await peer.origins(feed, after=min(demanded), until=max(demanded) + 1)
    runs = () if given is None else given.runs
    proven = proven_leaves(runs, publics=directory.origin_keys, verify=_verify)
    return {index for index, said in demanded.items() if said not in proven}


def _other(entry: ReceivedEntry) -> str | None:
    """The other node whose record the entry is about; None where it needs no proof.

    Also of a line that only a newer version can read.
    """
    try:
        about = _About.model_validate_json(entry.text) if entry.line is None else entry.line
    except ValidationError:
        return None
    own = about.origin in {None, entry.peer} or about.change == _OWN_WORD
    return None if own else about.origin


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
