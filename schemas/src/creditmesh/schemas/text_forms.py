"""What a pattern of a model asks of a text, in words: who sent it reads no regular expression."""

from collections.abc import Mapping

from creditmesh.schemas.texts import LINES, PRINTED, STORABLE

_NODE = (
    "a node's code: 2 to 16 small letters and digits, a letter first",
    "节点代码：2 至 16 位小写字母或数字，字母开头",
)
_CODE = (
    "a code of the catalogue as market_regulation, no unified social credit code: 2 to 64 small letters, digits, `_.-`",
    "目录代码，如 market_regulation：2 至 64 位小写字母、数字、`_.-`，字母开头（不是统一社会信用代码）",
)
_HASH = ("a SHA-256 in hexadecimal: 64 digits or small letters a to f", "十六进制 SHA-256：64 位数字或小写字母 a 至 f")
_NEXT = ("`next` of the page before, as it was given", "上一页给出的 next 原值")
_PRINTED = ("characters that can be printed, in one line", "可打印字符，且为一行")

FORMS: Mapping[str, tuple[str, str]] = {
    r"^[a-z][a-z0-9]{1,15}$": _NODE,
    r"^[a-z][a-z0-9_.-]{1,63}$": _CODE,
    r"^[0-9A-HJ-NP-RTUWXY]{18}$": (
        "a unified social credit code: 18 digits and capital letters, without I, O, S, V and Z",
        "统一社会信用代码：18 位数字或大写字母，不含 I、O、S、V、Z",
    ),
    r"^(up|down|down-[a-z][a-z0-9]{1,15})$": ("a feed: up, down, or down-NODE", "日志：up、down 或 down-节点代码"),
    r"^[A-Z][A-Z0-9_]{0,40}$": (
        "a field's code: capital letters, digits and `_`, a letter first",
        "字段代码：大写字母、数字、`_`，字母开头",
    ),
    r"^[a-z][a-z0-9]{1,15}/query$": ("who signs at a node: NODE/query", "签署方：节点代码/query"),
    r"^[0-9A-Za-z_-]{1,64}$": ("a handle: up to 64 letters, digits, `_`, `-`", "标识：至多 64 位字母、数字、`_`、`-`"),
    r"^[a-z_]{1,64}$": ("a reason's code: small letters and `_`", "原因代码：小写字母、`_`"),
    r"^[a-z0-9][a-z0-9_-]{0,31}$": (
        "a label: up to 32 small letters, digits, `_`, `-`, no mark first",
        "标签：至多 32 位小写字母、数字、`_`、`-`，首位不得为符号",
    ),
    r"^[0-9A-Za-z]{12}$": (
        "a key's id, its third part: 12 letters and digits",
        "密钥编号（密钥第三段）：12 位字母或数字",
    ),
    r"^[0-9a-f]{64}$": _HASH,
    r"^[A-Za-z0-9+/]{43}=$": ("a public key of Ed25519: 32 bytes in base64", "Ed25519 公钥：32 字节的 base64"),
    r"^[A-Za-z0-9+/]*={0,2}$": ("base64 with the standard alphabet", "标准 base64"),
    r"^creditmesh/[a-z][a-z0-9]{1,15}/[a-z][a-z0-9-]{1,20}$": (
        "the origin of a feed: creditmesh/NODE/FEED",
        "日志来源：creditmesh/节点代码/日志名",
    ),
    r"^\d{1,5}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$": _NEXT,
    r"^[a-z0-9-]{1,40}/\d{1,16}$": _NEXT,
    PRINTED: _PRINTED,
    LINES: ("characters that can be printed; of others a tab and line breaks", "可打印字符；另可含制表符和换行"),
    STORABLE: ("no character NUL (\\u0000)", "不含 NUL 字符（\\u0000）"),
}
"""By pattern; a test says that none is without."""


def form_of(pattern: str) -> tuple[str, str]:
    """The form that the pattern asks for, in both languages; the pattern itself, of one that has no words."""
    return FORMS.get(pattern, (pattern, pattern))
