"""What a listener says of itself: one OpenAPI 3.1 document of its routes, and a viewer for it.

Both listeners make theirs here. Beside what the framework reads from a route's signature stands what its own code says
(`chassis.http.reached`): its problems, the headers it asks for and gives; and what every listener does alike.
"""

from creditmesh.chassis.http.documents.document import Area, Listener, described
from creditmesh.chassis.http.documents.operators import operators_document
from creditmesh.chassis.http.documents.pages import DocumentPages

__all__ = ["Area", "DocumentPages", "Listener", "described", "operators_document"]
