"""The refusals that are repair's own. Those with `keep` are accesses: their log line is committed before the answer."""

from creditmesh.chassis.errors import Conflict, Forbidden, Invalid, NotFound, UnsupportedMedia


class NotYours(NotFound):
    """404, word for word as if there were none: somebody else's. The attempt is kept for the person it concerns."""

    keep = True


class OutsideCredential(Forbidden):
    """403: the party may, this credential of it may not. The attempt is kept for the person it concerns."""

    code = "outside_credential"
    title = "This credential is limited to other items"
    title_zh = "该凭证仅限其他条目"
    keep = True

    def __init__(self) -> None:
        super().__init__("Use a credential that covers the record's item.", "请使用覆盖该记录条目的凭证。")


class NotTheOrigin(Conflict):
    """409: this node holds a copy; a case is filed where the record was made."""

    code = "not_the_origin"
    title = "Only the node of origin changes this record"
    title_zh = "该记录只能由来源节点更改"


class RecordNotShown(Conflict):
    """409: the record has ended, or is shown no more."""

    code = "record_not_shown"
    title = "The record is not shown any more"
    title_zh = "该记录已不再公示或共享"


class CaseOpen(Conflict):
    """409: one case of a kind at a time on a record."""

    code = "case_open"
    title = "There is an open case of this kind on the record"
    title_zh = "该记录已有同类未结案件"


class NoProcedure(Conflict):
    """409: the catalogue has no procedure for this kind of case."""

    code = "no_procedure"
    title = "The catalogue has no procedure for this kind of case"
    title_zh = "目录中没有此类案件的办理程序"


class NotRepairable(Invalid):
    """422: the catalogue says that records of this item are not repaired."""

    code = "not_repairable"
    title = "Records of this item are not repaired"
    title_zh = "该类记录不适用信用修复"


class RepairBarred(Conflict):
    """409: a repair of theirs was obtained by false material, and for a time no other is taken."""

    code = "repair_barred"
    title = "A repair was obtained by false material; no other is taken yet"
    title_zh = "曾以虚假材料取得信用修复，限制期内不予受理"


class TooEarly(Invalid):
    """422: the minimum period has not been reached."""

    code = "too_early"
    title = "The minimum period has not been reached"
    title_zh = "尚未达到最短公示期"
    remedy = "Apply again from the day on that the answer names."
    remedy_zh = "请自应答所示日期起重新申请。"


class NotTheBody(Forbidden):
    """403: who made the record decides (谁认定、谁修复)."""

    code = "not_the_body"
    title = "The body that made the record decides this"
    title_zh = "由认定该记录的单位办理"


class NotTheOffice(Forbidden):
    """403: the credit office decides appeals."""

    code = "not_the_office"
    title = "The credit office decides appeals"
    title_zh = "复核决定由信用工作机构作出"


class NotTheSubject(Forbidden):
    """403: only the subject takes this step."""

    code = "not_the_subject"
    title = "Only the subject of the case may do this"
    title_zh = "仅案件当事人可以办理"


class NotForTheSubject(Forbidden):
    """403: a step of who decides, not of the subject."""

    code = "not_for_the_subject"
    title = "This step is taken by who decides the case"
    title_zh = "该步骤由办理单位作出"


class OfficerNeeded(Forbidden):
    """403: a decision that a named person must answer for."""

    code = "officer_needed"
    title = "A named officer must do this"
    title_zh = "须由具名工作人员办理"


class WrongState(Conflict):
    """409: the case does not stand where this step begins."""

    code = "wrong_state"
    title = "The case does not stand where this step begins"
    title_zh = "案件当前状态不适用该步骤"


class ReturnedBefore(Conflict):
    """409: what is missing is listed once, all of it."""

    code = "returned_before"
    title = "What is missing was listed once already"
    title_zh = "已一次性告知补正内容"


class AppealOver(Conflict):
    """409: the time for an appeal is over, or there is none."""

    code = "appeal_over"
    title = "The refusal cannot be appealed any more"
    title_zh = "已无法申请复核"


class NothingToRevoke(Conflict):
    """409: what the case brought about did not end the record, or is not what it stands ended by."""

    code = "nothing_to_revoke"
    title = "The record does not stand ended by this case"
    title_zh = "该记录并非因本案件而终止"


class DocumentsMissing(Invalid):
    """422: documents that the step needs are not in the case; `errors` names each."""

    code = "documents_missing"
    title = "Documents are missing"
    title_zh = "缺少材料"


class StepIncomplete(Invalid):
    """422: the step does not say what it must, or says what it cannot; `errors` names each field."""

    code = "step_incomplete"
    title = "The step does not say what it must"
    title_zh = "办理内容不完整或不适用"


class NotCorrected(Invalid):
    """422: the body says that it has corrected the record, and has not."""

    code = "not_corrected"
    title = "The record was not corrected since the case was filed"
    title_zh = "提出异议后该记录未作更正"


class WrongMedia(UnsupportedMedia):
    """415: evidence is PDF, PNG or JPEG, and says truly which."""

    code = "wrong_media"
    title = "Evidence is PDF, PNG or JPEG, under its own content type"
    title_zh = "材料须为 PDF、PNG 或 JPEG，且与声明的类型一致"


class EvidenceDiffers(Conflict):
    """409: the same document is there as another kind, or there are as many as there may be."""

    code = "evidence_differs"
    title = "The document cannot be added"
    title_zh = "无法添加该材料"


class NoCertificate(NotFound):
    """404: the case has not changed the record."""

    code = "no_certificate"
    title = "The case has not changed the record"
    title_zh = "该案件尚未使记录发生变更"
