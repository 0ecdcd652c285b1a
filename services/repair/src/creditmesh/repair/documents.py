"""What a document of a case may be: a whole PDF, PNG or JPEG, by its bytes and not by its name, of at most 10 MiB.

Its beginning and its end are looked at: what is no such file, or was cut off on the way, is nothing to decide by.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from creditmesh.repair.errors import WrongMedia
from creditmesh.schemas.cases import EvidenceMedia

MOST_BYTES = 10 * 1024 * 1024


class _Form(NamedTuple):
    begins: re.Pattern[bytes]
    ends: bytes
    within: int
    """Within so many bytes of the end: programs append something of their own."""


_FORMS: Mapping[EvidenceMedia, _Form] = {
    "application/pdf": _Form(re.compile(rb"%PDF-[12]\.\d\s"), b"%%EOF", 2048),
    "image/png": _Form(re.compile(rb"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", re.DOTALL), b"IEND\xaeB`\x82", 2048),
    # Cameras append a film or a second picture.
    "image/jpeg": _Form(re.compile(rb"\xff\xd8\xff[\xc0-\xfe]", re.DOTALL), b"\xff\xd9", MOST_BYTES),
}


def media_of(content_type: str | None) -> EvidenceMedia:
    """The declared type; WrongMedia if it is none of the three."""
    declared = (content_type or "").partition(";")[0].strip().lower()
    for media in _FORMS:
        if media == declared:
            return media
    raise WrongMedia(f"Send Content-Type: {', '.join(_FORMS)}.", f"请使用 Content-Type: {'、'.join(_FORMS)}。")


def check_content(media: EvidenceMedia, content: bytes) -> None:
    """WrongMedia unless the content begins and ends as its declared type does."""
    form = _FORMS[media]
    if not form.begins.match(content) or content.rfind(form.ends, max(len(content) - form.within, 0)) < 0:
        raise WrongMedia(
            f"The content is not a whole {media}; declare what it is, convert it, or send it again.",
            f"内容不是完整的 {media}；请更正类型、转换文件或重新上传。",
        )
