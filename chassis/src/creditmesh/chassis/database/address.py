"""Where a database is, and as whom one connects: a libpq address, and the role beside it.

The address is libpq's own (`postgresql://host1:5432,host2:5432/name?sslmode=verify-full&sslrootcert=...`), read by the
driver: several hosts, unix sockets (`?host=/folder`) and TLS are what libpq calls them. Of several hosts the one that
takes writes is used. The name of a role and its password never stand in it, so that it may be printed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

_SCHEMES = ("postgresql", "postgres")
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:,@]*)(?::\d+)?"
_HOSTS = re.compile(rf"{_HOST}(?:,{_HOST})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One database as one role. Printed, it shows no password."""

    dsn: str
    """Without user, password and the database's name."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None

    @classmethod
    def read(cls, url: str) -> "Address":
        """The address in a libpq URL; ValueError, which quotes nothing of it, if it is none."""
        parsed, asked = _split(url)
        who, _, place = parsed.netloc.rpartition("@")
        user, _, password = who.partition(":")
        user, password = unquote(user) or asked.pop("user", ""), unquote(password) or asked.pop("password", "")
        database = unquote(parsed.path[1:]) or asked.pop("dbname", "")
        several = "," in place or "," in asked.get("host", "")
        asked.setdefault("target_session_attrs", "read-write" if several else "any")
        if not _HOSTS.fullmatch(place) or not {"user", "password", "dbname", "database"}.isdisjoint(asked):
            raise _unreadable()
        if "sslpassword" in asked:
            raise ValueError("sslpassword is not taken: keep the TLS key without one, readable by its user alone")
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

    def of(self, database: str) -> "Address":
        """The same server and role, another database."""
        return replace(self, database=database)


def addresses(admin: Address, *, node: str, secrets: Path) -> Mapping[str, Address]:
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
        raise ValueError("a database's address begins with postgresql://")
    if parsed.fragment or "@" in parsed.path or "/" in parsed.path[1:]:
        raise _unreadable()
    return parsed, asked


def _unreadable() -> ValueError:
    return ValueError(
        "a database's address is postgresql://user:password@host:port/name, with / ? # @ : [ ] in a name"
        " or password percent-encoded"
    )
