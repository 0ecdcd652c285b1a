"""The host: starts what a node declares, all of it in one process or one service of it, by the same code.

It alone reads settings. Each service gets its own role's pool, the keys it declares and no others, the vault functions
it was granted, and the state that the whole process follows. The units of a process are a listener that wakes its
readers, one replica, one orderer (a leader by lease among all processes), and a consumer for each hosted service that
handles events.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI

from creditmesh.chassis.bulk import Bodies, Bulk
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.bus.orderer import Orderer
from creditmesh.chassis.bus.replica import Replica
from creditmesh.chassis.bus.stream import kept_events
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.roles import BUS
from creditmesh.chassis.database.versions import assert_node
from creditmesh.chassis.door import Door, Hosted
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import MeshError
from creditmesh.chassis.http.app import operator_app, service_app
from creditmesh.chassis.http.documents import operators_document
from creditmesh.chassis.http.health import OnceASecond
from creditmesh.chassis.http.operator import second_listener
from creditmesh.chassis.http.server.listener import App, HttpListener
from creditmesh.chassis.http.token import Verifier
from creditmesh.chassis.pruning import Pruner, Retention
from creditmesh.chassis.readers import Readers
from creditmesh.chassis.service import Declaration, Service, Workplace
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.units import Unit, Units
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault

log = structlog.get_logger(__name__)

CIPHERS = 50_000
"""People's unwrapped keys that a process keeps at most (2.5 KB each), shared alike by its services."""
_OWN = 2
"""Sessions for the process's own looking: what it follows, and whether it is ready. No request waits for them."""
_DIRECT = 2  # the listener's and the orderer's sessions


class TooFewSessions(MeshError):
    """The database server allows fewer sessions than this process needs."""


