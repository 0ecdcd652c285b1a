"""How a request reaches its service: in this process, or over HTTP in another (`over_http`, which loads a client)."""

from creditmesh.gateway.transport.in_process import InProcess
from creditmesh.gateway.transport.protocol import ServiceTransport

__all__ = ["InProcess", "ServiceTransport"]
