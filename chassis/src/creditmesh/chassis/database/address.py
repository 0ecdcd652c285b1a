"""Where a database is, and as whom one connects: a libpq address, and the role beside it.

The address is libpq's own (`postgresql://host1:5432,host2:5432/name?sslmode=verify-full&sslrootcert=...`), read by the
driver: several hosts, unix sockets (`?host=/folder`) and TLS are what libpq calls them. Of several hosts the one that
takes writes is used. The name of a role and its password never stand in it, so that it may be printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit


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
        """The address in a libpq URL; ValueError if it is none."""
        parsed = urlsplit(url)
        if parsed.scheme not in ("postgresql", "postgres"):
            raise ValueError("a database's address begins with postgresql://")
        who, _, place = parsed.netloc.rpartition("@")
        user, _, password = who.partition(":")
        asked = dict(parse_qsl(parsed.query, keep_blank_values=True))
        asked.setdefault(
            "target_session_attrs", "read-write" if "," in place or "," in asked.get("host", "") else "any"
        )
        return cls(
            dsn=urlunsplit(("postgresql", place, "", urlencode(asked), "")),
            user=unquote(user) or None,
            password=unquote(password) or None,
            database=unquote(parsed.path.lstrip("/")) or None,
        )

    @property
    def url(self) -> str:
        """The address with the database's name and without a role, as a setting takes it."""
        place, _, asked = self.dsn.partition("?")
        return f"{place.rstrip('/')}/{quote(self.database or '')}" + (f"?{asked}" if asked else "")

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
