"""What the matching service refuses. Those with `keep` are accesses: their log is committed before the answer."""

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid


class NoGround(Forbidden):
    """A department asked without a lawful ground: matter, duty, purpose or officer."""

    code = "no_ground"
    title = "No lawful ground for this query"
    title_zh = "本次查询缺少合法依据"
    keep = True


class UnusableIdentity(Invalid):
    """The subject's document cannot be read as one."""

    code = "unusable_identity"
    title = "The subject's document is not usable"
    title_zh = "信用主体证件无法识别"


class NotToBeAnswered(Conflict):
    """The task does not stand so that this could be its answer."""

    code = "not_to_be_answered"
    title = "The task cannot be answered so now"
    title_zh = "该任务当前不能作此反馈"


class AnsweredMeanwhile(Conflict):
    """Somebody else of the party answered the task while this answer was under way."""

    code = "answered_meanwhile"
    title = "The task was answered by somebody else at the same time"
    title_zh = "该任务已同时由他人反馈"
