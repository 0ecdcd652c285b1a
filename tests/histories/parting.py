"""A node that is put back to before the node above was enrolled: it goes on alone, and is joined with it again."""

from functools import partial

from creditmesh.schemas.exchange import UP
from tests.histories.world import World
from tests.support.eventually import eventually
from tests.support.restoring import swapped

_LEFT = """
    select (select count(*) from exchange.set_aside) + (select count(*) from bus.catching_up where peer = $1)
"""
_SECOND = f"/v1/admin/feeds/{UP}/second-history"


async def part(world: World, code: str, above: str) -> None:
    """Put the copy in its place while the node above is away, which the operator takes out: nobody is asked."""
    world.network.down.add(above)
    await world.away(code, swapped)
    await _enrolled(world, code, above, active=False)
    await eventually(lambda: world.may_append(code))


async def join(world: World, code: str, above: str) -> None:
    """Enrol that node again, set aside what it does not hold, and fetch back what it does."""
    world.network.down.discard(above)
    await _enrolled(world, code, above, active=True)
    await world.compared(code)
    operator = world.chain[code].operator()
    said = (await operator.get(_SECOND)).raise_for_status().json()
    if said["head"] is not None:
        (await operator.post(_SECOND, json={"head": said["head"]})).raise_for_status()
    await world.fetch_back(code)
    await eventually(partial(_is_whole, world, code))


async def _is_whole(world: World, code: str) -> bool:
    """Whether all is said again, and the node shows what it holds."""
    return not await world.eyes[code].fetchval(_LEFT, code)


async def _enrolled(world: World, code: str, peer: str, *, active: bool) -> None:
    operator = world.chain[code].operator()
    peers = (await operator.get("/v1/admin/peers")).raise_for_status().json()["peers"]
    (row,) = [each for each in peers if each["code"] == peer]
    (await operator.post("/v1/admin/peers", json={**row, "active": active})).raise_for_status()
    await eventually(lambda: world.chain[code].host.followed.party(peer).active == active)
