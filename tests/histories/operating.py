"""Steps of nodes: what their operators do, what the nation says of an item, what goes from one to another."""

from typing import Any

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.schemas.exchange import UP
from tests.histories.deciding import Deciding
from tests.histories.deed import Deed
from tests.histories.model import CHANGING, Model
from tests.histories.restoring import Copy, copied
from tests.histories.world import World
from tests.journeys.mesh import Mesh, an_item, done


class Operating:
    """Each public method is a step, by its words; None where it cannot be taken."""

    def __init__(self, world: World, mesh: Mesh, model: Model) -> None:
        self.world, self.mesh, self.model = world, mesh, model
        self.copies: dict[str, Copy] = {}

    # What operators do.

    def remove(self, code: str, peer: str) -> Deed | None:
        return self._peer(code, peer, active=False)

    def add(self, code: str, peer: str) -> Deed | None:
        return self._peer(code, peer, active=True)

    def _peer(self, code: str, peer: str, *, active: bool) -> Deed | None:
        party = self.mesh.chain[code].host.followed.party(peer)
        if party is None or party.active == active:
            return None

        def then(_: Any) -> None:
            self.model.peers += 1

        async def call() -> None:
            operator = self.mesh.chain[code].operator()
            peers = done(await operator.get("/v1/admin/peers"))["peers"]
            (row,) = [each for each in peers if each["code"] == peer]
            done(await operator.post("/v1/admin/peers", json={**row, "active": active}))

        return Deed(at=code, call=call, then=then)

    def copy(self, code: str) -> Deed:
        async def call() -> None:
            await self.world.copy(code)
            self.copies[code] = await copied(self.world, self.mesh, self.model, code)

        return Deed(at=code, call=call)

    def put_back(self, code: str) -> Deed | None:
        """The node's database is the copy again, and what was decided there since is fetched back."""
        copy = self.copies.get(code)
        if copy is None or not copy.may_be_put_back():
            return None

        async def call() -> None:
            await copy.put_back()
            del self.copies[code]

        return Deed(at=code, call=call)

    def begin_again(self, code: str, number: str) -> Deed | None:
        """The copy is from before the node above was enrolled, and the node takes this record before that is again."""
        copy, above = self.copies.get(code), self.world.chain.places[code].above
        deed = None if above is None else Deciding(self.mesh, self.model).submit(number, code)
        if copy is None or above is None or deed is None or not copy.may_be_put_back():
            return None

        async def call() -> Any:
            answer = await copy.begin_again(above, deed.call)
            del self.copies[code]
            return answer

        return Deed(at=code, call=call, then=deed.then)

    def offer(self, code: str, peer: str) -> Deed | None:
        if (peer, UP) not in set(self.world.links(code)):
            return None
        return Deed(at=code, call=lambda: self.world.offer(code, peer))

    # What the nation says of the item that changes.

    def narrow(self) -> Deed | None:
        return self._says("narrowed", 4) if self.model.item == "open" else None

    def withdraw_item(self) -> Deed | None:
        return self._says("withdrawn", 0) if self.model.item != "withdrawn" else None

    def publish(self) -> Deed | None:
        return self._says("open", 12) if self.model.item != "open" else None

    def _says(self, what: Any, months: int) -> Deed:
        def then(_: Any) -> None:
            self.model.item = what
            self.model.said += 1

        return Deed(at="nation", call=lambda: says(self.mesh, months), then=then)

    # What nodes do.

    def pull(self, code: str, peer: str, feed: str, limit: str) -> Deed | None:
        if (peer, feed) not in set(self.world.links(code)):
            return None
        return Deed(at=code, call=lambda: self.world.pull(code, peer, feed, limit=int(limit)))

    def answer(self, code: str, peer: str) -> Deed | None:
        if peer not in {each for each, _ in self.world.links(code)}:
            return None
        return Deed(at=code, call=lambda: self.world.answer(code, peer))


async def says(mesh: Mesh, months: int) -> None:
    """The nation says how long records of the item that changes are shown; no month: it is in the catalogue no more."""
    if months == 0:
        withdrawal = {"basis": "所依据的规定已废止", "effective": None}
        done(await mesh["nation"].door("office").post(f"/v1/catalogue/items/{CHANGING}/withdraw", json=withdrawal))
        return
    body = an_item(CHANGING, "nation")
    periods = dict.fromkeys(("minor_months", "general_months", "serious_months"), months)
    node = mesh.chain["nation"]
    async with node.context("catalogue") as ctx:
        entries = [entry_of("item", body | {"display": body["display"] | periods})]
        await catalogue.publish(ctx, entries, issued_by="nation", again=True)
    await node.settled()
