"""Answers as they come over the wire: never more of them at once, nor for longer, than any true answer takes.

They are asked for as they are (`AS_IT_IS`), and one that comes packed all the same is not unpacked: what some bytes
unpack to has no end.
"""

from collections.abc import Iterator, Mapping
from time import monotonic

import httpx

from creditmesh.client.errors import NotUnderstood

AS_IT_IS: Mapping[str, str] = {"Accept-Encoding": "identity"}
MOST_ANSWERED, MOST_OF_A_PROBLEM = 64 * 1024 * 1024, 1024 * 1024
"""Bytes of what is read whole: twice a page of a feed, and far more than any refusal."""
MOST_OF_A_LINE = 1024 * 1024
"""Bytes of a line of an answer that is read line by line: a verdict has twenty reasons at most."""
SECONDS_ANSWERED = 900.0
"""Until an answer that is read whole is there, however steadily it comes."""


def whole(response: httpx.Response, *, most: int | None = None) -> httpx.Response:
    """The same answer with its body; NotUnderstood where that is longer, or comes slower, than any is, or is packed."""
    most = MOST_ANSWERED if most is None else most
    body, end = bytearray(), monotonic() + SECONDS_ANSWERED
    for piece in _pieces(response):
        body += piece
        if len(body) > most or monotonic() > end:
            raise NotUnderstood(
                f"The answer is longer than {most} bytes, or not whole within {SECONDS_ANSWERED:.0f} s; given up.",
                f"应答超过 {most} 字节，或在 {SECONDS_ANSWERED:.0f} 秒内未收全，已放弃读取。",
            )
    return httpx.Response(response.status_code, headers=response.headers, content=bytes(body), request=response.request)


def lines(response: httpx.Response) -> Iterator[bytes]:
    """The lines of an answer without empty ones, each as it is there; NotUnderstood where one has no end."""
    rest = bytearray()
    for piece in _pieces(response):
        first, *others = piece.split(b"\n")
        rest += first
        for other in others:
            if rest:
                yield bytes(rest)
            rest = bytearray(other)
        if len(rest) > MOST_OF_A_LINE:
            raise NotUnderstood(
                f"A line of the answer is longer than {MOST_OF_A_LINE} bytes; given up.",
                f"应答中有一行超过 {MOST_OF_A_LINE} 字节，已放弃读取。",
            )
    if rest:
        yield bytes(rest)


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    packed = response.headers.get("content-encoding", "identity")
    if packed.strip().lower() not in {"", "identity"}:
        raise NotUnderstood(
            "The answer is packed, which was not asked for (Accept-Encoding: identity): is a proxy between?",
            "应答经过压缩，但请求并未允许（Accept-Encoding: identity）；请检查中间代理。",
        )
    return response.iter_bytes()
