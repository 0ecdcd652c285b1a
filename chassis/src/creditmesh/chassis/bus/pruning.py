"""How long events are kept: until all who read their stream have passed them, and for a term."""

from creditmesh.chassis.pruning import Kept

_PRUNE = "select pruned, oldest from bus.prune_events(:stream, :before, :most, :published)"


def kept_events(stream: str, *, published: bool) -> Kept:
    """The events of a stream, for the role `bus`; `published`: Kafka must have them too before they go."""
    return Kept(name="events", of=stream, statement=_PRUNE, values={"stream": stream, "published": published})
