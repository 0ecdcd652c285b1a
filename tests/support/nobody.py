"""An address of nodes that are not there: whoever listens there has nothing of anybody, and says so."""

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Nobody(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the server's own names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@cache
def nobody() -> str:
    """Its URL; it lives as long as the tests' process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Nobody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
