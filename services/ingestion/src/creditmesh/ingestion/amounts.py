"""Amounts of money in the text of a penalty: 罚款2,000元, 罚款人民币贰仟元整, 罚款0.2万元."""

import re
from decimal import Decimal

from creditmesh.schemas.rules.amounts import NUMBER, plain, yuan_of

_AMOUNT = re.compile(rf"{NUMBER}\s*[元圆](?P<after>的?罚款)?")


def amounts_in(text: str) -> list[Decimal]:
    """The amounts that the text names, in yuan: those of fines if it says of any that it is one, else all."""
    said, last = plain(text), 0
    fines: list[Decimal] = []
    others: list[Decimal] = []
    for found in _AMOUNT.finditer(said):
        is_fine = found["after"] is not None or "罚款" in said[last : found.start()]
        yuan = yuan_of(found["number"])
        if yuan is not None:
            (fines if is_fine else others).append(yuan)
        last = found.end()
    return fines or others


def agrees(fine: Decimal, text: str) -> bool:
    """Whether a fine in 万元 is what the text says: an amount there, or their sum; a text without amounts agrees."""
    yuan = fine * 10_000
    if f"罚款{yuan:.0f}元" in text and yuan == int(yuan):
        return True  # most texts, at a tenth of the cost
    amounts = amounts_in(text)
    return not amounts or yuan in amounts or yuan == sum(amounts)
