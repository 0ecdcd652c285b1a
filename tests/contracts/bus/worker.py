"""A reader in a process of its own, which a test may kill or stop.

`python -m tests.contracts.bus.worker URL LEASE [NODE BOOTSTRAP]`: with the last two over Kafka.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from functools import partial

from creditmesh.chassis.bus.consuming.consumer import Consumer
from creditmesh.chassis.bus.embedded import EmbeddedBus, Source
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.kafka.bus import KafkaBus
from creditmesh.chassis.bus.kafka.client import consumer as kafka_consumer
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from tests.contracts.bus.world import LEASE_CLASS, PARTS, Happened, Noted, Work, write_down

DEADLY = "deadly"
SLOW = "slow"


async def die_or_write_down(work: Work, events: Sequence[Delivered]) -> None:
    await write_down(work, events)
    if any(event.key == DEADLY for event in events):
        os._exit(3)
    if any(event.key == SLOW for event in events):
        print("slow", flush=True)  # noqa: T201
        await asyncio.sleep(0.2)


async def main(url: str, lease: float, *kafka: str) -> None:
    address = DatabaseAddress.read(url)
    listener = Notifications(address)
    pool = Pool(address, application_name="worker")
    bus: Bus = EmbeddedBus(listener, {"source": Source(pool=pool, types=frozenset({Happened.type, Noted.type}))})
    if kafka:
        node, bootstrap = kafka
        bus = KafkaBus(listener, partial(kafka_consumer, bootstrap, node=node))
    consumer = Consumer(
        reader="reader",
        streams={"source": {Happened: die_or_write_down, Noted: die_or_write_down}},
        pool=pool,
        lock_class=LEASE_CLASS,
        parts=PARTS,
        bus=bus,
        context_for=Work,
        lease=lease,
    )
    await asyncio.gather(listener.run(), *(unit.run() for unit in bus.units()), consumer.run())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:]))
