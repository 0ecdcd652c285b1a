"""Where a database is, and as whom one connects: a libpq address, and the role beside it.

The address is libpq's own (`postgresql://host1:5432,host2:5432/name?sslmode=verify-full&sslrootcert=...`), read by the
driver: several hosts, unix sockets (`?host=/folder`) and TLS are what libpq calls them. Of several hosts the one that
takes writes is used. The name of a role and its password never stand in it, so that it may be printed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from creditmesh.chassis.errors import MeshError

_SCHEMES = ("postgresql", "postgres")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:,@]*)(?::\d+)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")


class UnreadableAddress(MeshError, ValueError):
    """What was given is no address of a database; nothing of it is quoted, because a password may stand anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """One database as one role. Printed, it shows no password."""

    dsn: str
    """Without user, password and the database's name."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None

    @classmethod
    def read(cls, url: str) -> "DatabaseAddress":
        """The address in a libpq URL."""
        parsed, asked = _split(url)
        who, _, place = parsed.netloc.rpartition("@")
        user, _, password = who.partition(":")
        user, password = unquote(user) or asked.pop("user", ""), unquote(password) or asked.pop("password", "")
        database = unquote(parsed.path[1:]) or asked.pop("dbname", "")
        place = place or _hosts(asked.pop("host", ""), asked.pop("port", ""))
        asked.setdefault("target_session_attrs", "read-write" if "," in place else "any")
        if not _HOSTS.fullmatch(place) or not {"user", "password", "dbname", "database"}.isdisjoint(asked):
            raise _unreadable()
        if "sslpassword" in asked:
            raise UnreadableAddress(
                "sslpassword is not taken: keep the key of the certificate without one, readable by its user alone / "
                "不支持 sslpassword：请使用不加口令、仅属主可读的证书私钥"
            )
        return cls(
            dsn=f"postgresql://{place}/?{urlencode(asked)}",
            user=user or None,
            password=password or None,
            database=database or None,
        )

    @property
    def url(self) -> str:
        """The address with the database's name and without a role, as a setting takes it."""
        place, _, asked = self.dsn.partition("?")
        return f"{place.removesuffix('/')}/{quote(self.database or '', safe='')}" + (f"?{asked}" if asked else "")

    @property
    def hosts(self) -> Sequence["DatabaseAddress"]:
        """The same address once for each of its hosts, in their order."""
        parsed = urlsplit(self.dsn)
        return [
            replace(self, dsn=parsed._replace(netloc=host).geturl()) if host else self
            for host in parsed.netloc.split(",")
        ]

    def of(self, database: str) -> "DatabaseAddress":
        """The same server and role, another database."""
        return replace(self, database=database)


def addresses(admin: DatabaseAddress, *, node: str, secrets: Path) -> Mapping[str, DatabaseAddress]:
    """The address of every role of a node whose password file is in `secrets`, by the role's second half."""
    prefix = f"{node}_"
    return {
        path.name.removeprefix(prefix): replace(
            admin, user=path.name, password=path.read_text(encoding="ascii").strip(), database=node
        )
        for path in sorted((secrets / "roles").glob(f"{prefix}*"))
    }


def _split(url: str) -> tuple[SplitResult, dict[str, str]]:
    # Whatever a character that should have been encoded does to the parts, none of a password may end up in another.
    try:
        parsed = urlsplit(url)
        asked = dict(parse_qsl(parsed.query, keep_blank_values=True, strict_parsing=True)) if parsed.query else {}
    except ValueError:
        raise _unreadable() from None
    if parsed.scheme not in _SCHEMES:
        raise UnreadableAddress("a database's address begins with postgresql:// / 数据库地址须以 postgresql:// 开头")
    if parsed.fragment or "@" in parsed.path or "/" in parsed.path[1:]:
        raise _unreadable()
    return parsed, asked


def _hosts(hosts: str, ports: str) -> str:
    # `?host=/folder,::1&port=1,2` as libpq also writes it: `%2Ffolder:1,[::1]:2`; one port is for all.
    names, numbers = hosts.split(","), ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    if len(numbers) != len(names):
        raise _unreadable()
    return ",".join(
        _place(name) + (f":{number}" if number else "") for name, number in zip(names, numbers, strict=True)
    )


def _place(host: str) -> str:
    return f"[{host}]" if ":" in host else quote(host, safe="")


def _unreadable() -> UnreadableAddress:
    return UnreadableAddress(
        "a database's address is postgresql://user:password@host:port/name, with / ? # @ : [ ] in a name or password "
        "percent-encoded / 数据库地址的格式为 postgresql://user:password@host:port/name，"
        "名称与口令中的 / ? # @ : [ ] 须使用百分号编码"
    )
