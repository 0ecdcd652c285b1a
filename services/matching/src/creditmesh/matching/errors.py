"""What the matching service refuses. Those with `keep` are accesses: their log is committed before the answer."""

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid, NotFound
from creditmesh.schemas.rules.asked import UNIDENTIFIED
from creditmesh.schemas.rules.grounds import TEXTS


class NoGround(Forbidden):
    """A department asked without a lawful ground: matter, duty, purpose or officer."""

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


class UnusableIdentity(Invalid):
    """The subject's document cannot be read as one."""

    code = "unusable_identity"
    title = "The subject's document is not usable"
    title_zh = "信用主体证件无法识别"
    remedy = "Correct what `errors` names: the number, its type, or the kind of subject."
    remedy_zh = "请更正 `errors` 所列的号码、证件类型或主体类别。"
    says = UNIDENTIFIED


class NotYours(NotFound):
    """Another party's task, or one that is no more: word for word as if there were none, and kept for the person."""

    keep = True


class OutsideCredential(Forbidden):
    """403: the task is the party's, and this credential of it is for other items. The attempt is kept."""

    code = "outside_credential"
    title = "This credential is limited to other items"
    title_zh = "该凭证仅限其他条目"
    keep = True

    def __init__(self) -> None:
        super().__init__("Use a credential that reaches the task's item.", "请使用覆盖该任务所属条目的凭证。")


class NotToBeAnswered(Conflict):
    """The task does not stand so that this could be its answer."""

    code = "not_to_be_answered"
    title = "The task cannot be answered so now"
    title_zh = "该任务当前不能作此反馈"
