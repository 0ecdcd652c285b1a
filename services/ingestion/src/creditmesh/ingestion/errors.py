"""The refusals that are ingestion's own."""

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid, Malformed, NotFound, TooLarge
from creditmesh.schemas.rules.asked import UNIDENTIFIED


class UnknownItem(NotFound):
    """404: the catalogue has no such item in force today."""

    code = "unknown_item"
    title = "The catalogue has no such item in force"
    title_zh = "目录中没有生效的该条目"


class UnconfirmedItem(Conflict):
    """409: nobody has confirmed the item yet, so nothing of it is collected on a real node."""

    code = "unconfirmed_item"
    title = "Nobody has confirmed this item: it is not collected yet"
    title_zh = "该目录条目尚未核实，暂不归集"


class NotAuthorised(Forbidden):
    """403: the party, or this credential of it, may not submit the item."""

    code = "not_authorised"
    title = "Your party may not submit this item"
    title_zh = "贵单位无权报送该目录条目"


class NotYours(NotFound):
    """404, word for word as if there were none: somebody else's. The attempt is kept for the person it concerns."""

    keep = True


class OutsideCredential(NotAuthorised):
    """403: the party may, this credential of it may not. The attempt is kept for the person it concerns."""

    keep = True

    def __init__(self) -> None:
        super().__init__(
            "This credential is limited to other items; use another one.", "该凭证仅限其他条目；请更换凭证。"
        )


class OfficerNeeded(Forbidden):
    """403: a decision that a named person must answer for."""

    code = "officer_needed"
    title = "A named officer must do this"
    title_zh = "须由具名工作人员办理"


class OfficeNeeded(Forbidden):
    """403: whose a record is, or whether it is one that was deleted: no decision of its party's own."""

    code = "office_needed"
    title = "Another party has this record, or it may have been deleted"
    title_zh = "该记录由另一单位报送，或可能已被删除"


class RowRefused(Invalid):
    """422: the one row of the request is refused; `errors` has the reasons."""

    code = "refused"
    title = "The row is refused"
    title_zh = "该行被拒绝"


class RowTooLarge(TooLarge):
    """413: one record is larger than an event may be."""

    code = "row_too_large"
    title = "The record is too large"
    title_zh = "单条记录过大"


class NoRows(Malformed):
    """400: the body has no row at all."""

    code = "no_rows"
    title = "The body has no rows"
    title_zh = "正文没有任何数据行"


class ChunkDiffers(Invalid):
    """422: a submission is sent again, but its rows are other ones."""

    code = "chunk_differs"
    title = "This Idempotency-Key belongs to a submission with other rows"
    title_zh = "该 Idempotency-Key 对应的报送内容与此次不同"


class RecordClosed(Conflict):
    """409: the record was withdrawn, repaired or erased."""

    code = "record_closed"
    title = "The record is withdrawn, repaired or erased"
    title_zh = "该记录已撤销、修复或依法删除"


class ReopeningUnfounded(Invalid):
    """422: a withdrawn record is opened again for a stated reason and on a basis."""

    code = "reopening_unfounded"
    title = "A withdrawn record is opened again only with its reason and basis"
    title_zh = "恢复已撤销的记录须说明理由和依据"


class NothingToReinstate(Conflict):
    """409: no record of this decision was deleted."""

    code = "nothing_to_reinstate"
    title = "No record of this decision was deleted"
    title_zh = "该决定没有已删除的记录"


class NotTheOrigin(Conflict):
    """409: this node holds a copy; only the origin changes a record. The attempt is kept for the person it concerns."""

    keep = True
    code = "not_the_origin"
    title = "Only the node of origin changes this record"
    title_zh = "该记录只能由来源节点更改"


class NaturalKeyChanged(Invalid):
    """422: other subject, issuing body or document number: another record."""

    code = "natural_key_changed"
    title = "Another subject, issuing body or document number is another record"
    title_zh = "主体、决定机关或文书号不同即为另一条记录"


class AlreadyDecided(Conflict):
    """409: an officer has decided this review, or nobody did while it could be."""

    code = "already_decided"
    title = "This review is to be decided no more"
    title_zh = "该待审核行已办结"


class Overtaken(Conflict):
    """409: the record has changed since this row was held; releasing it would roll the record back."""

    code = "overtaken"
    title = "The record has changed since this row was held"
    title_zh = "该行待审核期间记录已变更"


class BadDocument(Invalid):
    """422: the document does not identify a subject of that kind."""

    code = "bad_document"
    title = "The document does not identify such a subject"
    title_zh = "该证件无法识别此类主体"
    remedy = "Correct what `errors` names: the number, its type, or the kind of subject."
    remedy_zh = "请更正 `errors` 所列的号码、证件类型或主体类别。"
    says = UNIDENTIFIED
