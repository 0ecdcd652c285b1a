"""A small node around the door: real database, real keys, a toy service."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from starlette.types import ASGIApp

from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.caller import OPERATOR, Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.app import operator_app, service_app
from creditmesh.chassis.http.token import Mint, Verifier
from creditmesh.chassis.service import Declaration, Service
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.gateway import operations, service
from creditmesh.gateway.credential import Credential
from creditmesh.gateway.door import Door, build
from creditmesh.gateway.models import KeyOrder, NewCredential, PartyKey
from creditmesh.gateway.transport import InProcess, ServiceTransport
from creditmesh.gateway.transport.over_http import OverHttp
from creditmesh.gateway.visit import Visit
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged
from tests.gateway import toy
from tests.support.postgres import Database

PARTIES = {
    **dict.fromkeys(
        [f"dept.{name}" for name in ["market", "one", "two", "race", "many", "n0", "n1", "n2", "n3", "n4"]],
        "department",
    ),
    **dict.fromkeys(("bureau.one", "bureau.two", "bureau.all"), "bureau"),
    **dict.fromkeys(("office.credit", "office.all", "department.all"), "department"),
    "node.all": "node",
}


class Told(NamedTuple):
    """An event of the catalogue."""

    number: int
    data: bytes
    part: int = 0
    type: str = CatalogueChanged.type


def directory() -> Directory:
    """The catalogue of a node that has these parties and nothing else."""
    made = Directory()
    for number, (code, kind) in enumerate(PARTIES.items(), start=1):
        duties = ["credit_management"] if code.startswith("office.") else []
        named = dict.fromkeys(("code", "name", "name_zh"), code)
        body = {**named, "kind": kind, "uscc": f"11990000MA{number:08d}", "duties": duties}
        told = CatalogueChanged(
            kind="party", code=code, number=1, state="published", effective=date(2020, 1, 1), body=body
        )
        made.apply(Told(number, told.model_dump_json().encode()))
    return made


class Shifted:
    """Real instants, some time away."""

    def __init__(self) -> None:
        self.by = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


@dataclass
class Raw:
    """A transport to an application that is none of the framework's."""

    app: ASGIApp

    async def __call__(self, visit: Visit) -> None:
        await self.app(visit.onward(), visit.receive, visit.answer)

    async def close(self) -> None:
        """Nothing is held."""


@dataclass
class Standing:
    """One node; `sandbox` as it is at the moment of asking for a door."""

    database: Database
    folder: Path
    sandbox: bool = True
    real: Shifted = field(default_factory=Shifted)
    ready: bool = True
    _doors: list[Door] = field(default_factory=list)

    def __post_init__(self) -> None:
        Keys.create(self.folder)
        self.keys = Keys.load(self.folder, service.keys)
        self.mac = partial(self.keys.mac, "credential")
        self.clock = Clock(lambda: 3, real=self.real)
        self.pool = self.database.pool("gateway")
        self.followed = directory()

    @property
    def node(self) -> Facts:
        return Facts(code="city", tier="city", parts=12, sandbox=self.sandbox)

    def unreachable(self) -> Pool:
        """A pool of a server that is not there."""
        return Pool(DatabaseAddress.read("postgresql://nobody@127.0.0.1:9/city"), application_name="test")

    def equipment(self, of: Service) -> Equipment:
        return Equipment(
            node=self.node,
            service=of,
            pool=self.pool,
            clock=self.clock,
            vault=Vault(self.pool, self.keys, parts=12, allowed=frozenset()),
            keys=self.keys,
            followed=self.followed,
            wake=lambda: None,
            notifications=Notifications(self.pool.address),
        )

    def toy_app(self, *, audience: str = "toy", seconds_later: float = 0) -> Any:
        def seconds() -> float:
            return time.time() + seconds_later

        verifier = Verifier(self.keys.token_public_keys(), node="city", audience=audience, seconds=seconds)
        return service_app(self.equipment(toy.service), verifier)

    def over_http(self, url: str, *, mint: Mint | None = None, **more: Any) -> OverHttp:
        """A transport to the toys in another process."""
        made = mint or Mint(self.keys.token_key(), node="city")
        return OverHttp(url, token=partial(made.token, audience="toy"), **more)

    def token(self) -> str:
        """What a door in another process says of a department that may all."""
        caller = Caller(
            kind="department",
            party="dept.market",
            scopes=frozenset({"records:read", "records:submit"}),
            credential="stolen",
        )
        return Mint(self.keys.token_key(), node="city").token(caller, audience="toy")

    def admin_app(self) -> Any:
        return operator_app(self.equipment(service), "operator-secret")

    def door(self, *, transport: ServiceTransport | None = None, **more: Any) -> Door:
        made = build(**self.arguments() | ({} if transport is None else {"transports": {"toy": transport}}) | more)
        self._doors.append(made)
        return made

    async def close(self) -> None:
        """Let every door write what its security log still waits for."""
        for door in self._doors:
            await door.close()
        await self.database.close()

    def arguments(self) -> dict[str, Any]:
        """What a door is built from."""

        async def ready() -> dict[str, Any]:
            return {"ready": self.ready, "detail": "for the operator only"}

        return {
            "declaration": Declaration(services=(toy.service, service), follow="toy", followed=Directory),
            "transports": {"toy": InProcess(self.toy_app())},
            "pool": self.pool,
            "keys": self.keys,
            "clock": self.clock,
            "node": self.node,
            "ready": ready,
        }

    def unknown(self) -> str:
        """A credential that this node's key made and its database does not have."""
        return Credential.fresh("city").reveal(self.mac)

    def forged(self, key: NewCredential) -> str:
        """The id of a key that exists, with a secret of one's own and the check that this node's key makes."""
        return Credential(node="city", key=key.key, _secret=Credential.fresh("city")._secret).reveal(self.mac)

    @asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """An operator's context, committed when it is left in peace."""
        context = Context(self.equipment(service), caller=OPERATOR)
        try:
            yield context
            await context.commit()
        finally:
            await context.rollback()

    async def key(self, order: KeyOrder | None = None, **more: Any) -> NewCredential:
        """A key: of a department that may all unless it is said otherwise."""
        wanted = {
            "kind": "department",
            "party": "dept.market",
            "scopes": ("records:read", "records:submit"),
            "label": uuid4().hex,
        }
        async with self.context() as context:
            return await operations.create_key(context, order or PartyKey.model_validate(wanted | more))


def invented(node: str = "city") -> str:
    """A credential of the right form, as somebody makes it who has no key of the node."""
    return Credential.fresh(node).reveal(lambda _: secrets.token_bytes(32))


def bearer(credential: str | NewCredential) -> dict[str, str]:
    text = credential if isinstance(credential, str) else credential.credential
    return {"Authorization": f"Bearer {text}"}


def client(app: Any, *, url: str = "http://node.test") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=url)
