"""One good body for each request, as the documents show it: all about one invented person in the region 990000.

They are by the name of the model that a body is, and `ROW` for a body that is a row of an item. What only a node can
know (the id of a record, the text of an authorisation) stands for itself; a test puts a sandbox's own in its place,
sends each of them, and compares the answer with the document. A day is said from today on, so that none passes: what a
node serves has the days that they are. Those of the operator's listener come last.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta

from pydantic import JsonValue

_DAY = re.compile(r"<today ([+-]) (\d+) days>")


def day(days: int) -> str:
    """A day so many days from today, as an example says it."""
    return f"<today {'-' if days < 0 else '+'} {abs(days)} days>"


def dated(text: str, today: date) -> str:
    """A text in which each such day is the one that it is today."""
    return _DAY.sub(lambda found: f"{today + timedelta(int(found[1] + found[2]))}", text)


_RECORD = "0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11"
ROW: dict[str, JsonValue] = {
    "CF_XDR_MC": "样某甲",
    "CF_XDR_LB": "自然人",
    "CF_XDR_ZJLX": "身份证",
    "CF_XDR_ZJHM": "990000198504120010",
    "CF_WSH": "示市监罚〔2026〕1904号",
    "CF_WFXW": "未按规定公示信息",
    "CF_SY": "未按规定期限公示信息。",
    "CF_YJ": "企业信息公示暂行条例第十七条",
    "CF_CFLB": "罚款",
    "CF_NR": "罚款2000元",
    "CF_NR_FK": "0.2",
    "CF_JDRQ": day(-60),
    "CF_YXQ": "2099-12-31",
    "CF_CFJG": "示例市市场监督管理局",
    "CF_CFJGDM": "11990000000000019A",
    "CF_SJLY": "示例市市场监督管理局",
    "CF_SJLYDM": "11990000000000019A",
}
"""A penalty, as its department submits it to `administrative_penalty`."""
_SUBJECT: dict[str, JsonValue] = {
    "kind": "natural_person",
    "document": {"type": "resident_id", "number": "990000198504120010"},
}
EXAMPLES: Mapping[str, JsonValue] = {
    "CorrectionIn": {"fields": {**ROW, "CF_WFXW": "其他"}, "reason": "error", "basis": "示市监更正〔2026〕3号"},
    "ReinstatementIn": {"fields": ROW, "basis": "示法行终〔2026〕1号"},
    "RecordSearch": {"item": "administrative_penalty", "number": "示市监罚〔2026〕1904号"},
    "WithdrawalIn": {"reason": "revoked", "basis": "示市监撤销〔2026〕1号"},
    "DecisionIn": {"decision": "refuse", "note": "与纸质案卷核对不符"},
    "SubjectIn": _SUBJECT,
    "QueryIn": {
        "subject": _SUBJECT,
        "purpose": "statutory_duty",
        "matter": "procurement_review",
        "officer": "W-17",
        "items": ["administrative_penalty"],
    },
    "AuthorisationIn": {
        "bureau": "alpha_credit",
        "purpose": "credit_assessment",
        "items": ["administrative_penalty"],
        "valid_until": day(30),
        "max_uses": 3,
    },
    "HandedIn": {"token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"},
    "ScreenedIn": {**_SUBJECT, "name": "样某甲"},
    "EligibilityIn": {"subject": _SUBJECT, "years": 3},
    "FeedbackIn": {"outcome": "not_executed", "reason": "办理程序此前已终止", "officer": "W-17"},
    "CaseIn": {"kind": "objection", "record": _RECORD, "statement": "该处罚决定已被撤销，请予更正。"},
    "ActionIn": {"action": "refuse", "reason": "经核查，记录内容属实。"},
    "PublicSearch": {"name": "示例市", "limit": 10},
    "WithdrawIn": {"basis": "示信用办〔2026〕1号", "effective": None},
    "SignedText": {"signed": "{}", "signature": "c2lnbmF0dXJl"},
    "LoadIn": {"folder": None},
    "ClockIn": {"offset_days": 0},
    "PeerIn": {
        "code": "village",
        "name": "Credit Platform of Example Village",
        "name_zh": "示例村公共信用信息平台",
        "kind": "node",
        "uscc": "12990000000000792H",
        "keys": [
            {"id": "node-1", "use": "node", "alg": "ed25519", "public": "y9d/s/F6h0ti2NVYQRgwyxEwkaIyxC1HCSZbt7hVb+8="},
            {"id": "feed-1", "use": "feed", "alg": "x25519", "public": "Mfm4wMp6Q0F8m8FKsOFKvKg4Zc9ZeIVqWurczLM+zkw="},
        ],
        "url": "http://127.0.0.1:9",
        "place": "below",
        "sends_for": ["village"],
    },
    "OwnRowIn": {
        "name": "Credit Platform of Example City",
        "name_zh": "示例市公共信用信息平台",
        "uscc": "129900000000000865",
    },
    "ToCompareIn": {
        "said": [
            {"peer": "village", "record": _RECORD, "saying": "waits", "index": 7, "rev": 1, "change": "accepted"},
        ]
    },
    "SetAsideBody": {"head": "156-9f3a01bc22d4e6f8"},
    "RecordsIn": {"records": [_RECORD]},
    "ErasureIn": {"person": _SUBJECT, "ground": "order", "basis": "（2026）示01行终8号", "officer": "Reviewer Lan"},
    "PartyKey": {
        "kind": "department",
        "party": "market_regulation",
        "scopes": ["records:submit"],
        "items": ["administrative_penalty"],
        "label": "nightly-import",
    },
    "OfficerToken": {
        "kind": "department",
        "party": "market_regulation",
        "officer": "Officer Qin",
        "scopes": ["reviews:decide"],
    },
}
