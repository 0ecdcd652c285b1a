"""The `creditmesh-node` command: for who runs a node."""

from creditmesh.node.cli.app import app

__all__ = ["app"]
