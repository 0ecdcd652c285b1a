"""What the gate finds in a row that could be read: what the law, the catalogue or the numbers do not allow."""

from creditmesh.schemas.reasons.text import Reason

GATE: dict[str, Reason] = {
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
        "Column or name {place} is an attribute that the law forbids to collect; remove it with what stands under it.",
        "第 {place} 列（或第 {place} 个字段）属于法律禁止采集的信息；请连同其内容删除。",
    ),
    "simple_procedure_person": Reason(
        "Penalties by simple procedure on natural persons are not collected; do not send them.",
        "对自然人适用简易程序的行政处罚不予归集；请勿报送。",
    ),
    "check_digit": Reason(
        "The check digit does not match; verify the number, an officer will look at the row.",
        "校验码不符；请核对号码，该行转为待审核。",
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
        "号码中的出生日期不存在；该行转为待审核。",
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
        "An officer will look at the row; also when it is released the public sees stars in its place. Where it is no "
        "such number, write it so that it does not read as one.",
        "{name_zh}以明文展示，其中疑似含有个人身份号码、手机号码或银行卡号；请删除。该行转为待审核；"
        "即使审核通过，公众看到的也是星号。如并非此类号码，请换一种不致误读的写法。",
    ),
    "another_name": Reason(
        "The number belongs to somebody who stands under another name in your earlier rows; check that the number is "
        "this person's. An officer will look at the row.",
        "该号码在贵单位此前报送的数据中对应另一姓名；请核对号码是否属于此人。该行转为待审核。",
    ),
    "another_code": Reason(
        "This body stands under another code of 18 characters with the same organisation code (characters 9 to 17); "
        "check all 18 in its licence. An officer will look at the row, and releases it where the code was changed.",
        "该主体此前以另一统一社会信用代码入库，两者的主体标识码（第 9 至 17 位）相同；请按登记证照核对全部 18 位。"
        "该行转为待审核，代码确已变更的予以审核通过。",
    ),
    "name_changed": Reason(
        "The number stands under another name in your earlier rows; if the name was changed, nothing is to be done, "
        "else correct the row.",
        "该号码在贵单位此前报送的数据中对应另一名称；如系更名则无需处理，否则请更正该行。",
    ),
    "decision_day": Reason(
        "{name} reads as a day, a month or a count as a spreadsheet shows it; if it is one, give the number. "
        "If it is the number, leave it: an officer will look at the row.",
        "{name_zh}疑似日期、月份或表格软件显示的数值；如是，请填写文书号。确为文书号的无需更改，该行转为待审核。",
    ),
    "kind_doubtful": Reason(
        "What {name} says of another kind reads as a listed kind in other words, which may be more serious; give the "
        "listed kind. If it is none, leave it: an officer will look at the row.",
        "{name_zh}“其他”后的说明疑似已列明的种类（可能涉及更重的失信程度）；请填写已列明的种类，确非的无需更改。该行转为待审核。",
    ),
    "fine_unit": Reason(
        "The amount in the text differs from the field in 万元; an officer will look at the row.",
        "处罚内容中的金额与罚款金额（万元）不一致；该行转为待审核。",
    ),
    "fine_implausible": Reason(
        "{name} is above {maximum}; an officer will look at the row.", "{name_zh}超过 {maximum}；该行转为待审核。"
    ),
}
