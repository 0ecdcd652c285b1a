"""Speaking to a peer: signed requests to its gateway, pages of its feeds, acknowledgements of ours.

What a peer answers is bounded before it is read: in bytes, lines and time, and it must come unencoded.
"""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import httpx
import orjson
from pydantic import BaseModel, ValidationError

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.http.signatures import signed_headers
from creditmesh.chassis.vault.keys import Keys, verified
from creditmesh.exchange.chunks import PageChunk, chunks_of
from creditmesh.schemas.acknowledgements import EntryRange
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.exchange import AnswersOut, FeedEntry, FeedOut, PageEnd, feed_origin
from creditmesh.schemas.origins import OriginsOut
from creditmesh.schemas.pages import BadPage, VerifiedPage, signed_head, verify_page
from creditmesh.schemas.tlog import Range

WAIT = 20
"""Seconds that a peer holds a pull that has nothing to bring."""
LIMIT = 1000
"""Entries of a page, about: it ends at a signed head."""
MOST_BYTES = 32 * 1024 * 1024
MOST_LINES = 5000
SECONDS_FOR_A_PAGE = WAIT + 60.0
"""To its last byte."""
MOST_OF_ORIGINS = 4 * 1024 * 1024
"""Bytes of an answer that proves: twice what this version gives at once."""
_MOST_SAID = 16 * 1024
_MOST_ANSWERED = 128 * 1024
_WENT_BACK = (422, "beyond_feed")
_PLAIN = {"", "identity"}
_NO_CODE = "-"
_GAP = "409 acknowledgement_gap"
_NO_SIGNATURE = (401, "signature_invalid")
_NOT_ENROLLED = (
    "the peer does not know this node's key yet: has its operator run `peers add` with this node's row? If so, compare "
    "the clocks, and look into the peer's security log"
)
M = TypeVar("M", bound=BaseModel)


class NotNow(Transient):
    """The peer does not give or take it now: it is tried again."""


class PeerUnreachable(NotNow):
    """The peer does not answer."""


class PageTooLarge(NotNow):
    """The page is more than this node takes at once: it is asked for in smaller pieces."""


class PageTooSlow(NotNow):
    """The page does not come in its time: it is asked for in smaller pieces, and however slow, it is no fault of it."""


class PeerRefused(NotNow):
    """The peer refuses what this node asks or says: its row here, or ours there, is not as the other needs it."""


