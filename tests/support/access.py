"""Who may call which route of the real node, and with which scope: written by hand, and asked of nothing that it tests.

A route that is new, or opened to somebody else, is entered in `access.golden.json` by whoever means it.
"""

import json
from pathlib import Path
from typing import Literal

from creditmesh.gateway.routes import Route

EVERYBODY: Literal["everybody"] = "everybody"
TABLE: dict[str, Literal["everybody"] | dict[str, str]] = json.loads(
    Path(__file__).with_name("access.golden.json").read_text(encoding="utf-8")
)


def named(route: Route) -> str:
    """A route as the table names it."""
    return f"{min(route.methods)} {route.template}"


def scopes_of(route: Route) -> dict[str, str] | None:
    """The scope that each kind of caller needs who may call it; None: it is open to everybody."""
    found = TABLE[named(route)]
    return None if found == EVERYBODY else found
