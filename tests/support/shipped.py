"""The catalogue that comes with this version, read once for all the tests of a process."""

from creditmesh.catalogue import folder

SHIPPED = folder.read(folder.shipped())
INVENTED = folder.read(folder.invented("city"))
"""The parties of a city's sandbox."""
