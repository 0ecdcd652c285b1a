"""A service's package with nothing but migrations, for the tests of the chassis."""

from creditmesh.chassis.database.migrations import Package

SAMPLE = Package(name="sample", package="tests.chassis.sample", vault=frozenset({"resolve", "open"}))
OTHER = Package(name="other", package="tests.chassis.sample.other")
"""Another service of the same node, with a table of its own and no part in the vault."""
