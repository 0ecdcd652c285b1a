"""The sandbox: the nodes of a chain with invented parties, started from nothing; `sandbox.run` tells its story."""
