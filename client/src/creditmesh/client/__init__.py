"""What an integrator installs: a typed client of a node, and the `creditmesh` command. It needs no server code."""

from creditmesh.client.errors import ClientError, NotUnderstood, ProblemError, Unreachable, Unsendable, Unverified
from creditmesh.client.listing import AccessListing, Listing
from creditmesh.client.node import Node
from creditmesh.client.retries import Retries
from creditmesh.client.submission import Submission
from creditmesh.client.upload import Limits, Upload

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
