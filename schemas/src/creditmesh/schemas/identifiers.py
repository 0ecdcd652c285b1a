"""Constrained types for the identifiers that cross a boundary."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import StringConstraints

NodeCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
"""A node's code: it stands in topic names, checkpoint origins, receipts, issuers and key prefixes."""

Tier = Literal["city", "province", "nation"]
"""层级: a node's place in the chain."""
RANK: Mapping[str, int] = {tier: place for place, tier in enumerate(get_args(Tier))}
"""The tiers from the lowest up."""

FeedName = Annotated[str, StringConstraints(pattern=r"^(up|down|down-[a-z][a-z0-9]{1,15})$")]
"""A feed of a node: `up` for who is above, `down` for everybody below, `down-<node>` for one of them."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{1,63}$")]
"""A code of the catalogue: an item, a list, a measure, a matter, a purpose, a party, a code set."""

Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}$")]
"""统一社会信用代码 (GB 32100-2015), 18 characters; the check digit is judged by `rules.identity`, not here."""

SubjectKind = Literal["natural_person", "organisation", "sole_trader"]
"""信用主体类别: 自然人, 法人及非法人组织, 个体工商户."""

DocumentType = Literal[
    "resident_id",  # 居民身份证 (GB 11643-1999)
    "passport",
    "hk_macao_permit",  # 港澳居民来往内地通行证
    "taiwan_permit",  # 台湾居民来往大陆通行证
    "foreign_resident_id",  # 外国人永久居留身份证
    "residence_permit",  # 港澳台居民居住证
    "household_register",  # 居民户口簿
    "officer_card",  # 军官证
    "soldier_card",  # 士兵证
    "uscc",  # 统一社会信用代码
    "registration",  # 工商注册号, where a sole trader has no USCC
]
"""The kinds of document that identify a subject."""
