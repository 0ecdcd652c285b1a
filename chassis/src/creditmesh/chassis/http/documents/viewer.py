"""Swagger UI for a listener's document: the files of a package, served from here, so that no page asks another host.

Its files are Apache-2.0 (SmartBear); the package that carries them is MIT, and nothing of it is imported. Scripts come
from this listener alone, without exception; styles may also stand in the page, because the viewer writes them there.
"""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from starlette.responses import Response

PAGE, DOCUMENT = "/docs", "/openapi.json"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "/docs/swagger-ui-bundle.js": "text/javascript",
    "/docs/swagger-ui.css": "text/css",
    "/docs/favicon.png": "image/png",
}
_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#viewer", deepLinking: true, filter: true, tryItOutEnabled: false,
  displayOperationId: true, displayRequestDuration: true, docExpansion: "list", defaultModelsExpandDepth: 0,
  validatorUrl: null, queryConfigEnabled: false,
});
"""
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Creditmesh</title>
<link rel="icon" href="/docs/favicon.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="viewer"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


class Viewer:
    """The pages of the viewer by their paths."""

    def has(self, path: str) -> bool:
        """Whether the path is one of its pages."""
        return path in {PAGE, "/docs/start.js"} or path in _FILES

    def answer(self, path: str) -> Response:
        """A page of its, as it is sent; LookupError for a path that is none."""
        if path == PAGE:
            return Response(_HTML, media_type="text/html", headers={"Content-Security-Policy": _POLICY})
        if path == "/docs/start.js":
            return Response(_START, media_type="text/javascript")
        return Response(_file(path), media_type=_FILES[path], headers={"Cache-Control": "public, max-age=86400"})


@cache
def _file(path: str) -> bytes:
    """A file of the package, read when it is first asked for."""
    name = path.rpartition("/")[2]
    return Path(str(distribution("fastapi-offline").locate_file(f"fastapi_offline/static/{name}"))).read_bytes()
