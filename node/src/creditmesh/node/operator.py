"""The operator's side of a running node: calls the routes of the second listener with the operator's secret."""

import ssl
import time
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from creditmesh.node import run_files
from creditmesh.node.errors import NodeError
from creditmesh.schemas.problems import read_aloud

_NOT_FOLLOWED = "catalogue_not_followed"
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds."""


class Operator:
    """Talks to whichever process of the node hosts a service."""

    def __init__(self, state: Path) -> None:
        self._state = state
        try:
            self._secret = (state / "secrets" / "operator").read_text(encoding="ascii").strip()
        except OSError as error:
            raise NodeError(
                f"no operator's secret can be read in {state}/secrets: is CREDITMESH_STATE this node's?",
                f"无法读取 {state}/secrets 中的运维密钥；CREDITMESH_STATE 是否为本节点目录？",
            ) from error

    def call(self, service: str, method: str, path: str, body: Any = None) -> Any:  # JSON in, JSON out
        """The answer's JSON; NodeError with the problem's two texts if it was refused or nobody listens.

        Whoever has just published is heard of by every process a moment later, and waits for that.
        """
        for pause in (*_PAUSES, None):
            answer = self._answer(service, method, path, body)
            if answer.is_success:
                return answer.json() if answer.content else None
            problem = answer.json()
            if pause is None or problem.get("code") != _NOT_FOLLOWED:
                raise _refused(problem)
            time.sleep(pause)
        raise AssertionError("the last pause ends it")

    def _answer(self, service: str, method: str, path: str, body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._secret}"}
        try:
            return _asked(method, self._where(service) + path, seconds=60, json=body, headers=headers)
        except httpx.TransportError as error:
            raise NodeError(
                f"the {service} service does not answer; is the node running?",
                f"{service} 服务无应答；节点是否已启动？",
            ) from error

    def _where(self, service: str) -> str:
        for running in run_files.read(self._state):
            if service in running.services:
                return running.operator
        raise NodeError(f"no process of this node hosts {service}", f"本节点没有运行 {service} 服务的进程")


def ask_readiness(operator: str, *, seconds: float) -> httpx.Response:
    """What the process that listens there for its operator says of itself."""
    return _asked("GET", f"{operator}/health/ready", seconds=seconds)


def _asked(method: str, where: str, *, seconds: float, **sent: Any) -> httpx.Response:
    """The node's own answer: a proxy of the environment would be given the operator's secret, in clear."""
    return httpx.request(method, where, timeout=seconds, verify=in_clear(), trust_env=False, **sent)


@cache
def in_clear() -> ssl.SSLContext:
    """It trusts nobody: second listeners speak in clear; loading whom the machine trusts takes longer than a call."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _refused(problem: Any) -> NodeError:
    fields = [f"{error['pointer'] or '/'} {error['detail']} {error['detail_zh']}" for error in problem["errors"]]
    detail, detail_zh = (read_aloud(problem[name], errors=bool(fields)) for name in ("detail", "detail_zh"))
    return NodeError(
        f"{problem['title']}: {detail}".rstrip(": "),
        "\n".join((f"{problem['title_zh']}：{detail_zh}".rstrip("："), *fields)),
    )
