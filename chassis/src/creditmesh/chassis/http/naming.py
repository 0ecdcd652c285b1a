"""The names of a request, on every line that is logged while it is answered."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, reset_contextvars


@contextmanager
def named(request_id: str | None, traceparent: str | None) -> Iterator[None]:
    """Every line logged inside has the request's id and its trace, as far as it has them."""
    names = {"request_id": request_id, "traceparent": traceparent}
    tokens = bind_contextvars(**{name: value for name, value in names.items() if value is not None})
    try:
        yield
    finally:
        reset_contextvars(**tokens)
