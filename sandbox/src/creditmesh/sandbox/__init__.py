"""The sandbox: the nodes of a chain with invented parties, started from nothing; `sandbox.run` tells its story."""

from creditmesh.sandbox.chain import CHAIN
from creditmesh.sandbox.node import SandboxNode
from creditmesh.sandbox.startup import Sandbox, started

__all__ = ["CHAIN", "Sandbox", "SandboxNode", "started"]
