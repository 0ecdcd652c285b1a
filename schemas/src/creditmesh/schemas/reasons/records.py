"""What a row comes to beside the record that is stored, or that was."""

from creditmesh.schemas.reasons.text import Reason

RECORDS: dict[str, Reason] = {
    "same": Reason(
        "The record is already stored with this content; nothing to do.", "该记录内容与已存内容相同；无需处理。"
    ),
    "superseded": Reason(
        "This is an earlier content of the record; a later one stands, and files do not go back. To go back to it, "
        "correct the record with If-Match.",
        "该内容为记录的历史版本；现以较新版本为准，文件报送不会恢复历史内容。如确需恢复，请以带 If-Match 的更正办理。",
    ),
    "record_ended": Reason(
        "The record says this and has been withdrawn, repaired or erased since; it stays so. Leave the row out of the "
        "export. A withdrawn record alone is opened again, by an officer's correction with If-Match, "
        "`reason: reopened` and a `basis`; one that was erased by nothing.",
        "该记录此前即为此内容，现已撤销、修复或依法删除，维持现状；请在导出时剔除该行。"
        "仅已撤销的可由工作人员以带 If-Match、`reason: reopened` 和 `basis` 的更正恢复；已依法删除的不得恢复。",
    ),
    "repeated": Reason(
        "The same row occurs earlier in this submission; send it once.", "本次报送中已有相同的行；只需报送一次。"
    ),
    "review_refused": Reason(
        "An officer has refused exactly this row; correct it and send it again.",
        "工作人员已拒绝该行；请更正后重新报送。",
    ),
    "record_closed": Reason(
        "The record is withdrawn, repaired or erased; a withdrawn one is opened by an officer's correction with "
        "If-Match, `reason: reopened` and a `basis`, one that a case ended only in that case, where its approval is "
        "revoked, one that was erased by nothing.",
        "该记录已撤销、修复或依法删除；已撤销的由工作人员以带 If-Match、`reason: reopened` 和 `basis` 的更正恢复，"
        "因案件终止的仅可在该案件中撤销准予决定以恢复，已依法删除的不得恢复。",
    ),
    "record_deleted": Reason(
        "The record of this decision had ended and was deleted after its term. Do not send it; a new decision is sent "
        "under its own number. If it had been withdrawn and the decision was restored since, an officer sends it to "
        "`reinstatements` of the item, with the document that restored it as `basis`.",
        "该决定的记录已终止，并已在保存期满后删除；请勿报送。新的决定请以其自身的文书号报送。如记录此前系撤销、"
        "而该决定已依其他文书恢复效力，由工作人员通过该条目的 `reinstatements` 接口办理，并将该文书填入 `basis`。",
    ),
    "reinstated": Reason(
        "The record of this decision had been withdrawn and was deleted; have the document ready that restored the "
        "decision. An officer of the credit office will look at the row and the document.",
        "该决定的记录此前已撤销并删除；请备妥恢复该决定效力的文书。该行及其依据由信用工作机构审核。",
    ),
    "decision_day_moved": Reason(
        "{name} differs from that of the stored record of this decision, and with it the days on which its display and "
        "other periods end; check it in the document. An officer will look at the row.",
        "{name_zh}与该决定已存记录不同，其公示期等各项期限随之变动；请按决定书核对。该行转为待审核。",
    ),
    "perhaps_deleted": Reason(
        "A record of this decision had ended and was deleted, and nothing tells whether it was this one; if it was, do "
        "not send the row. An officer of the credit office will look at it.",
        "该决定名下曾有记录终止并在保存期满后删除，已无法判断是否即为本条；如为本条请勿报送。该行由信用工作机构审核。",
    ),
    "another_partys_record": Reason(
        "Another party has the record of this decision; agree who sends it. An officer of the credit office will look "
        "at the row.",
        "该决定的记录由另一单位报送；请双方商定由谁报送。该行由信用工作机构审核。",
    ),
}
