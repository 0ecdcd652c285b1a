"""What an integrator installs: a typed client of a node, and the `creditmesh` command. It needs no server code.

A name is loaded when it is asked for: a command is a process, and needs little of all this.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditmesh.client.errors import ClientError, NotUnderstood, ProblemError, Unreachable, Unsendable, Unverified
    from creditmesh.client.listing import AccessListing, Listing
    from creditmesh.client.node import Node
    from creditmesh.client.retries import Retries
    from creditmesh.client.submission import Submission
    from creditmesh.client.upload import Limits, Upload

_HOMES = {
    "errors": ("ClientError", "NotUnderstood", "ProblemError", "Unreachable", "Unsendable", "Unverified"),
    "listing": ("AccessListing", "Listing"),
    "node": ("Node",),
    "retries": ("Retries",),
    "submission": ("Submission",),
    "upload": ("Limits", "Upload"),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


__all__ = [
    "AccessListing",
    "ClientError",
    "Limits",
    "Listing",
    "Node",
    "NotUnderstood",
    "ProblemError",
    "Retries",
    "Submission",
    "Unreachable",
    "Unsendable",
    "Unverified",
    "Upload",
]
