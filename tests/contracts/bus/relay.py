"""A publisher in a process of its own: `python -m tests.contracts.bus.relay URL NODE BOOTSTRAP LEASE`."""

import asyncio
import sys
from functools import partial

from creditmesh.chassis.bus.kafka import client as kafka
from creditmesh.chassis.bus.kafka.publisher import Publisher
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.units import Unit, keep_running
from tests.contracts.bus.world import PARTS


async def main(url: str, node: str, bootstrap: str, lease: float) -> None:
    connect = partial(kafka.producer, bootstrap, node=node)
    publisher = Publisher(DatabaseAddress.read(url), connect, node=node, streams=["source"], parts=PARTS, lease=lease)
    await keep_running(Unit("publisher", publisher.run))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], float(sys.argv[4])))
