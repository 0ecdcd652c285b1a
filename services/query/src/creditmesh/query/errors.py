"""What the query service refuses. Those with `keep` are accesses: their log line is committed before the answer."""

from collections.abc import Sequence

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid, NotFound
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.asked import UNIDENTIFIED
from creditmesh.schemas.rules.grounds import TEXTS


class NoGround(Forbidden):
    """A department asked without a lawful ground: matter, duty, purpose; or anybody without an officer."""

    code = "no_ground"
    title = "No lawful ground for this query"
    title_zh = "本次查询缺少合法依据"
    remedy = (
        "Name the purpose, the matter and who asks; the matter must be of one of your party's duties "
        "(GET /v1/catalogue/matters)."
    )
    remedy_zh = "请写明用途、事项和工作人员；事项须属于贵单位的职责（见 GET /v1/catalogue/matters）。"
    says = tuple(TEXTS.values())
    keep = True


class NoAuthorisation(Forbidden):
    """A bureau asked without an authorisation that holds: one body for unknown, another's, ended, revoked, used up."""

    code = "no_authorisation"
    title = "No authorisation of the subject covers this query"
    title_zh = "没有覆盖本次查询的信用主体授权"
    keep = True

    def __init__(self) -> None:
        super().__init__(
            "Name an authorisation that the subject gave you for this purpose and that holds today; the state of your "
            "own is at /v1/authorisations/{id}.",
            "请提供信用主体为该用途授予贵单位且今日有效的授权；贵单位所持授权的状态见 /v1/authorisations/{id}。",
        )


class ItemNotAuthorised(Invalid):
    """An item that the caller's own authorisation does not name, or that the catalogue does not have: a slip."""

    code = "item_not_authorised"
    title = "The authorisation does not name such an item"
    title_zh = "授权不包含该目录条目"
    keep = True

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(
            "Correct the items that errors names; nothing was looked at, and the authorisation has as many uses as"
            " before.",
            "请更正 errors 所列的条目；未查询任何信息，未计使用次数。",
            errors=errors,
        )


class ReplayOver(Conflict):
    """The answer under this Idempotency-Key was given more than a day ago."""

    code = "replay_over"
    title = "The answer under this Idempotency-Key is repeated no more"
    title_zh = "该 Idempotency-Key 对应的答复不再重复提供"
    keep = True

    def __init__(self) -> None:
        super().__init__(
            "An answer is repeated for a day. Ask anew under another key; under an authorisation that is one more use.",
            "答复仅在一日内可重复获取。请使用新的键重新查询；依授权查询将计一次使用。",
        )


class NotYours(NotFound):
    """Somebody else's: word for word as if there were none, and kept for the person who gave it."""

    keep = True


class UnusableIdentity(Invalid):
    """The subject's document cannot be read as one."""

    code = "unusable_identity"
    title = "The subject's document is not usable"
    title_zh = "信用主体证件无法识别"
    remedy = "Correct what `errors` names: the number, its type, or the kind of subject."
    remedy_zh = "请更正 `errors` 所列的号码、证件类型或主体类别。"
    says = UNIDENTIFIED


class NotAnAuthorisation(Invalid):
    """What a subject wants to permit is not possible: bureau, purpose, items or days."""

    code = "authorisation_not_possible"
    title = "This cannot be authorised"
    title_zh = "无法作出该授权"
