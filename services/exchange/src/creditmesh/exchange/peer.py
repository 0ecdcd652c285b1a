"""Speaking to a peer: signed requests to its gateway, pages of its feeds, acknowledgements of ours."""

from base64 import b64decode
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.http.signatures import signed_headers
from creditmesh.chassis.vault.keys import Keys, verified
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.exchange import FeedEntry, FeedOut, PageEnd, feed_origin
from creditmesh.schemas.pages import BadPage, VerifiedPage, verify_page
from creditmesh.schemas.tlog import Range

WAIT = 20
"""Seconds that a peer holds a pull that has nothing to bring."""
LIMIT = 1000
_JSON = "application/json"
M = TypeVar("M", bound=BaseModel)


class NotNow(Transient):
    """The peer does not give or take it now: it is tried again."""


class PeerUnreachable(NotNow):
    """The peer does not answer."""


class PeerRefused(NotNow):
    """The peer refuses what this node asks or says: its row here, or ours there, is not as the other needs it."""


class PulledPage(NamedTuple):
    """One page as it came."""

    entries: list[FeedEntry]
    note: str


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One enrolled node, as this one knows it now."""

    party: Party
    node: str
    keys: Keys
    clock: Clock
    client: httpx.AsyncClient

    async def pull(self, feed: str, *, after: int, wait: int = WAIT) -> PulledPage | None:
        """The page after so many entries; None if there are none. BadPage where what came is not a page."""
        url = f"{self.party.url}/v1/exchange/feeds/{feed}/entries?after={after}&limit={LIMIT}&wait={wait}"
        return await self._page(url, feed, after)

    async def own_page(self, feed: str, *, after: int) -> PulledPage | None:
        """What the peer's copy of this node's own feed has after so many entries; BadPage as for `pull`."""
        return await self._page(f"{self.party.url}/v1/exchange/copies/{feed}/entries?after={after}", feed, after)

    async def standing(self, feed: str) -> FeedOut:
        """How the feed stands at the peer, and how far this node has answered for it."""
        page = await self._asked(f"{self.party.url}/v1/exchange/feeds", Page[FeedOut])
        found = next((each for each in page.items if each.feed == feed), None) if page is not None else None
        if found is None:
            raise PeerRefused(f"{self.party.code} has no feed {feed} for this node")
        return found

    async def held(self, feed: str) -> FeedOut | None:
        """How far the peer's copy of this node's feed goes; None where it is of a version that cannot say."""
        return await self._asked(f"{self.party.url}/v1/exchange/copies/{feed}", FeedOut)

    async def _asked(self, url: str, model: type[M]) -> M | None:
        """What a route of the peer answers; None where it has none."""
        try:
            answer = await self.client.get(url, headers=self._signed("GET", url))
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code != httpx.codes.OK:
                raise PeerRefused(f"{self.party.code} does not answer {model.__name__}: {_said(answer)}")
            return model.model_validate_json(answer.content)
        except httpx.TransportError as error:
            raise PeerUnreachable(f"{self.party.code} does not answer: {type(error).__name__}") from error
        except ValidationError as error:
            raise PeerRefused(f"{self.party.code} answers {model.__name__} that cannot be read") from error

    async def _page(self, url: str, feed: str, after: int) -> PulledPage | None:
        entries: list[FeedEntry] = []
        note = ""
        try:
            async with self.client.stream("GET", url, headers=self._signed("GET", url)) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    raise _refused(answer, feed, after)
                async for line in answer.aiter_lines():
                    if note:
                        raise BadPage("order", after + len(entries))
                    if line.startswith('{"checkpoint"'):
                        note = PageEnd.model_validate_json(line).checkpoint
                    else:
                        entries.append(FeedEntry.model_validate_json(line))
        except httpx.TransportError as error:
            raise PeerUnreachable(f"{self.party.code} does not answer: {type(error).__name__}") from error
        except ValidationError as error:
            raise BadPage("malformed", after + len(entries)) from error
        if entries and not note:
            raise PeerUnreachable(f"the page of {self.party.code} was cut off")
        return PulledPage(entries, note) if entries else None

    def verify(self, feed: str, before: Range, pulled: PulledPage) -> VerifiedPage:
        """The page if it is what the peer signed; BadPage if not."""
        publics = [b64decode(key.public) for key in self.party.keys if key.use == "node"]
        return verify_page(
            before,
            pulled.entries,
            pulled.note,
            origin=feed_origin(self.party.code, feed),
            publics=publics,
            verify=lambda public, data, signature: verified(data, signature, public=public),
        )

    async def acknowledge(self, feed: str, text: str) -> None:
        """Hand over what this node signed about a feed of the peer's."""
        url, body = f"{self.party.url}/v1/exchange/feeds/{feed}/acknowledgements", text.encode()
        headers = self._signed("POST", url, body) | {"Content-Type": _JSON}
        try:
            answer = await self.client.post(url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise PeerUnreachable(f"{self.party.code} does not answer: {type(error).__name__}") from error
        if answer.status_code not in {httpx.codes.NO_CONTENT, httpx.codes.OK}:
            raise PeerRefused(f"{self.party.code} does not take an acknowledgement: {_said(answer)}")

    def _signed(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        to, at = self.party.code, self.clock.instant()
        return signed_headers(self.keys, node=self.node, to=to, method=method, url=url, body=body, at=at)


def _refused(answer: httpx.Response, feed: str, after: int) -> Exception:
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        return BadPage("size", after)
    return PeerRefused(f"feed {feed}: {_said(answer)}")


def _said(answer: httpx.Response) -> str:
    """The status and the stable code of a problem; never its text, which is the peer's."""
    try:
        code = str(answer.json()["code"])[:64]
    except (ValueError, KeyError, TypeError):
        code = "-"
    return f"{answer.status_code} {code}"
