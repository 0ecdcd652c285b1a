"""What the one door refuses by itself, before any service is asked."""

from creditmesh.chassis.errors import Conflict, Forbidden, Problem, Unauthenticated, Unavailable


class BadCredential(Unauthenticated):
    """401: a credential was presented and is none of ours, or no longer one.

    `reason` and `key` go to the security log; `key` only where the id exists, so that invented ids cannot fill it.
    """

    reason = "unknown"

    def __init__(self, detail: str = "", detail_zh: str = "", *, key: str | None = None) -> None:
        super().__init__(
            detail or "The credential is not known at this node. Check that it was copied whole.",
            detail_zh or "本节点不识别该凭证，请检查是否完整复制。",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
        self.key = key


class MalformedCredential(BadCredential):
    """401: the Authorization header does not carry one credential of this node."""

    reason = "malformed"


class WrongSecret(BadCredential):
    """401: the id exists and the secret is another; answered word for word like an unknown id."""

    reason = "wrong_secret"


class TwoCredentials(BadCredential):
    """401: a bearer and a signature, of which one would be believed and the other not looked at."""

    reason = "two_credentials"

    def __init__(self) -> None:
        super().__init__(
            "Send either an Authorization header or a signature, not both.", "请求头 Authorization 与签名只能二选一。"
        )


class Expired(BadCredential):
    """401: the right secret, after its time."""

    reason = code = "credential_expired"
    title = "The credential has expired"
    title_zh = "凭证已过期"


class NotYet(BadCredential):
    """401: the right secret, before its time."""

    reason = code = "credential_not_yet_valid"
    title = "The credential is not valid yet"
    title_zh = "凭证尚未生效"


class Revoked(BadCredential):
    """401: the right secret of a credential that was taken back."""

    reason = code = "credential_revoked"
    title = "The credential was revoked"
    title_zh = "凭证已被撤销"


class NotTakingPart(Forbidden):
    """403: the credential is good, and its party has no part in the mesh (any more)."""

    code = "party_inactive"
    title = "The party does not take part in this node"
    title_zh = "该参与方未参与本节点"


class SignatureNeeded(Forbidden):
    """403: a bureau's key alone is not enough where real people's data are."""

    code = "signature_needed"
    title = "A bureau's requests must be signed at this node"
    title_zh = "征信机构在本节点的请求须签名"

    def __init__(self) -> None:
        super().__init__(
            "This node does not read a bureau's signatures yet, and takes a bureau's bare key in a sandbox only.",
            "本节点尚不支持征信机构的请求签名；未签名的密钥仅可用于沙箱。",
        )


class CatchingUp(Unavailable):
    """503: this node was restored, and what it holds of its peers' records may have ended since."""

    code = "catching_up"
    title = "This node was restored and shows no records until it has caught up with its peers"
    title_zh = "本节点数据已恢复，追平对等节点之前不展示信用记录"

    def __init__(self, *peers: str) -> None:
        feeds, command = ", ".join(f"{peer}/up" for peer in peers), "creditmesh-node peers remove"
        super().__init__(
            f"It waits for {feeds} to stand here as far as before; ask again later. Its operator sees in /health/ready "
            f"what it waits for, brings its own entries back (`creditmesh-node restore`), and takes out a peer that is "
            f"gone for good (`{command}`).",
            f"正在等待 {feeds} 恢复到此前的进度，请稍后重试。运维人员可在 /health/ready 查看原因，"
            f"用 `creditmesh-node restore` 取回本节点自己的记录，并移除已永久停用的对等节点（`{command}`）。",
            headers={"Retry-After": "10"},
        )


class TooManyKeys(Conflict):
    """409: a holder has two live keys already."""

    code = "too_many_keys"
    title = "This holder has two live keys already"
    title_zh = "该持有方已有两个有效密钥"


class UrlTooLong(Problem):
    """414: the address is longer than the node reads."""

    code = "url_too_long"
    title = "The address is too long"
    title_zh = "请求地址过长"
    remedy = "Put long values into the body of a request that takes one."
    remedy_zh = "请将较长的内容放入请求正文。"
    status = 414


class NotFollowed(Unavailable):
    """503: this process has not heard of all parties yet; a moment later it has."""

    code = "catalogue_not_followed"
    title = "The door has not followed the catalogue to its end yet"
    title_zh = "网关尚未跟进目录的最新内容"

    def __init__(self) -> None:
        super().__init__(
            "The party may have been published a moment ago. Ask again.",
            "该参与方可能刚刚发布。请稍后重试。",
            headers={"Retry-After": "1"},
        )
