"""Answers that are read whole: never more of them, nor for longer, than any true answer takes."""

from time import monotonic

import httpx

from creditmesh.client.errors import NotUnderstood

MOST_ANSWERED, MOST_OF_A_PROBLEM = 64 * 1024 * 1024, 1024 * 1024
"""Bytes, unpacked, of what is read whole: twice a page of a feed, and far more than any refusal."""
SECONDS_ANSWERED = 900.0
"""Until such an answer is whole, however steadily it comes."""
_OF_THE_WIRE = {"content-encoding", "content-length", "transfer-encoding"}
"""What says how a body came, and is no more of what was read from it."""


def whole(response: httpx.Response, *, most: int | None = None) -> httpx.Response:
    """The same answer with its body, unpacked; NotUnderstood where that is longer, or comes slower, than any is."""
    most = MOST_ANSWERED if most is None else most
    body, end = bytearray(), monotonic() + SECONDS_ANSWERED
    for piece in response.iter_bytes():
        body += piece
        if len(body) > most or monotonic() > end:
            raise NotUnderstood(
                f"The answer is longer than {most} bytes, or not whole within {SECONDS_ANSWERED:.0f} s; given up.",
                f"应答超过 {most} 字节，或在 {SECONDS_ANSWERED:.0f} 秒内未收全，已放弃读取。",
            )
    headers = [each for each in response.headers.multi_items() if each[0] not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)
