"""Whether a document that somebody is asked about by is one at all. Pure, and for a query and a screening alike."""

from collections.abc import Mapping

from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.identity import NumberFinding, judge, normalise
from creditmesh.schemas.subject import Document

_UNUSABLE: Mapping[NumberFinding, tuple[str, str, str]] = {
    NumberFinding.SHAPE: (
        "number_shape",
        "The number does not have the form of its document type; correct it.",
        "号码与证件类型的格式不符；请更正。",
    ),
    NumberFinding.PLACEHOLDER: (
        "placeholder_needs_registration",
        "Seventeen zeros and X are nobody's code; give the registration number.",
        "17 个 0 加 X 不是任何主体的代码；请提供工商注册号。",
    ),
}


def usable(document: Document, *, pointer: str) -> str | FieldError:
    """The number as it is looked up, or why there is no such number at all, said of the place `pointer`.

    A wrong check digit is no hindrance: genuine codes have them.
    """
    number = normalise(document.type, document.number.reveal()).number
    if (unusable := _UNUSABLE.get(judge(document.type, number))) is None:
        return number
    code, detail, detail_zh = unusable
    return FieldError(pointer=pointer, code=code, detail=detail, detail_zh=detail_zh)
