"""The wire: one pooled HTTP connection to one node, its credential, and which calls may be sent twice.

Only calls that change nothing, and calls that carry an Idempotency-Key, are ever repeated: every write gets a key here
if the caller gave none. The credential is sent to the node's own address only (redirects are not followed) and is
never shown.
"""

import ipaddress
import json
import secrets
import ssl
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from creditmesh.client import whole_answers as bounds
from creditmesh.client.errors import NotUnderstood, ProblemError, Unreachable, Unsendable, problem_of
from creditmesh.client.listing import Listing
from creditmesh.client.retries import Retries, RetryBudget
from creditmesh.client.whole_answers import whole
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.findings import of_one_fault, place_of, texts_of
from creditmesh.schemas.pii import REVEAL

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
CONNECT, SEND, ANSWER = 5.0, 60.0, 30.0
"""Seconds until a connection stands, until a chunk has gone out, until the next bytes of an answer are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, in a form that can be sent again: a streamed body is opened anew for each attempt."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Callable[[], Iterable[bytes]] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    patience: float = ANSWER
    """Seconds of silence after which the connection counts as lost."""
    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    """The W3C trace id: one for all attempts."""


class Wire:
    """What every part of the client sends through."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = _address(url)
        self.retries = retries or Retries()
        self._client = httpx.Client(
            base_url=base,
            auth=None if key is None else _Bearer(key),
            headers={"User-Agent": "creditmesh-client", **bounds.AS_IT_IS},
            transport=transport,
            trust_env=not is_loopback(base),
            verify=True if base.scheme == "https" else _trusting_nobody(),
        )

    @property
    def url(self) -> str:
        """The node's address."""
        return str(self._client.base_url).rstrip("/")

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def get(self, path: str, into: type[T], **params: str | int | None) -> T:
        """Read a resource."""
        given = {name: str(value) for name, value in params.items() if value is not None}
        return self.read(Call(method="GET", path=path, params=given), into)

    def listing(self, path: str, page: type[Page[T]], **params: str | int | None) -> Listing[T]:
        """Every item of a list, and what its pages say beside."""
        return Listing(self.pages(path, page, **params))

    def searched(self, path: str, search: BaseModel, page: type[Page[T]]) -> Listing[T]:
        """The same of a list that is asked for with a body, which takes the cursor."""

        def pages(search: BaseModel) -> Iterator[Page[T]]:
            while True:
                found = self.post(path, search, page)
                yield found
                if found.next is None:
                    return
                search = search.model_copy(update={"cursor": found.next})

        return Listing(pages(search))

    def pages(self, path: str, page: type[Page[T]], **params: str | int | None) -> Iterator[Page[T]]:
        """The pages of a list, each asked for when the one before was taken."""
        cursor: str | None = None
        while True:
            found = self.get(path, page, **params, cursor=cursor)
            yield found
            cursor = found.next
            if cursor is None:
                return

    def post(
        self,
        path: str,
        body: BaseModel | JsonValue,
        into: type[T],
        *,
        idempotency_key: str | None = None,
        etag: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> T:
        """Create or change something, or ask with a body; repeated safely under its Idempotency-Key."""
        return self.read(_posted(path, body, idempotency_key=idempotency_key, etag=etag, params=params), into)

    def tell(self, path: str, body: BaseModel | JsonValue, *, idempotency_key: str | None = None) -> None:
        """As `post`, where there is nothing to answer."""
        self.answer(_posted(path, body, idempotency_key=idempotency_key))

    def read(self, call: Call, into: type[T]) -> T:
        """The whole answer of a call, as the type it should be."""
        return understood(self.answer(call).content, into)

    def answer(self, call: Call, patience: RetryBudget | None = None) -> httpx.Response:
        """The whole answer of a call, tried again while that is safe and may help."""
        patience = patience or RetryBudget(self.retries)
        while True:
            try:
                with self.open(call) as response:
                    return whole(response)
            except (Unreachable, ProblemError) as error:
                patience.wait(error)

    @contextmanager
    def open(self, call: Call) -> Iterator[httpx.Response]:
        """One attempt: the answer with its body still to be read. Unreachable or ProblemError."""
        body = call.body() if callable(call.body) else call.body
        headers = {**call.headers, "traceparent": f"00-{call.trace}-{secrets.token_hex(8)}-01"}
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        timeout = httpx.Timeout(SEND, connect=CONNECT, read=call.patience)
        request = self._client.build_request(
            call.method, call.path, params=call.params, content=body, headers=headers, timeout=timeout
        )
        try:
            response = self._client.send(request, stream=True)
            try:
                if not response.is_success:
                    raise problem_of(whole(response, most=bounds.MOST_OF_A_PROBLEM))
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            raise self._lost(error) from None

    def _lost(self, error: httpx.RequestError) -> Unreachable:
        what = type(error).__name__
        return Unreachable(
            f"No whole answer from {self.url} ({what}); see that the node is up and the address right.",
            f"未收到 {self.url} 的完整应答（{what}）；请确认节点已启动且地址正确。",
        )


class _Bearer(httpx.Auth):
    """Adds the credential; shows it to nobody."""

    def __init__(self, key: str) -> None:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise Unsendable("The key is empty or not printable ASCII.", "密钥为空或含有不可用字符。")
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


def new_idempotency_key() -> str:
    """A fresh Idempotency-Key."""
    return str(uuid4())


def asked(into: type[M], **given: object) -> M:
    """What is given as a request's body, without what is None; Unsendable names what cannot be one, and why."""
    try:
        return into.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise Unsendable(*_why(error)) from None


def understood(content: bytes, into: type[T]) -> T:
    """An answer's JSON as the type it should be; NotUnderstood (which shows nothing of it) if it is not."""
    try:
        answer: T = _adapter(into).validate_json(content)  # type: ignore[arg-type] # mypy: classes are hashable
    except ValidationError:
        raise NotUnderstood(
            "The answer is not what this client reads; are the node and the client of one version?",
            "无法解读节点的应答；请确认节点与客户端版本一致。",
        ) from None
    return answer


@cache
def _trusting_nobody() -> ssl.SSLContext:
    """For an address in clear, which shows no certificate: loading those of the machine takes longer than a call."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache
def _adapter(into: type[object]) -> TypeAdapter[Any]:
    return TypeAdapter(into)


def _why(error: ValidationError) -> tuple[str, str]:
    found = of_one_fault(error.errors(include_input=False))
    said = [(".".join(map(str, place_of(each))) or "the request", *texts_of(each)) for each in found]
    return " ".join(f"{name}: {text}" for name, text, _ in said), "".join(f"{name}：{text}" for name, _, text in said)


def is_loopback(url: httpx.URL) -> bool:
    """Whether the address is this machine itself: no proxy lies between, and nobody listens."""
    if url.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        raise _no_address() from None
    if address.scheme not in {"http", "https"} or not address.host or address.userinfo:
        raise _no_address()
    return address


def _no_address() -> Unsendable:
    return Unsendable(
        "The node's address must look like https://node.example or http://127.0.0.1:8080, without a credential in it.",
        "节点地址应形如 https://node.example 或 http://127.0.0.1:8080，且不得包含凭证。",
    )


def _json(body: BaseModel | JsonValue) -> bytes:
    if isinstance(body, BaseModel):
        return body.model_dump_json(context=REVEAL, exclude_none=True).encode()
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        raise Unsendable(
            "NaN, infinity and lone surrogates are not JSON.", "NaN、无穷大和孤立代理字符不能报送。"
        ) from None


def _posted(
    path: str,
    body: BaseModel | JsonValue,
    *,
    idempotency_key: str | None = None,
    etag: str | None = None,
    params: Mapping[str, str] | None = None,
) -> Call:
    headers = {"Content-Type": "application/json"} | ({} if etag is None else {"If-Match": etag})
    return Call(
        method="POST",
        path=path,
        params=params or {},
        body=_json(body),
        headers=headers,
        idempotency_key=idempotency_key or new_idempotency_key(),
    )
