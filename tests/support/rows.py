"""Many clean penalty rows, as a department's system would send them."""

from datetime import date, timedelta

import orjson

from creditmesh.schemas.rules.identity import SANDBOX_REGION
from creditmesh.schemas.rules.numbers import resident_check

PARTY = "market_regulation"
ITEM = "administrative_penalty"
_CODE, _NAME = "11990000000000019A", "示例市市场监督管理局"


def person(order: int) -> str:
    """The number of the invented adult of that order: at most 999 times 9,000."""
    first = f"{SANDBOX_REGION}{date(1970, 1, 1) + timedelta(days=order // 999):%Y%m%d}{order % 999 + 1:03d}"
    return first + resident_check(first)


def penalty(order: int, *, decided: date, note: str = "", number: str = "") -> dict[str, str]:
    """The penalty of that order, on the person of that order."""
    row = {
        "CF_XDR_MC": f"赵某{order % 97}",
        "CF_XDR_LB": "自然人",
        "CF_XDR_ZJLX": "身份证",
        "CF_XDR_ZJHM": number or person(order),
        "CF_WSH": f"示市监罚〔{decided.year}〕{order + 1:06d}号",
        "CF_WFXW": "价格违法",
        "CF_SY": "当事人经营商品未按规定明码标价",
        "CF_YJ": "《中华人民共和国价格法》第四十二条",
        "CF_CFLB": "罚款",
        "CF_NR": "处以罚款人民币500元。",
        "CF_NR_FK": "0.05",
        "CF_JDRQ": decided.isoformat(),
        "CF_YXQ": "2099-12-31",
        "CF_CFJG": _NAME,
        "CF_CFJGDM": _CODE,
        "CF_SJLY": _NAME,
        "CF_SJLYDM": _CODE,
    }
    return row | ({"BZ": note} if note else {})


def penalties(orders: range, *, decided: date) -> bytes:
    """So many penalties as NDJSON."""
    return b"".join(orjson.dumps(penalty(order, decided=decided)) + b"\n" for order in orders)
