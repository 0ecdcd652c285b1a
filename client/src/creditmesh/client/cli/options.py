"""The options of the commands, each with its help in both languages."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import typer

from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.variables import Variable

File = Annotated[Path, typer.Argument(help="CSV（UTF-8、GB18030）、NDJSON 或 JSON 文件。The file.", show_default=False)]
Item = Annotated[
    str | None,
    typer.Option(help="目录条目代码；不填则按表头查找。Code of the catalogue item; found from the header if not said."),
]
NodeUrl = Annotated[str | None, typer.Option("--node", envvar=Variable.URL, help="节点地址。Address of the node.")]
Key = Annotated[
    str | None,
    typer.Option(
        envvar=Variable.KEY,
        help="API 密钥，请用环境变量或 --key-file。API key: put it in the environment or a file, for others on this "
        "machine can read a command line.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="密钥文件（首行），- 为标准输入。A file whose first line is the key; - is standard input."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        envvar=Variable.PROFILE,
        help="使用该配置的地址和密钥。The address and key of this profile (creditmesh profile add).",
    ),
]
Sandbox = Annotated[str | None, typer.Option(help="以沙箱中该调用方的身份。As this caller of the running sandbox.")]
SandboxFile = Annotated[Path, typer.Option(help="沙箱文件。Where the sandbox wrote it.")]
Charset = Annotated[
    str | None, typer.Option(help="utf-8 或 gb18030，默认自动识别。Encoding of a CSV; found out if not said.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="仅校验，不入库。Judge only, store nothing.")]
Verdicts = Annotated[Path | None, typer.Option(help="将逐行结果写入该 NDJSON 文件。Write every verdict there.")]
NoSave = Annotated[
    bool, typer.Option("--no-save", help="不保存回执和续传状态。Leave no receipt and no resume file beside.")
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="IDEMPOTENCY-KEY",
        help="以此前的 Idempotency-Key 续传（状态文件无法写入时）。Go on under the Idempotency-Key that was said.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="输出 JSON：单个结果一个文档，列表每行一个。Print JSON: one document, or of a list one a line."
    ),
]
Feed = Annotated[str, typer.Argument(help="交换日志：up、down 或 down-<节点>。The feed.", show_default=False)]
Into = Annotated[
    Path, typer.Option(help="写入的文件或文件夹。The file it goes to, or a folder to make it in.", show_default=False)
]
Follow = Annotated[bool, typer.Option("--follow", help="持续跟随，直至中断。Go on as entries come, until interrupted.")]
Subjects = Annotated[
    Path,
    typer.Argument(
        help="CSV（number 列，可有 kind、type、name）或 NDJSON。CSV with a column number, or NDJSON.",
        show_default=False,
    ),
]
Matter = Annotated[str, typer.Option(help="事项代码。Code of the matter.", show_default=False)]
Purpose = Annotated[str, typer.Option(help="用途代码。Code of the purpose.", show_default=False)]
Officer = Annotated[str | None, typer.Option(help="工作人员。Who asks; not needed with an officer's own token.")]
Results = Annotated[
    Path | None,
    typer.Option(
        help="结果文件（.ndjson 或 .csv），默认在源文件旁。Where the answers go; beside the file if not said."
    ),
]
Pins = Annotated[
    Path,
    typer.Option(
        envvar=Variable.PINS,
        help="保存各节点公钥的文件：证明首次相符时记下，此后以此核对。"
        "Where the keys of nodes are kept, as first seen in a certificate.",
    ),
]
PINS = Path(typer.get_app_dir("creditmesh")) / "nodes.json"
Repin = Annotated[
    bool,
    typer.Option(
        "--repin",
        help="一并认可并保存新密钥：证明中的，或以 --public 提供的。"
        "Take and keep new keys of nodes: those in a certificate, and one that is given with --public.",
    ),
]
Public = Annotated[
    list[str] | None,
    typer.Option(
        help="节点公布的公钥（base64），可重复：核验回执、收讫、交换日志和证明时以此为准。"
        "A key as the node publishes it, which decides for receipts, acknowledgements, feeds and certificates; repeat."
    ),
]
_DAY = ["%Y-%m-%d"]
Record = Annotated[UUID, typer.Argument(help="记录编号。Id of the record.", show_default=False)]
Submission = Annotated[UUID, typer.Argument(help="报送编号。Id of the submission.", show_default=False)]
Review = Annotated[UUID, typer.Argument(help="审核编号。Id of the review.", show_default=False)]
Case = Annotated[UUID, typer.Argument(help="案件编号。Id of the case.", show_default=False)]
Authorisation = Annotated[UUID, typer.Argument(help="授权编号。Id of the authorisation.", show_default=False)]
Out = Annotated[Path | None, typer.Option(help="写入该文件，不填则输出。Write it there instead of printing it.")]
Basis = Annotated[str | None, typer.Option(help="依据的文书号。Number of the document it rests on.")]
Note = Annotated[str | None, typer.Option(help="备注，不含个人信息。A note, without personal data.")]
Rev = Annotated[
    int | None,
    typer.Option(help="依据的版本号，不填则先读取。The revision it is decided on; read first if not said."),
]
OfItem = Annotated[str | None, typer.Option("--item", help="目录条目代码。Code of the catalogue item.")]
OfParty = Annotated[str | None, typer.Option("--party", help="单位代码。Code of the party.")]
Since = Annotated[datetime | None, typer.Option("--since", formats=_DAY, help="起始日。The first day.")]
Until = Annotated[datetime | None, typer.Option("--until", formats=_DAY, help="截止日。The last day.")]
STATE = typer.Option(help="状态。Those in this state.")
"""Of whatever is listed; each has states of its own."""
Reason = Annotated[
    str | None, typer.Option(help="未落实的理由，不含个人信息。Why it was not applied; no personal data.")
]
ReasonFile = Annotated[
    Path | None, typer.Option("--reason-file", help="告知当事人的理由（文本文件）。The reason, in a text file.")
]
DueBefore = Annotated[datetime | None, typer.Option(formats=_DAY, help="期限早于该日。Due before this day.")]
SubjectCode = Annotated[
    str | None,
    typer.Option("--code", help="机构的统一社会信用代码（公开）。Code of an organisation, which is public."),
]
SubjectFile = Annotated[
    Path | None,
    typer.Option(
        "--subject",
        help="主体文件（号码或 JSON），- 为标准输入；个人号码不得写在命令行。A file with the number or the JSON of a "
        "subject; - is standard input. A person's number does not belong on a command line.",
    ),
]
Kind = Annotated[SubjectKind | None, typer.Option("--kind", help="主体类别，不填则据号码判断。Kind of the subject.")]
Header = Annotated[Literal["codes", "zh"], typer.Option(help="表头用字段代码或中文名称。Codes or Chinese names.")]
