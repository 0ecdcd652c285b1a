"""Clean penalty rows as a department's system would send them: natural persons and organisations in turn.

Every person and organisation is invented: region 990000, valid check digits. An organisation's row names a legal
representative with a number, so that two persons' fields are sealed in it.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import orjson

from creditmesh.schemas.rules.identity import SANDBOX_REGION
from creditmesh.schemas.rules.numbers import resident_check, uscc_check

PARTY = "market_regulation"
ITEM = "administrative_penalty"
DECIDED = date(2026, 9, 1)
_CODE, _NAME = "11990000000000019A", "示例市市场监督管理局"
_REPRESENTATIVES = 4_000_000
_OFFENCES = (
    ("经营超过保质期的预包装食品", "《中华人民共和国食品安全法》第一百二十四条"),
    ("发布含有绝对化用语的广告", "《中华人民共和国广告法》第五十七条"),
    ("经营商品未按规定明码标价", "《中华人民共和国价格法》第四十二条"),
    ("使用未经检定的计量器具", "《中华人民共和国计量法》第二十五条"),
)


def person(order: int) -> str:
    """The number of the invented adult of that order, below 9 million."""
    first = f"{SANDBOX_REGION}{date(1970, 1, 1) + timedelta(days=order // 999):%Y%m%d}{order % 999 + 1:03d}"
    return first + resident_check(first)


def organisation(order: int) -> str:
    """The code of the invented organisation of that order."""
    first = f"91{SANDBOX_REGION}{order + 1:09d}"
    return first + uscc_check(first)


def penalty(order: int, *, subject: int) -> dict[str, str]:
    """The penalty of that order (its document number) on the subject of that order."""
    facts, basis = _OFFENCES[order % len(_OFFENCES)]
    yuan = 500 + 100 * (order % 311)
    decided = DECIDED - timedelta(days=order % 300)
    return {
        **_subject(subject),
        "CF_WSH": f"示市监罚〔{decided.year}〕{order + 1:07d}号",
        "CF_WFXW": "市场监管违法",
        "CF_SY": f"当事人于{decided.year}年{decided.month}月{facts}，案号{order}",
        "CF_YJ": basis,
        "CF_CFLB": "警告;罚款",
        "CF_NR": f"给予警告，处以罚款人民币{yuan:,}元。",
        "CF_NR_FK": f"{yuan / 10000:.4f}".rstrip("0"),
        "CF_JDRQ": decided.isoformat(),
        "CF_YXQ": "2099-12-31",
        "CF_CFJG": _NAME,
        "CF_CFJGDM": _CODE,
        "CF_SJLY": _NAME,
        "CF_SJLYDM": _CODE,
    }


def receipt_in(answer: bytes) -> dict[str, Any]:
    """What the receipt at the end of a bulk answer says."""
    receipt = orjson.loads(answer[answer.rstrip().rfind(b"\n") + 1 :])["receipt"]
    statement: dict[str, Any] = orjson.loads(receipt["signed"])
    return statement


def penalties(orders: Sequence[int], subjects: Sequence[int]) -> bytes:
    """Penalties of these orders on these subjects, one each, as NDJSON."""
    return b"".join(orjson.dumps(penalty(o, subject=s)) + b"\n" for o, s in zip(orders, subjects, strict=True))


def _subject(order: int) -> dict[str, str]:
    if order % 2:
        return {
            "CF_XDR_MC": f"示例贸易{order}有限公司",
            "CF_XDR_LB": "法人及非法人组织",
            "CF_XDR_SHXYM": organisation(order),
            "CF_FRDB": f"样某{order % 97}",
            "CF_FR_ZJLX": "身份证",
            "CF_FR_ZJHM": person(order + _REPRESENTATIVES),
        }
    return {
        "CF_XDR_MC": f"赵某{order % 97}",
        "CF_XDR_LB": "自然人",
        "CF_XDR_ZJLX": "身份证",
        "CF_XDR_ZJHM": person(order),
    }