@dataclass(kw_only=True)
class Host:
    """One process of a node, from `start` to `stop`."""

    declaration: Declaration
    settings: NodeSettings
    addresses: Mapping[str, DatabaseAddress]
    """The database address of every role this process may use, by the role's second half."""
    hosted: Sequence[str]
    """The services that live here, by name."""
    door: Door | None = None
    """Given in the process that hosts the gateway; without it the public listener serves the one hosted service."""
    equipment: dict[str, Equipment] = field(default_factory=dict)
    apps: dict[str, FastAPI] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Open everything, follow the catalogue to its head, and only then listen."""
        await self.open()
        settings = self.settings
        operator = await self._listen(self.operator_app, settings.operator_host, settings.operator_port)
        await self.replica.caught_up()
        public = await self._listen(
            self.public_app,
            settings.host,
            settings.port,
            trusted_proxies=[str(each) for each in settings.trusted_proxies],
        )
        self.url, self.operator_url = public.url, operator.url

    async def open(self) -> None:
        """Equip every service and start the units, without listening."""
        self._stack.push_async_callback(self._closed_pools)
        self.followed = self.declaration.followed()
        self.followed.sandbox = self.settings.sandbox
        self.clock = Clock(lambda: self.followed.offset_days)
        self.bulk, self.bodies = Bulk(), Bodies()
        self.notifications = Notifications(
            self.addresses[self.hosted[0]]
        )  # listening needs no right beyond that of connecting
        self.orderer = Orderer(self.addresses[BUS], lease=self.settings.lease_seconds, notify=self.notifications.notice)
        self._pools: list[Pool] = []
        self.own = self._pool(self.hosted[0], _OWN)
        self.followed.upgraded = await self._check()
        for name in self.hosted:
            self._equip(self.declaration.service(name))
        self.readers = Readers(
            self.declaration, self.settings, self.equipment, notifications=self.notifications, pool=self._pool
        )
        self.replica = Replica(
            stream=self.declaration.follow,
            followed=self.followed,
            pool=self.own,
            bus=self.readers.bus,
            parts=self.settings.parts,
        )
        self.ready = OnceASecond(self.readiness)
        self.operator_app = self._operator_app()
        self.public_app = self._public_app()
        units = Units(self._units())
        units.start()
        self._stack.push_async_callback(units.stop)

    async def stop(self) -> None:
        """Let requests under way end, stop the units, close the pools: in that order."""
        self.notifications.close()
        await self._stack.aclose()

    async def readiness(self) -> dict[str, Any]:
        """Whether this process can answer, and what it waits for if not."""
        reached = await self.own.answers()
        alarms = [str(alarm) for alarm in (*self.readers.alarms, *self.replica.alarms.values())]
        waits = {name: each for name in self.hosted if (each := self._waits_for(name))}
        return {
            "ready": reached and self.replica.ready and not waits,
            "node": self.settings.node,
            "services": list(self.hosted),
            "database": "ok" if reached else "unreachable",
            "catalogue": self.followed.number if self.replica.ready else "following",
            "bus": {
                "kind": self.settings.bus.kind,
                "alarms": alarms,
                "dead_letters": {
                    name: each.dead_letters for name, each in self.readers.consumers.items() if each.dead_letters
                },
            },
            "stopped": {name: dict(each.stopped) for name, each in self.equipment.items() if each.stopped},
            "waits_for": waits,
            "legal_date": self.clock.legal_date().isoformat(),
            "sandbox": self.settings.sandbox,
        }

    def _equip(self, service: Service) -> None:
        keys = Keys.load(self.settings.secrets / "keys", service.keys)
        own = self._pool(service.name, self.settings.pool_size)
        vault = Vault(
            self._pool(service.name, self.settings.vault_pool_size) if service.vault else own,
            keys,
            parts=self.settings.parts,
            allowed=service.vault,
            upgraded=self.followed.upgraded,
            remember=CIPHERS // len(self.hosted),
        )
        settings = self.settings
        equipment = Equipment(
            node=settings.facts,
            service=service,
            pool=own,
            clock=self.clock,
            vault=vault,
            keys=keys,
            followed=self.followed,
            wake=self.orderer.wake,
            notifications=self.notifications,
            bulk=self.bulk,
            bodies=self.bodies,
        )
        self.equipment[service.name] = equipment
        verifier = Verifier(keys.token_public_keys(), node=settings.node, audience=service.name)
        self.apps[service.name] = service_app(equipment, verifier)

    def _pool(self, role: str, size: int) -> Pool:
        settings = {"plan_cache_mode": self.settings.plan_cache_mode}
        pool = Pool(self.addresses[role], application_name=f"{self.settings.node}/{role}", size=size, settings=settings)
        self._pools.append(pool)
        return pool

    def _waits_for(self, name: str) -> Mapping[str, Any]:
        asked = self.declaration.service(name).waits_for
        return {} if asked is None else asked(self.equipment[name])

    def _units(self) -> list[Unit]:
        units = [
            Unit("listener", self.notifications.run),
            Unit("orderer", self.orderer.run),
            Unit("replica", self.replica.run),
        ]
        units += self.readers.bus.units() if self.readers.consumers else ()
        units += [Unit(f"pruner {role}", Pruner(self.addresses[role], kept).run) for role, kept in self._kept().items()]
        deciding = [Unit(f"consumer {name}", consumer.run) for name, consumer in self.readers.consumers.items()]
        deciding += [unit for name in self.hosted for unit in self._own_units(self.declaration.service(name))]
        return units + [self._once_followed(unit) for unit in deciding]

    def _once_followed(self, unit: Unit) -> Unit:
        """The unit, from the moment on at which this process knows the catalogue as it is: none decides by an older."""

        async def run() -> None:
            await self.replica.caught_up()
            await unit.run()

        return Unit(unit.name, run)

    def _kept(self) -> dict[str, Sequence[Retention]]:
        """What each role prunes in this process."""
        published = self.settings.bus.kind == "kafka"
        streams = [stream for stream in self.declaration.streams if stream != self.declaration.follow]
        own = {name: self.declaration.service(name).prunes for name in self.hosted}
        events = [kept_events(stream, published=published) for stream in streams]
        return {BUS: events, **{name: kept for name, kept in own.items() if kept}}

    def _own_units(self, service: Service) -> Sequence[Unit]:
        if service.units is None:
            return ()
        return service.units(
            Workplace(
                equipment=self.equipment[service.name],
                address=self.addresses[service.name],
                lease=self.settings.lease_seconds,
                turn=self.settings.retention_turn,
            )
        )

    async def _check(self) -> bool:
        """Whether the node had people when it was upgraded; it is the one that was meant, and the server is enough."""
        async with self.own.session() as session:
            services = [self.declaration.service(name) for name in self.hosted]
            await assert_node(session, self.settings.facts, services)
            allowed = int(await session.value("select current_setting('max_connections')"))
            upgraded = bool(await session.value("select upgraded from bus.node"))
        readers = sum(bool(self.declaration.streams_of(service)) for service in services)
        leases = sum(service.units is not None for service in services)
        pools = self.settings.pool_size + self.settings.vault_pool_size
        needed = len(self.hosted) * pools + 3 * readers + leases + len(self._kept()) + _OWN + _DIRECT
        if needed > allowed:
            raise TooFewSessions(
                f"this process needs up to {needed} database sessions, the server allows {allowed}: lower "
                "CREDITMESH_POOL_SIZE or raise max_connections / "
                f"本进程最多需要 {needed} 个数据库会话，服务器仅允许 {allowed} 个："
                "请调低 CREDITMESH_POOL_SIZE 或调高 max_connections"
            )
        return upgraded

    def _operator_app(self) -> App:
        secret = (self.settings.secrets / "operator").read_text(encoding="ascii").strip()
        services = [self.declaration.service(name) for name in self.hosted]
        return second_listener(
            self.ready,
            [operator_app(made, secret) for made in self.equipment.values()],
            document=partial(operators_document, services, code=self.settings.node),
            today=self.clock.legal_date,
        )

    def _public_app(self) -> App:
        if self.door is None:
            return self.apps[self.hosted[0]]
        made = self.door(
            Hosted(
                declaration=self.declaration,
                settings=self.settings,
                apps={name: app for name, app in self.apps.items() if name != "gateway"},
                equipment=self.equipment["gateway"],
                readiness=self.ready,
            )
        )
        self._stack.push_async_callback(made.close)
        return made

    async def _listen(self, app: App, host: str, port: int, *, trusted_proxies: Sequence[str] = ()) -> HttpListener:
        settings = self.settings
        listener = HttpListener(
            app,
            host=host,
            port=port,
            drain_seconds=settings.drain_seconds,
            keep_alive=settings.keep_alive_seconds,
            connections=settings.connections,
            trusted_proxies=trusted_proxies,
        )
        await listener.start()
        self._stack.push_async_callback(listener.drain)
        return listener

    async def _closed_pools(self) -> None:
        for pool in self._pools:
            await pool.close()
