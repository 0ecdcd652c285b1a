"""A node's database as its declaration wants it: migrations of every service, and the bus's streams and grants."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from creditmesh.chassis.bus.declare import OutboxTable, StreamOf, declare_streams
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.versions import Upgraded
from creditmesh.chassis.facts import Facts, KeptName
from creditmesh.chassis.pruning import keep
from creditmesh.chassis.service import Declaration, Service


async def install(
    admin: DatabaseAddress,
    *,
    declaration: Declaration,
    facts: Facts,
    terms: Mapping[KeptName, timedelta],
    given: Collection[KeptName],
    secrets: Path,
    database: str | None = None,
) -> Sequence[Upgraded]:
    """Create or upgrade the node's database; what it upgraded. Safe to run again. WrongNode if it is another's.

    A term that is not `given` is a default: it does not take the place of the one that the node has.
    """

    async def declare(session: Session) -> None:
        await declare_streams(session, node=facts.code, streams=streams(declaration))
        await keep(session, terms, given=given)

    return await migrate(
        admin,
        node=facts.code,
        tier=facts.tier,
        parts=facts.parts,
        sandbox=facts.sandbox,
        packages=declaration.services,
        secrets=secrets,
        database=database,
        declare=declare,
    )


def streams(declaration: Declaration) -> Sequence[StreamOf]:
    """Every service's stream with the services that read it: those that handle its events, and all its replicas."""
    everyone = frozenset(service.name for service in declaration.services)
    return [
        StreamOf(
            service=source.name,
            readers=everyone if source.name == declaration.follow else _consumers(declaration, source),
            consumers=_consumers(declaration, source),
            outbox=_outbox(source),
            keepers=frozenset(reader.name for reader in declaration.services if source.name in reader.bodies),
            whole=source.name == declaration.follow,
        )
        for source in declaration.services
    ]


def _consumers(declaration: Declaration, source: Service) -> frozenset[str]:
    return frozenset(reader.name for reader in declaration.services if source.name in declaration.streams_of(reader))


def _outbox(source: Service) -> OutboxTable | None:
    if source.outbox is None:
        return None
    table, event = source.outbox.table, source.outbox.event
    return OutboxTable(schema=source.name, table=table, type=event.type, version=event.version)
