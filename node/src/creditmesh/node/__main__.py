"""`python -m creditmesh.node` is `creditmesh-node`."""

from creditmesh.node.cli import app

app()