class PulledPage(NamedTuple):
    """One page as it came."""

    chunks: list[PageChunk]
    note: str

    @property
    def entries(self) -> list[FeedEntry]:
        """All its entries."""
        return [entry for chunk in self.chunks for entry in chunk.page.entries]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One enrolled node, as this one knows it now."""

    party: Party
    node: str
    keys: Keys
    clock: Clock
    client: httpx.AsyncClient

    async def pull(self, feed: str, *, after: int, limit: int = LIMIT, wait: int = WAIT) -> PulledPage | None:
        """The page after so many entries; None if there are none. BadPage where what came is not a page."""
        query = f"after={after}&limit={limit}&wait={wait}"
        return await self._page(f"{self.party.url}/v1/exchange/feeds/{feed}/entries?{query}", feed, after)

    async def own_page(self, feed: str, *, after: int) -> PulledPage | None:
        """What the peer's copy of this node's own feed has after so many entries; BadPage as for `pull`."""
        return await self._page(f"{self.party.url}/v1/exchange/copies/{feed}/entries?after={after}", feed, after)

    async def standing(self, feed: str) -> FeedOut:
        """How the feed stands at the peer, and how far this node has answered for it."""
        page = await self._answer(f"{self.party.url}/v1/exchange/feeds", Page[FeedOut])
        found = next((each for each in page.items if each.feed == feed), None) if page is not None else None
        if found is None:
            raise PeerRefused(f"{self.party.code} has no feed {feed} for this node")
        return found

    async def held(self, feed: str) -> FeedOut | None:
        """How far the peer's copy of this node's feed goes; None where it is of a version that cannot say."""
        return await self._answer(f"{self.party.url}/v1/exchange/copies/{feed}", FeedOut)

    async def origins(self, feed: str, *, after: int, until: int) -> OriginsOut | None:
        """What proves others' entries among these of the feed; None where the peer has no such route.

        PageTooLarge and PageTooSlow as for a page: less is asked about then.
        """
        url = f"{self.party.url}/v1/exchange/feeds/{feed}/origins?after={after}&until={until}"
        return await self._answer(url, OriginsOut, most=MOST_OF_ORIGINS)

    async def _answer(self, url: str, model: type[M], *, most: int = _MOST_ANSWERED) -> M | None:
        """What a route of the peer answers; None where it has none."""
        async with self._asked("GET", url) as answer:
            if answer.status_code == httpx.codes.OK:
                return await self._read(answer, model, most=most)
            said = await _said(answer)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        raise _refused(said, f"{self.party.code} does not answer {model.__name__}")

    async def _read(self, answer: httpx.Response, model: type[M], *, most: int = _MOST_ANSWERED) -> M:
        try:
            return model.model_validate_json(await _read(answer, most))
        except (ValidationError, PageTooLarge) as error:
            if isinstance(error, PageTooLarge) and most > _MOST_ANSWERED:
                raise  # less can be asked about
            raise PeerRefused(f"{self.party.code} answers {model.__name__} that cannot be read") from error

    async def _page(self, url: str, feed: str, after: int) -> PulledPage | None:
        async with self._asked("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                said = await _said(answer)
                raise BadPage("size", after) if said == _WENT_BACK else _refused(said, f"feed {feed}")
            if answer.headers.get("content-encoding", "") not in _PLAIN:
                raise BadPage("encoded", after)
            content = await _read(answer, MOST_BYTES)
        return self._lines(feed, content, after) if content else None

    def _lines(self, feed: str, content: bytes, after: int) -> PulledPage | None:
        if content.count(b"\n") > MOST_LINES:
            raise PageTooLarge(f"a page of {self.party.code} has too many lines")
        whole, _, rest = content.rpartition(b"\n")
        *lines, end = whole.split(b"\n")
        early = next((place for place, line in enumerate(lines) if line.startswith(b'{"checkpoint"')), None)
        if early is not None:
            raise BadPage("order", after + early)
        try:
            note = PageEnd.model_validate_json(b"" if rest else end).checkpoint
        except ValidationError:
            raise PeerUnreachable(f"the page of {self.party.code} was cut off") from None
        return PulledPage(chunks_of(self.party.code, feed, first=after, lines=lines), note) if lines else None

    def verify(self, feed: str, before: Range, pulled: PulledPage) -> VerifiedPage:
        """The page if it is what the peer signed; BadPage if not."""
        return verify_page(
            before,
            pulled.entries,
            pulled.note,
            origin=feed_origin(self.party.code, feed),
            publics=self._publics,
            verify=_verify,
        )

    def signed_size(self, feed: FeedOut) -> int:
        """How far the feed goes by the head that it shows, if the peer signed that; else 0."""
        origin = feed_origin(self.party.code, feed.feed)
        try:
            return signed_head(feed.checkpoint or "", origin=origin, publics=self._publics, verify=_verify, at=0).size
        except BadPage:
            return 0

    @property
    def _publics(self) -> list[bytes]:
        return [b64decode(key.public) for key in self.party.keys if key.use == "node"]

    async def acknowledge(self, feed: str, text: str, *, until: int) -> tuple[EntryRange, ...]:
        """Hand over what this node signed about a feed of the peer's up to `until`; what the peer lacks."""
        url = f"{self.party.url}/v1/exchange/feeds/{feed}/acknowledgements"
        async with self._asked("POST", url, text.encode()) as answer:
            if answer.status_code == httpx.codes.OK:
                return (await self._read(answer, AnswersOut)).missing
            said = await _said(answer)
        if _named(said) == _GAP:  # a peer of an older version takes them in order only
            return (EntryRange(first=0, until=until),)
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise _refused(said, f"{self.party.code} does not take an acknowledgement")
        return ()

    @asynccontextmanager
    async def _asked(self, method: str, url: str, body: bytes = b"") -> AsyncIterator[httpx.Response]:
        """A signed request's answer, read within this block; PeerUnreachable if it does not come, or not whole."""
        headers = self._signed(method, url, body) | {"Accept-Encoding": "identity"}
        headers |= {"Content-Type": "application/json"} if body else {}
        code = self.party.code
        try:
            async with (
                asyncio.timeout(SECONDS_FOR_A_PAGE),
                self.client.stream(method, url, content=body, headers=headers) as answer,
            ):
                yield answer
        except TimeoutError as error:
            raise PageTooSlow(f"{code} takes too long") from error
        except httpx.TransportError as error:
            raise PeerUnreachable(f"{code} does not answer: {type(error).__name__}") from error

    def _signed(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        to, at = self.party.code, self.clock.instant()
        return signed_headers(self.keys, node=self.node, to=to, method=method, url=url, body=body, at=at)


async def _read(answer: httpx.Response, most: int) -> bytes:
    """The body as its bytes came; PageTooLarge, and no more is read, where there are more than that."""
    read = bytearray()
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) > most:
            raise PageTooLarge(f"an answer has more than {most} bytes")
    return bytes(read)


async def _said(answer: httpx.Response) -> tuple[int, str]:
    """The status and the stable code of a problem; never its text, which is the peer's."""
    try:
        code = str(orjson.loads(await _read(answer, _MOST_SAID))["code"])[:64]
    except (PageTooLarge, ValueError, KeyError, TypeError):
        code = _NO_CODE
    return answer.status_code, code


def _refused(said: tuple[int, str], what: str) -> NotNow:
    """What an answer is that is none: the peer's refusal, or of a proxy before a peer that is away."""
    status, code = said
    away = code == _NO_CODE and status >= httpx.codes.BAD_GATEWAY
    return (PeerUnreachable if away else PeerRefused)(f"{what}: {_named(said)}")


def _named(said: tuple[int, str]) -> str:
    status, code = said
    return f"{status} {code}" + (f": {_NOT_ENROLLED}" if said == _NO_SIGNATURE else "")


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
