"""Every setting of a node's processes, read once by the host and by nobody else.

Each is an environment variable with the prefix `CREDITMESH_` (nested ones with `__`), and documented here.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork
from pydantic_settings import BaseSettings, SettingsConfigDict

from creditmesh.chassis.facts import Facts, KeptName
from creditmesh.schemas.identifiers import NodeCode


class EmbeddedBusSettings(BaseModel):
    """The bus inside the node's own PostgreSQL; always there."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: Literal["embedded"] = "embedded"
    """Nothing else to set."""


class KafkaBusSettings(BaseModel):
    """Apache Kafka beside the embedded bus: a publisher copies, readers take from Kafka and refill from PostgreSQL."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    kind: Literal["kafka"] = "kafka"
    """Topics of an Apache Kafka."""
    bootstrap: str
    """host:port[,host:port] of the cluster."""
    replication: int = 3
    """Replication factor of the topics; 1 in a sandbox."""
    min_isr: int = 2
    """Replicas that must have a message before it counts as written; 1 in a sandbox."""


BusSettings = Annotated[EmbeddedBusSettings | KafkaBusSettings, Field(discriminator="kind")]


class NodeSettings(BaseSettings):
    """What a process of a node needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="CREDITMESH_", env_nested_delimiter="__", extra="ignore", use_attribute_docstrings=True
    )

    node: NodeCode = "city"
    """The node's code: fixed for life."""
    tier: Literal["city", "province", "nation"] = "city"
    """The node's place in the chain: fixed for life."""
    parts: int = Field(default=24, ge=1, le=1024)
    """The number of parts, used when the node is created and asserted afterwards: 12 sandbox, 24, nation 256."""
    sandbox: bool = False
    """Whether the node is for trying out, with invented parties: its legal date may be moved and unsigned bureau keys
    work. Fixed for life. Never true where real people's data are."""
    state: Path = Field(examples=["/srv/creditmesh/city"])
    """The folder of the node's secrets (owner-only) and of the embedded server's data. No two nodes share one, so each
    says its own."""
    database: str | None = None
    """postgresql://host:port/name without a user (each role's password is in `<state>/secrets/roles`); several hosts,
    of which the one that takes writes is used, and TLS are as libpq has them: `//a:1,b:2/city?sslmode=verify-full`.
    None: the embedded server."""
    admin: str | None = None
    """A superuser's address of the same server, for `migrate` alone. None: the embedded server's."""
    pool_size: int = Field(default=4, ge=1, le=64)
    """Database sessions that each service of a process has for its requests, of which one caller holds three quarters
    at most, or all of one, two or three; more requests wait, or get 503 `busy`."""
    vault_pool_size: int = Field(default=2, ge=1, le=64)
    """Sessions beside them for finding people and their keys, which is done before a request's own transaction."""
    plan_cache_mode: Literal["force_generic_plan", "auto", "force_custom_plan"] = "force_generic_plan"
    """PostgreSQL's setting for services' sessions. One plan a statement is right for one server; an engine that spreads
    schemas over several may need `auto`."""
    bus: BusSettings = Field(
        default=EmbeddedBusSettings(), examples=['{"kind": "kafka", "bootstrap": "10.0.0.3:9092"}']
    )
    """Which bus carries the node's events; as JSON, or each part by its own variable (below)."""
    host: str = "127.0.0.1"
    """The address of the public listener (the gateway) or of a service's listener."""
    port: int = 8080
    """The port of that listener; 0 takes a free one."""
    operator_host: str = "127.0.0.1"
    """The second listener's address: metrics, readiness in detail, the operator's routes. Loopback by default."""
    operator_port: int = 8081
    """The port of the second listener; 0 takes a free one."""
    services: dict[str, str] = Field(default={}, examples=['{"catalogue": "http://10.0.0.2:8080"}'])
    """Where a gateway by itself finds the services: http://host:port for the name of each."""
    lease_seconds: float = Field(default=15.0, ge=2.0)
    """How long a lock session lives without a ping: a paused process loses its parts after this."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged; libraries log warnings and worse."""
    connections: int = Field(default=1000, ge=10)
    """How many connections a listener holds; one more is answered 503 and closed. Below the process's open files."""
    keep_alive_seconds: float = Field(default=75.0, ge=5.0)
    """How long a connection without a request stays open: longer than a proxy before the node keeps it."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(default=(), examples=['["10.0.0.7", "10.1.0.0/16"]'])
    """Addresses or networks of the proxies before the public listener. Of them
    alone `X-Forwarded-For` is believed, for the address in the security log; without one it is the peer's own."""
    drain_seconds: float = 10.0
    """How long a stopping process waits for requests under way."""
    keep_events_days: int = Field(default=30, ge=1)
    """How long an event is kept that all its readers have passed; the catalogue's are kept for good. Like the
    other terms it is the node's: `creditmesh-node migrate` writes it, and processes do not read their own."""
    keep_idempotency_days: int = Field(default=7, ge=1)
    """How long an Idempotency-Key is known: the same request is a new one afterwards. `migrate` writes it."""
    keep_security_log_days: int = Field(default=366, ge=30)
    """How long the gateway's log of refusals is kept; nothing removes what is younger than 30 days. `migrate`
    writes it."""
    retention_turn: int = Field(default=1000, ge=1, le=100_000)
    """How many revisions are looked at in one transaction for records that were kept for their term; once a
    legal day all are. The terms themselves are the catalogue's (`retention_months` of an item)."""

    @property
    def terms(self) -> Mapping[KeptName, timedelta]:
        """How long what only grows is kept."""
        return {
            "events": timedelta(days=self.keep_events_days),
            "idempotency": timedelta(days=self.keep_idempotency_days),
            "security_log": timedelta(days=self.keep_security_log_days),
        }

    @property
    def terms_given(self) -> Collection[KeptName]:
        """Those of the terms that were set, and are no default."""
        return [name for name in self.terms if f"keep_{name}_days" in self.model_fields_set]

    @property
    def facts(self) -> Facts:
        """What the node must be, as it stands in its database for life."""
        return Facts(code=self.node, tier=self.tier, parts=self.parts, sandbox=self.sandbox)

    @property
    def secrets(self) -> Path:
        """Where keys and the roles' passwords are (0700; files 0600)."""
        return self.state / "secrets"
