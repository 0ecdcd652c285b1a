"""One hierarchy of errors: it decides the answer, whether the transaction is kept, and what a reader does next.

A `Problem` is a business refusal: it is answered as problem+json and never retried. `Transient` is retried, `Uncertain`
ends the unit that met it (its memory is dropped and the host starts it anew), `Alarm` parks one part of one stream
until a person has looked. Whatever else a handler raises is permanent: an event that alone meets it goes to the dead
letters.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from creditmesh.schemas.errors import LoggableError
from creditmesh.schemas.problems import MOST_FINDINGS, FieldError, ProblemDocument


class MeshError(LoggableError):
    """The root of every error a node raises on purpose."""


class Problem(MeshError):
    """A refusal with a stable code, in both languages.

    `remedy` is what to do about it wherever it is made: it stands in for a `detail` that says no more.
    `keep` says whether the transaction is committed before the answer (a logged refusal) or rolled back; `says` what is
    said where the texts are a table's, for the page of codes.
    """

    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "The request was refused"
    title_zh: ClassVar[str] = "请求被拒绝"
    status: ClassVar[int] = 422
    keep: ClassVar[bool] = False
    remedy: ClassVar[str] = ""
    remedy_zh: ClassVar[str] = ""
    says: ClassVar[Sequence[tuple[str, str]]] = ()

    def __init__(
        self,
        detail: str = "",
        detail_zh: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.remedy
        self.detail_zh = detail_zh or self.remedy_zh
        self.errors = tuple(errors[:MOST_FINDINGS])
        self.headers = dict(headers or {})

    def document(self, request_id: str | None = None) -> ProblemDocument:
        """The RFC 9457 body of this refusal."""
        return ProblemDocument(
            type=f"urn:creditmesh:problem:{self.code}",
            code=self.code,
            title=self.title,
            title_zh=self.title_zh,
            status=self.status,
            detail=self.detail,
            detail_zh=self.detail_zh,
            request_id=request_id,
            errors=self.errors,
        )


class Malformed(Problem):
    """400: the body or a parameter cannot be read at all."""

    code = "malformed"
    title = "The request cannot be read"
    title_zh = "请求无法解析"
    status = 400


class Unauthenticated(Problem):
    """401: who are you."""

    code = "unauthenticated"
    title = "A valid credential is needed"
    title_zh = "需要有效的凭证"
    status = 401


class Forbidden(Problem):
    """403: you may not."""

    code = "forbidden"
    title = "This credential may not do that"
    title_zh = "该凭证无权执行此操作"
    status = 403


class NotFound(Problem):
    """404: no such thing, or not yours to know."""

    code = "not_found"
    title = "No such resource"
    title_zh = "资源不存在"
    status = 404


class Conflict(Problem):
    """409: the state of the resource does not allow it."""

    code = "conflict"
    title = "The state of the resource does not allow this"
    title_zh = "资源当前状态不允许此操作"
    status = 409


class Stale(Problem):
    """412: the resource has changed since you read it."""

    code = "stale"
    title = "The resource has changed since it was read"
    title_zh = "资源已被修改"
    status = 412


class TooLarge(Problem):
    """413: split it."""

    code = "too_large"
    title = "The request is too large"
    title_zh = "请求过大"
    status = 413


class UnsupportedMedia(Problem):
    """415: not a kind of body this route reads."""

    code = "unsupported_media_type"
    title = "This kind of body is not read here"
    title_zh = "不支持的内容类型"
    status = 415


class Invalid(Problem):
    """422: understood, and a rule refuses it."""

    code = "invalid"
    title = "The request breaks a rule"
    title_zh = "请求不符合规则"
    status = 422


class Unavailable(Problem):
    """503: not ready, shedding load, or a commit failed. Nothing was released."""

    code = "unavailable"
    title = "Not available now; try again"
    title_zh = "暂时不可用，请稍后重试"
    status = 503


class Unmended(Unavailable):
    """503 until an operator has mended it: a part that meets it rests with an alarm, and goes on by itself then."""


def outcome_unknown() -> Unavailable:
    """503: the answer to what would have stored it was lost, so that it may be stored."""
    return Unavailable(
        "It is not known whether this was stored: the database's answer was lost. Nothing was released. Send the "
        "request again with the same Idempotency-Key; where the route takes none, look first whether it is done.",
        "未收到数据库的应答，无法确定是否已保存；未披露任何信息。请使用相同的 Idempotency-Key 重新发送；"
        "如该接口不接受 Idempotency-Key，请先查询是否已完成。",
        headers={"Retry-After": "1"},
    )


class Transient(MeshError):
    """A passing fault of a dependency: roll back, back off, do the same again."""


class Uncertain(MeshError):
    """What is in memory may no longer be true (a lost lease, an unknown commit): end the unit."""


class Alarm(MeshError):
    """A stream contradicts itself (went back, a broken chain, a hole): park the part, tell a person, never jump."""

    def __init__(self, reason: str, *, stream: str, part: int) -> None:
        super().__init__(f"{reason}: {stream}/{part}")
        self.reason = reason
        self.stream = stream
        self.part = part
