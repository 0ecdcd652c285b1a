"""What a document of a case may be: PDF, PNG or JPEG, by its first bytes and not by its name, of at most 10 MiB."""

from collections.abc import Mapping

from creditmesh.repair.errors import WrongMedia
from creditmesh.schemas.cases import EvidenceMedia

MOST_BYTES = 10 * 1024 * 1024
_BEGINNINGS: Mapping[EvidenceMedia, bytes] = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}


def media_of(content_type: str | None) -> EvidenceMedia:
    """The declared type; WrongMedia if it is none of the three."""
    declared = (content_type or "").partition(";")[0].strip().lower()
    for media in _BEGINNINGS:
        if media == declared:
            return media
    raise WrongMedia(
        f"Send Content-Type: {', '.join(_BEGINNINGS)}.", f"请使用 Content-Type: {'、'.join(_BEGINNINGS)}。"
    )


def check_content(media: EvidenceMedia, content: bytes) -> None:
    """WrongMedia unless the content begins as its declared type does."""
    if not content.startswith(_BEGINNINGS[media]):
        raise WrongMedia(
            f"The content is not {media}; declare what it is, or convert it.",
            f"内容不是 {media}；请更正类型或转换文件。",
        )
