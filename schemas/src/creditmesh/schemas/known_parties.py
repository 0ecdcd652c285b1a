"""The parties of the catalogue as every process keeps them: who they are today, and which nodes stand beside it."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Literal

from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.catalogue.party import as_enrolled
from creditmesh.schemas.histories import Histories, Version, once_a_version


class KnownParties(Histories):
    """Parties by code.

    A party has no day: no way publishes one for a later day, and one that is shut out is so at once, whatever a
    sandbox's legal date is.
    """

    def party(self, code: str) -> Party | None:
        """The party as last published, whatever its effective date; None if unknown or withdrawn.

        A node that was enrolled stands where it stood, at the address it had, until a row says another.
        """
        return self._nodes().get(code) or self._newest(Party, code)

    def peers(self, place: Literal["above", "below"]) -> tuple[Party, ...]:
        """The active nodes enrolled there, as last published, in the order of their codes."""
        return tuple(each for each in self.enrolled(place) if each.active)

    @once_a_version
    def enrolled(self, place: Literal["above", "below"]) -> tuple[Party, ...]:
        """As `peers`, with those that were taken out: they may come back, and nothing may be missing then.

        Whose row says another place now is taken out of this one: it has what it was given here.
        """
        found = (self._nodes()[code] for code in self._ever(place))
        return tuple(each if each.place == place else each.model_copy(update={"active": False}) for each in found)

    @once_a_version
    def holders(self, place: Literal["above", "below"]) -> tuple[Party, ...]:
        """Whoever was ever enrolled there and was not taken out since, wherever it stands now.

        It has what it was given there, and may say so: no row but one that takes it out makes anybody forget it.
        """
        return tuple(each for each in (self._nodes()[code] for code in self._ever(place)) if each.active)

    def _ever(self, place: str) -> list[str]:
        """The codes of all that were ever enrolled there."""
        return [code for code in self._nodes() if any(_stood(v, place) for v in self._histories["party"][code])]

    @once_a_version
    def _nodes(self) -> Mapping[str, Party]:
        """All that were ever enrolled, as last published, in the order of their codes."""
        rows = ((code, self._newest(Party, code)) for code in sorted(self._histories["party"]))
        known = ((code, row, self._histories["party"][code]) for code, row in rows if row is not None)
        return {
            code: as_enrolled([each.body for each in history if isinstance(each.body, Party)])
            for code, _, history in known
            if any(_stood(each, place) for each in history for place in ("above", "below"))
        }

    @property
    def holds_copies(self) -> bool:
        """Whether a node was ever enrolled below: whose copies are here is told who looks at them."""
        return bool(self.enrolled("below"))

    def sender_for(self, origin: str) -> Party | None:
        """The node below that sends for this one, also where it was taken out since; None if none does."""
        return next((peer for peer in self.enrolled("below") if origin in peer.sends_for), None)

    def peer_key(self, node: str, key: str) -> bytes | None:
        """The Ed25519 key of that id with which an enrolled, active node signs; None if nobody does."""
        party = self.party(node)
        if party is None or party.kind != "node" or not party.active or party.place is None:
            return None
        found = (each.public for each in party.keys if each.use == "node" and each.id == key)
        return next((b64decode(public) for public in found), None)

    def origin_keys(self, node: str) -> tuple[bytes, ...]:
        """The Ed25519 keys of a node that is no neighbour, by the row handed over: what it says has to be proven.

        None where nobody handed one over.
        """
        party = self.party(node)
        if party is None or party.kind != "node" or not party.active or party.place is not None:
            return ()
        return tuple(b64decode(key.public) for key in party.keys if key.use == "node")


def _stood(version: Version, place: str) -> bool:
    return isinstance(version.body, Party) and version.body.place == place
