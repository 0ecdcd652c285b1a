"""The `creditmesh` command: for who uses a node."""

from creditmesh.client.cli.app import app

__all__ = ["app"]
