"""What is wrong with a row as it is read: the file, its columns, its fields."""

from creditmesh.schemas.reasons.text import Reason

ROWS: dict[str, Reason] = {
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
        "The row cannot be read as one record. In a table, check its quotation marks, line breaks and the number of "
        "its cells (none stands behind the last named column); in NDJSON every line is one object: an array, or an "
        "object over several lines, is application/json.",
        "该行无法解析为一条记录。表格请检查引号、换行和单元格数量（最后一个有名称的列之后不得有内容）；"
        "NDJSON 每行须为一个对象：数组或跨行的对象请以 application/json 报送。",
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
    "hidden_cells": Reason(
        "Rows or columns of the sheet are hidden; they were read as all others.",
        "工作表中有隐藏的行或列；已与其他行列一并读取。",
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
    "field_required": Reason("Required here: {name}; fill it in.", "此处缺少{name_zh}；请填写。"),
    "unknown_field": Reason(
        "Column or name {place} is none of the item's; remove it or use the item's template.",
        "第 {place} 列（或第 {place} 个字段）不属于该目录条目；请删除或使用目录模板。",
    ),
    "duplicate_field": Reason("The field is given more than once; keep one.", "该字段重复；请只保留一个。"),
    "bad_type": Reason("{name} must be text; send it as a string.", "{name_zh}应为文本；请以字符串报送。"),
    "bad_code": Reason(
        "{name}: not a value of the code set {code_set}; use one of {values}.{nearest}",
        "{name_zh}不在代码集 {code_set} 内；请使用：{values_zh}。{nearest_zh}",
    ),
    "bad_date": Reason("{name} is not a date; write YYYY-MM-DD.", "{name_zh}不是有效日期；请按 YYYY-MM-DD 填写。"),
    "bad_end_date": Reason(
        "{name} is not a date; write YYYY-MM-DD, or 2099-12-31 where there is no end.",
        "{name_zh}不是有效日期；请按 YYYY-MM-DD 填写，长期有效的填 2099-12-31。",
    ),
    "bad_decimal": Reason(
        "{name} is not an amount of at most {digits} digits, {scale} of them decimals; write it in digits{unit} with a "
        "point before the decimals, as 0.5 or 1500 (not 1,5 and not 1.5E+3), or leave it empty where there is none.",
        "{name_zh}应为不超过 {digits} 位、小数不超过 {scale} 位的数值；请填写数字{unit}，小数点用“.”，"
        "如 0.5、1500（不用 1,5 或 1.5E+3），没有的请留空。",
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
        "{name_zh}疑似占位文字，或部分被隐去的名称（某、*）；如是，请按原始文书填写完整名称；确为真实名称的无需更改。该行转为待审核。",
    ),
    "unreadable_character": Reason(
        "{name} has a character that cannot be stored, one that a conversion lost, or Chinese that was read in a wrong "
        "encoding; write it as it was before.",
        "{name_zh}含有无法保存的字符、转码时丢失的字符，或以错误编码读出的中文（如 Ê¾Àý、æ–‡å­—）；请按原文填写。",
    ),
}
