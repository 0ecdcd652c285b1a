"""The sandbox's file as a shell wants it: where a caller's node is, and its token."""

import json
import shlex
from pathlib import Path
from typing import Any

from creditmesh.node.errors import NodeError

FILE = "sandbox.json"
STATE = Path("var")


def shell_lines(path: Path, name: str) -> str:
    """`export` lines for a shell: the address of a caller's node and its token, for `curl` and for the client.

    NodeError if there is no such caller.
    """
    try:
        sandbox: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise NodeError(
            f"{path} is not there: `make run` writes it while a sandbox stands",
            f"{path} 不存在：沙箱运行期间由 `make run` 生成",
        ) from None
    found = {caller["name"]: caller for caller in sandbox["callers"]}
    if name not in found:
        names = ", ".join(found)
        raise NodeError(f"the sandbox has no caller {name!r}; it has: {names}", f"沙箱中没有 {name!r}；可用：{names}")
    url, token = sandbox["nodes"][found[name]["node"]]["url"], found[name]["token"]
    given = {"NODE": url, "KEY": token, "CREDITMESH_URL": url, "CREDITMESH_KEY": token}
    return "\n".join(f"export {variable}={shlex.quote(value)}" for variable, value in given.items())
