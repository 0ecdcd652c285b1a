"""What can go wrong between an integrator and a node, in both languages, never with a value that was sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import ValidationError

from creditmesh.schemas.problems import ProblemDocument

if TYPE_CHECKING:
    import httpx

_PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class ClientError(Exception):
    """The root: a line in English and one in Chinese. `passing` says whether the same call may succeed later."""

    passing = False
    retry_after: float | None = None

    def __init__(self, detail: str, detail_zh: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.detail_zh = detail_zh


class Unreachable(ClientError):
    """The node was not reached, or the connection was lost before the answer was whole."""

    passing = True


class NotUnderstood(ClientError):
    """The node answered with something that this client does not read."""


class Unsendable(ClientError):
    """A file or a setting that cannot be sent as it is; nothing left this machine."""


class Unverified(ClientError):
    """What came, or what was kept, is not what its node signed: nothing of it was taken. `code` is a stable word."""

    def __init__(self, code: str, detail: str, detail_zh: str, *, index: int | None = None) -> None:
        super().__init__(detail, detail_zh)
        self.code = code
        self.index = index
        """The entry that does not fit, or the first that may not."""


class ProblemError(ClientError):
    """The node refused: `document` says what, by which rule, and what to do."""

    def __init__(self, document: ProblemDocument, *, retry_after: float | None = None) -> None:
        super().__init__(document.detail or document.title, document.detail_zh or document.title_zh)
        self.document = document
        self.retry_after = retry_after
        # A conflict that names a time is a request of our own that is still under way.
        under_way = document.status == HTTPStatus.CONFLICT and retry_after is not None
        self.passing = document.status in _PASSING or under_way

    def __str__(self) -> str:
        """For a log: status, code, what it says, and each field with its code."""
        document = self.document
        fields = ", ".join(f"{each.pointer or '/'} {each.code}" for each in document.errors)
        return f"{document.status} {document.code}: {self.detail}" + (f" [{fields}]" if fields else "")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.document.status

    @property
    def code(self) -> str:
        """The stable short word."""
        return self.document.code


def problem_of(response: "httpx.Response") -> ProblemError:
    """The problem of an answer with an error status, also where something between us and the node gave it."""
    try:
        document = ProblemDocument.model_validate_json(response.content)
    except ValidationError:
        status = response.status_code
        document = ProblemDocument(
            type="about:blank",
            code=f"http_{status}",
            title=f"Answered with HTTP {status} and no explanation; is this the address of a node?",
            title_zh=f"返回 HTTP {status}，未说明原因；请确认节点地址是否正确。",
            status=status,
            request_id=response.headers.get("x-request-id"),
        )
    return ProblemError(document, retry_after=_retry_after(response.headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
