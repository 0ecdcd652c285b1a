"""What is wrong with an entry of a peer's feed."""

from creditmesh.schemas.reasons.text import Reason

OF_NODES = (
    "unreadable_entry",
    "newer_version",
    "not_judged",
    "sealed_for_others",
    "too_many_keys",
    "peer_not_enrolled",
)
"""What the operators of the two nodes mend, and no department can."""

ENTRIES: dict[str, Reason] = {
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
        "The entry contradicts its own fields or what stands here: another revision has its number, or nobody has the "
        "role that it discharges; the origin corrects the record or decides again, under a further number.",
        "条目与其字段或本节点已有内容矛盾：该版本号已被另一版本使用，或无人具有其解除的角色；请来源节点更正该记录或重新办理，使用新的版本号。",
    ),
    "content_gone": Reason(
        "The entry comes without its content, so nothing can be applied; the record's party at the "
        "origin corrects it with what it is now, or withdraws it.",
        "该条目未附内容，无法适用；请该记录的来源部门报送载有现行内容的更正，或撤销该记录。",
    ),
    "sealed_for_others": Reason(
        "The entry is sealed under a key that was not wrapped to this node; the sender must wrap its key anew.",
        "该条目的密钥未封装给本节点；请发送方重新封装密钥。",
    ),
    "too_many_keys": Reason(
        "The feed has had more keys than this node keeps, so what is sealed under this one cannot be opened here; the "
        "sender must look at why it makes so many.",
        "该日志的密钥数量超出本节点的保存上限，以该密钥封装的内容在本节点无法开启；请发送方查明密钥过多的原因。",
    ),
    "peer_not_enrolled": Reason(
        "The sender is not an enrolled node below this one; publish its party first.",
        "发送方不是本节点已登记的下级节点；请先发布其参与方信息。",
    ),
    "origin_not_allowed": Reason(
        "The sender may not send records of this origin; name the origin on the sender's party.",
        "发送方无权发送该来源节点的记录；请在其参与方信息中列明该来源。",
    ),
    "not_of_origin": Reason(
        "Nothing proves that the origin said this, whose key this node holds; the sender must pass on what the origin "
        "signed as it came. Has the origin a new key, publish its row and offer the entry again.",
        "无法证明该内容出自来源节点（本节点持有其密钥）；发送方须原样转交来源节点签名的内容。来源节点更换密钥的，请发布其节点信息后重新提交该条目。",
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
