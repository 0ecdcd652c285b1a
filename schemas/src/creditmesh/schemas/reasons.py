"""Every reason a row is held or refused for, or was found unchanged: a stable code and its text in both languages.

A text names the rule and the remedy, never a value of the row; `{...}` is filled with facts of the catalogue.
"""

from typing import NamedTuple

from creditmesh.schemas.problems import FieldError


class Reason(NamedTuple):
    """The text of one code in both languages."""

    detail: str
    detail_zh: str


REASONS: dict[str, Reason] = {
    # the file and the row
    "bad_encoding": Reason(
        "The row has characters that are not in the file's encoding; JSON is UTF-8, whatever is declared; export a "
        "table again in UTF-8, or declare the encoding that it has.",
        "该行含有不符合文件编码的字符；JSON 一律为 UTF-8；表格请重新导出为 UTF-8，或声明其实际编码。",
    ),
    "row_too_large": Reason("The row is larger than {limit} bytes; shorten it.", "该行超过 {limit} 字节；请缩短。"),
    "too_many_fields": Reason(
        "The row has more than {limit} names, braces and brackets; send one flat object of the item's fields.",
        "该行的字段名与括号合计超过 {limit} 个；请报送仅含该目录条目字段的单层对象。",
    ),
    "malformed_row": Reason(
        "The row cannot be read as one record. In a table, check its quotation marks, its line breaks and the number "
        "of its cells; in NDJSON every line is one object: an array, or an object over several lines, is "
        "application/json.",
        "该行无法解析为一条记录。表格请检查引号、换行和单元格数量；NDJSON 每行须为一个对象："
        "数组或跨行的对象请以 application/json 报送。",
    ),
    "header_again": Reason("The row is the header once more; remove it.", "该行重复了表头；请删除。"),
    # the columns of a file, the names of an object
    "too_many_columns": Reason(
        "The header has more than {limit} columns; use the item's template.", "表头超过 {limit} 列；请使用目录模板。"
    ),
    "extra_field": Reason(
        "Column or name {place} is none of the item's; it was not read.",
        "第 {place} 列（或第 {place} 个字段）不属于该目录条目；未读取。",
    ),
    "above_header": Reason(
        "Line {line} stands above the header; it was not read.", "第 {line} 行位于表头之上；未读取该行。"
    ),
    "misspelt_field": Reason(
        "Column or name {place} is nearly that of {name}, which is lacking, or has it and something beside it, such as "
        "another unit; write the name as in the item's template, or remove it with what stands under it.",
        "第 {place} 列（或第 {place} 个字段）的名称与所缺的{name_zh}仅差一字，或另含其他内容（如不同的单位）；"
        "请按目录模板填写名称，或将其连同内容删除。",
    ),
    "bad_header_name": Reason(
        "The name of column {place} is not in the file's encoding; export the file again in UTF-8.",
        "第 {place} 列的名称不符合文件编码；请重新导出为 UTF-8。",
    ),
    # the fields
    "field_required": Reason("{name} is required here; fill it in.", "此处缺少{name_zh}；请填写。"),
    "unknown_field": Reason(
        "Field {place} of the row is none of the item's; remove it or use the item's template.",
        "第 {place} 个字段不属于该目录条目；请删除或使用目录模板。",
    ),
    "duplicate_field": Reason("The field is given more than once; keep one.", "该字段重复；请只保留一个。"),
    "bad_type": Reason("{name} must be text; send it as a string.", "{name_zh}应为文本；请以字符串报送。"),
    "bad_code": Reason(
        "{name} is not a value of the code set {code_set}; use a listed value.{nearest}",
        "{name_zh}不在代码集 {code_set} 内；请使用所列代码值。{nearest_zh}",
    ),
    "bad_date": Reason("{name} is not a date; write YYYY-MM-DD.", "{name_zh}不是有效日期；请按 YYYY-MM-DD 填写。"),
    "bad_end_date": Reason(
        "{name} is not a date; write YYYY-MM-DD, or 2099-12-31 where there is no end.",
        "{name_zh}不是有效日期；请按 YYYY-MM-DD 填写，长期有效的填 2099-12-31。",
    ),
    "bad_decimal": Reason(
        "{name} is not an amount of at most {digits} digits, {scale} of them decimals; write it in digits{unit}, or "
        "leave it empty where there is none.",
        "{name_zh}应为不超过 {digits} 位、小数不超过 {scale} 位的数值；请填写数字{unit}，没有的请留空。",
    ),
    "too_long": Reason(
        "{name} is longer than {limit} characters; shorten it.", "{name_zh}超过 {limit} 个字符；请缩短。"
    ),
    "filler": Reason(
        "A word, a mark or a spreadsheet's error stands in place of {name}; write what it should say.",
        "{name_zh}填写的是占位文字、符号或表格软件的错误值；请填写实际内容。",
    ),
    "name_masked": Reason(
        "Characters of {name} are hidden; give the whole name, from the original document.",
        "{name_zh}中有被隐藏的字符；请按原始文书填写完整名称。",
    ),
    "name_doubtful": Reason(
        "{name} reads as a word in place of a name, or as a name hidden in part; if it is, give the "
        "whole name, from the original document. If it is the name, leave it: an officer will look at the row.",
        "{name_zh}疑似占位文字，或部分被隐去的名称（某、*）；如是，请按原始文书填写完整名称；确为真实名称的无需更改。该行转人工审核。",
    ),
    "unreadable_character": Reason(
        "{name} contains a character that cannot be stored, or what is left of one that a conversion lost; correct it.",
        "{name_zh}含有无法保存的字符，或转码时丢失的字符；请更正。",
    ),
    # the gate
    "kind_not_covered": Reason(
        "The item does not cover this kind of subject; correct the kind, or use an item that does.",
        "该目录条目不适用于此类信用主体；请更正类别或使用适用的条目。",
    ),
    "issuer_not_yours": Reason(
        "The issuing body is not one your party may submit for; use its own account.",
        "贵单位无权代该机关报送；请由该机关报送。",
    ),
    "decision_filler": Reason(
        "{name} is a filler or has hidden characters and cannot tell this record from others; give the whole number. A "
        "decision without one takes the number it is filed under; an optional field stays empty.",
        "{name_zh}为占位文字或含被隐藏的字符，不能区分不同记录；请填写完整编号。决定没有文书号的，请填写其案卷编号；非必填的请留空。",
    ),
    "source_not_yours": Reason(
        "The data source is neither the submitting party nor one of its sub-units; correct it.",
        "数据来源单位不是报送单位及其下属单位；请更正。",
    ),
    "retention_over": Reason(
        "It ended so long ago that the law has it deleted; do not send it.",
        "该记录终止已超过法定保存期限；请勿报送。",
    ),
    "basis_not_in_force": Reason(
        "The item's legal basis was not in force on the decision date; check the date, else it is not collected.",
        "作出决定之日该条目的法定依据未生效；请核对日期，否则不予归集。",
    ),
    "future_date": Reason("{name} lies after today; correct it.", "{name_zh}晚于今日；请更正。"),
    "dates_reversed": Reason(
        "{name} lies before the date it should follow; correct it.", "{name_zh}早于应在其前的日期；请更正。"
    ),
    "minor": Reason(
        "The subject was under 18 on the decision date, and minors are no subjects of credit records; do not send it.",
        "作出决定之日主体未满十八周岁，未成年人不属于信用主体；请勿报送。",
    ),
    "forbidden_attribute": Reason(
        "Field {place} of the row holds an attribute that the law forbids to collect; remove it.",
        "第 {place} 个字段属于法律禁止采集的信息；请删除。",
    ),
    "simple_procedure_person": Reason(
        "Penalties by simple procedure on natural persons are not collected; do not send them.",
        "对自然人适用简易程序的行政处罚不予归集；请勿报送。",
    ),
    "check_digit": Reason(
        "The check digit does not match; verify the number, an officer will look at the row.",
        "校验码不符；请核对号码，该行转人工审核。",
    ),
    "number_shape": Reason(
        "The number does not have the form of its document type; correct the number or the type.",
        "号码与证件类型的格式不符；请更正号码或证件类型。",
    ),
    "number_filler": Reason(
        "A word or a dash stands in place of the number; give the number.",
        "此处填写的是占位文字而非号码；请填写号码。",
    ),
    "number_masked": Reason(
        "Digits of the number are hidden; give the whole number, from the original document.",
        "号码中有被隐藏的位数；请按原始证件填写完整号码。",
    ),
    "number_computed": Reason(
        "A spreadsheet has turned the number into an amount and its digits are lost; format the column as text and "
        "enter the number anew.",
        "表格软件已将号码变为数值，部分数字已丢失；请将该列设为文本格式后重新填写。",
    ),
    "birth_date": Reason(
        "The number does not contain a possible birth date; an officer will look at the row.",
        "号码中的出生日期不存在；该行转人工审核。",
    ),
    "kind_number_mismatch": Reason(
        "The kind of subject and the number disagree; correct the one that is wrong.",
        "主体类别与号码不一致；请更正有误的一项。",
    ),
    "whole_code_needed": Reason(
        "Nine characters do not say who this is or of what kind; give the unified social credit code of 18.",
        "9 位组织机构代码不足以确定主体及其类别；请提供 18 位统一社会信用代码。",
    ),
    "doubtful_number": Reason(
        "Its check digit or birth date does not fit, and nobody is known here by this number; verify it. If it is "
        "right, an officer confirms it: POST /v1/subjects/confirmations.",
        "号码的校验码或出生日期不符，且本节点没有该号码的主体；请核对号码。如号码无误，"
        "请由工作人员确认：POST /v1/subjects/confirmations。",
    ),
    "placeholder_needs_registration": Reason(
        "A code of zeros, or of another character again and again, stands for a sole trader without one; give the "
        "registration number. Any other body gives its own code.",
        "全 0 或同一字符重复的代码仅表示个体工商户没有代码；请填写工商注册号。其他主体请填写其自身的代码。",
    ),
    "personal_number": Reason(
        "{name} is shown in clear and has what reads as a person's identity, mobile or bank card number; take it out. "
        "An officer will look at the row.",
        "{name_zh}以明文展示，其中疑似含有个人身份号码、手机号码或银行卡号；请删除。该行转人工审核。",
    ),
    "another_name": Reason(
        "The number belongs to somebody who stands under another name in your earlier rows; check that the number is "
        "this person's. An officer will look at the row.",
        "该号码在贵单位此前报送的数据中对应另一姓名；请核对号码是否属于此人。该行转人工审核。",
    ),
    "another_code": Reason(
        "This body stands under another code of 18 characters with the same organisation code (characters 9 to 17); "
        "check all 18 in its licence. An officer will look at the row, and releases it where the code was changed.",
        "该主体此前以另一统一社会信用代码入库，两者的主体标识码（第 9 至 17 位）相同；请按登记证照核对全部 18 位。"
        "该行转人工审核，代码确已变更的予以放行。",
    ),
    "name_changed": Reason(
        "The number stands under another name in your earlier rows; if the name was changed, nothing is to be done, "
        "else correct the row.",
        "该号码在贵单位此前报送的数据中对应另一名称；如系更名则无需处理，否则请更正该行。",
    ),
    "decision_day": Reason(
        "{name} reads as a day, a month or a count as a spreadsheet shows it; if it is one, give the number. "
        "If it is the number, leave it: an officer will look at the row.",
        "{name_zh}疑似日期、月份或表格软件显示的数值；如是，请填写文书号。确为文书号的无需更改，该行转人工审核。",
    ),
    "kind_doubtful": Reason(
        "What {name} says of another kind reads as a listed kind in other words, which may be more serious; give the "
        "listed kind. If it is none, leave it: an officer will look at the row.",
        "{name_zh}“其他”后的说明疑似已列明的种类（可能涉及更重的失信程度）；请填写已列明的种类，确非的无需更改。该行转人工审核。",
    ),
    "fine_unit": Reason(
        "The amount in the text differs from the field in 万元; an officer will look at the row.",
        "处罚内容中的金额与罚款金额（万元）不一致；该行转人工审核。",
    ),
    "fine_implausible": Reason(
        "{name} is above {maximum}; an officer will look at the row.", "{name_zh}超过 {maximum}；该行转人工审核。"
    ),
    # the record
    "same": Reason(
        "The record is already stored with this content; nothing to do.", "该记录内容与已存内容相同；无需处理。"
    ),
    "superseded": Reason(
        "This is an earlier content of the record; a later one stands.", "该内容为记录的历史版本；现以较新版本为准。"
    ),
    "repeated": Reason(
        "The same row occurs earlier in this submission; send it once.", "本次报送中已有相同的行；只需报送一次。"
    ),
    "review_refused": Reason(
        "An officer has refused exactly this row; correct it and send it again.",
        "工作人员已拒绝该行；请更正后重新报送。",
    ),
    "record_closed": Reason(
        "The record is withdrawn or repaired; a withdrawn one is opened by an officer's correction with If-Match, "
        "`reason: reopened` and a `basis`, one that a case ended only in that case, where its approval is revoked.",
        "该记录已撤销或已修复；已撤销的由工作人员以带 If-Match、`reason: reopened` 和 `basis` 的更正恢复，"
        "因案件终止的仅可在该案件中撤销准予决定以恢复。",
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
        "该决定的记录此前已撤销并删除；请备妥恢复该决定效力的文书。该行及其依据转信用工作机构人工审核。",
    ),
    "decision_day_moved": Reason(
        "{name} differs from that of the stored record of this decision, and with it the days on which its display and "
        "other periods end; check it in the document. An officer will look at the row.",
        "{name_zh}与该决定已存记录不同，其公示期等各项期限随之变动；请按决定书核对。该行转人工审核。",
    ),
    "perhaps_deleted": Reason(
        "A record of this decision had ended and was deleted, and nothing tells whether it was this one; if it was, do "
        "not send the row. An officer of the credit office will look at it.",
        "该决定名下曾有记录终止并在保存期满后删除，已无法判断是否即为本条；如为本条请勿报送。该行转信用工作机构人工审核。",
    ),
    "another_partys_record": Reason(
        "Another party has the record of this decision; agree who sends it. An officer of the credit office will look "
        "at the row.",
        "该决定的记录由另一单位报送；请双方商定由谁报送。该行转信用工作机构人工审核。",
    ),
    # an entry of a peer's feed
    "unreadable_entry": Reason(
        "The entry cannot be read; the origin's exchange must be looked at.", "该条目无法读取；请检查来源节点的交换。"
    ),
    "newer_version": Reason(
        "This node's version has no word for what the entry says; it waits until the node is upgraded.",
        "本节点当前版本不识别该条目的内容；待节点升级后处理。",
    ),
    "not_judged": Reason(
        "This node's version cannot judge the entry; it waits until the node is started anew or upgraded.",
        "本节点当前版本无法判定该条目；节点重新启动或升级后再次处理。",
    ),
    "contradictory_entry": Reason(
        "What the entry says of itself differs from its fields; the origin must send a corrected revision.",
        "条目元数据与其字段不一致；请来源节点发送更正版本。",
    ),
    "content_gone": Reason(
        "The entry comes without its content, so nothing can be applied; send the record again as it is now.",
        "该条目未附内容，无法适用；请重新报送该记录的现行内容。",
    ),
    "sealed_for_others": Reason(
        "The entry is sealed under a key that was not wrapped to this node; the sender must wrap its key anew.",
        "该条目的密钥未封装给本节点；请发送方重新封装密钥。",
    ),
    "peer_not_enrolled": Reason(
        "The sender is not an enrolled node below this one; publish its party first.",
        "发送方不是本节点已登记的下级节点；请先发布其参与方信息。",
    ),
    "origin_not_allowed": Reason(
        "The sender may not send records of this origin; name the origin on the sender's party.",
        "发送方无权发送该来源节点的记录；请在其参与方信息中列明该来源。",
    ),
    "unknown_item": Reason(
        "The item is not in force in this node's catalogue; publish it here before it is sent.",
        "本节点目录中没有生效的该条目；请先在本节点发布。",
    ),
    "item_not_shared": Reason(
        "The item is not shared upwards by this node's catalogue; do not send its records.",
        "按本节点目录，该条目不向上共享；请勿发送其记录。",
    ),
    "period_too_long": Reason(
        "The record would be shown longer or earlier than this node's catalogue allows; shorten its period.",
        "公示期超出本节点目录允许的期限；请缩短。",
    ),
    "another_record": Reason(
        "This node holds another record under this id or this decision; the origin must look at both.",
        "本节点在该编号或该决定下已有另一条记录；请来源节点核对。",
    ),
    "subject_erased": Reason(
        "Somebody this is about was erased here; nothing can be stored of them.",
        "所涉主体在本节点已被删除；不再保存其信息。",
    ),
}


def reason(code: str, pointer: str = "", **facts: str | int) -> FieldError:
    """The reason of that code at a field (a JSON Pointer; empty: the whole row). KeyError: an unknown code or fact."""
    text = REASONS[code]
    if not facts:
        return FieldError(pointer=pointer, code=code, detail=text.detail, detail_zh=text.detail_zh)
    return FieldError(
        pointer=pointer, code=code, detail=text.detail.format(**facts), detail_zh=text.detail_zh.format(**facts)
    )
