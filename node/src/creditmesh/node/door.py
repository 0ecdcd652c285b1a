"""The gateway of this node: the services of this process called directly, the others over HTTP."""

import orjson

from creditmesh.chassis.host import DoorApp, Hosted
from creditmesh.chassis.http.token import Mint
from creditmesh.gateway.door import build
from creditmesh.gateway.transport import InProcess, OverHttp, Transport
from creditmesh.schemas.asyncapi import asyncapi


def door(hosted: Hosted) -> DoorApp:
    """Build the public application."""
    made = hosted.equipment
    return build(
        declaration=hosted.declaration,
        transports=_transports(hosted),
        engine=made.engine,
        keys=made.keys,
        mint=Mint(made.keys.token_key(), node=made.node.code),
        clock=made.clock,
        node=made.node,
        ready=hosted.readiness,
        documents={"/asyncapi.json": orjson.dumps(asyncapi(made.node.code))},
    )


def _transports(hosted: Hosted) -> dict[str, Transport]:
    here: dict[str, Transport] = {name: InProcess(app) for name, app in hosted.apps.items()}
    there: dict[str, Transport] = {name: OverHttp(url) for name, url in hosted.settings.services.items()}
    return {**there, **here}
