"""The gateway of this node: the services of this process called directly, the others over HTTP."""

from functools import cache, partial

import orjson

from creditmesh.chassis.declared import ProcessState
from creditmesh.chassis.door import DoorApp, Hosted
from creditmesh.chassis.http.token import Mint
from creditmesh.gateway.catching_up import peers_behind
from creditmesh.gateway.door import build
from creditmesh.gateway.transport import InProcess, ServiceTransport
from creditmesh.schemas.asyncapi import asyncapi
from creditmesh.schemas.directory import Directory


def door(hosted: Hosted) -> DoorApp:
    """Build the public application."""
    made = hosted.equipment
    return build(
        declaration=hosted.declaration,
        transports=_transports(hosted),
        pool=made.pool,
        keys=made.keys,
        clock=made.clock,
        node=made.node,
        ready=hosted.readiness,
        documents={"/asyncapi.json": _streams(made.node.code)},
        takes_part=partial(_takes_part, made.followed),
        peer_key=partial(_peer_key, made.followed),
        caught_up=peers_behind(made).check,
    )


@cache
def _streams(code: str) -> bytes:
    return orjson.dumps(asyncapi(code))


def _takes_part(followed: ProcessState, code: str) -> bool:
    party = followed.party(code) if isinstance(followed, Directory) else None
    return party is not None and party.active


def _peer_key(followed: ProcessState, node: str, key: str) -> bytes | None:
    """With what an enrolled, active peer signs its requests."""
    return followed.peer_key(node, key) if isinstance(followed, Directory) else None


def _transports(hosted: Hosted) -> dict[str, ServiceTransport]:
    here: dict[str, ServiceTransport] = {name: InProcess(app) for name, app in hosted.apps.items()}
    return {**_elsewhere(hosted), **here} if hosted.settings.services else here


def _elsewhere(hosted: Hosted) -> dict[str, ServiceTransport]:
    from creditmesh.gateway.transport.over_http import OverHttp  # noqa: PLC0415 - a node in one process needs no client

    made = hosted.equipment
    mint = Mint(made.keys.token_key(), node=made.node.code)
    return {
        name: OverHttp(url, token=partial(mint.token, audience=name)) for name, url in hosted.settings.services.items()
    }
