"""What the parameters of the routes mean, in English and Chinese, where a route says nothing itself.

By name, or by path and name where the name alone leaves open of what it is. A test holds that every parameter of the
documents is described and that every text here is used.
"""

from collections.abc import Mapping

_CHECKPOINT = "/v1/exchange/feeds/{feed}/checkpoint"
_INCLUSION = "/v1/exchange/feeds/{feed}/proofs/inclusion"
_CONSISTENCY = "/v1/exchange/feeds/{feed}/proofs/consistency"
_ORIGINS = "/v1/exchange/feeds/{feed}/origins"
_SIZE = "How many entries the head stands for; left out: the newest head. / 树头所含条目数；省略则为最新。"

PARAMETERS: Mapping[str, str] = {
    "limit": "The most of them on this page; `next` leads on. / 本页最多条数；后续见 `next`。",
    "case": "Id of the case, as `POST /v1/cases` and the lists give it. / 案件编号。",
    "code": "Code of the catalogue item. / 目录条目代码。",
    "due_before": "Only those that are due before this day. / 仅期限早于该日的。",
    "erasure": "Id of the erasure, as the list gives it. / 删除办理的编号。",
    "feed": "The feed: `up`, `down` or `down-<node>`. / 日志：`up`、`down` 或 `down-<节点代码>`。",
    "header": "What the columns are called: the fields' codes, or their Chinese names. / 列名：字段代码或中文名称。",
    "id": "Id of the authorisation, as it was given or handed in. / 授权编号。",
    "item": "Code of the catalogue item. / 目录条目代码。",
    "key": "The key's id: its third part. / 密钥编号（密钥第三段）。",
    "kind": "Only those of this kind. / 仅此类别。",
    "name": "Name of the code set. / 代码集名称。",
    "node": "Code of the node further up or down. / 更上级或更下级节点的代码。",
    "party": "Code of the party. / 参与方代码。",
    "peer": "Code of the peer, as it is enrolled. / 已登记的对等节点代码。",
    "record": "Id of the record, as the verdict on its row and the lists give it. / 信用记录编号。",
    "review": "Id of the review, as the list gives it. / 审核编号。",
    "state": "Only those in this state. / 仅此状态。",
    "submission": "Id of the submission, as its answer and the list give it. / 报送编号。",
    "task": "Id of the task, as the list gives it. / 任务编号。",
    "index": "The entry's place in the feed, from 0. / 条目在日志中的序号，从 0 起。",
    "/v1/cases/{case}/evidence:kind": "What the document is to the case. / 文书在案件中的用途。",
    f"{_CHECKPOINT}:size": _SIZE,
    f"{_INCLUSION}:size": "The number of entries of the head that it is proved under. / 证明所依据树头的条目数。",
    f"{_CONSISTENCY}:from": "The number of entries of the older head. / 较早树头的条目数。",
    f"{_CONSISTENCY}:to": "The number of entries of the newer head. / 较新树头的条目数。",
    f"{_ORIGINS}:after": "The entries from this place on. / 自该序号起的条目。",
    f"{_ORIGINS}:until": "The entries before this place. / 该序号之前的条目。",
}
