"""A bare FastAPI route in a process of its own that reads the same question and gives the very same answer."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import psutil
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel

from creditmesh.chassis.http.server.listener import HttpListener


@dataclass(frozen=True)
class Route:
    """A path, what is asked there, and what is answered."""

    path: str
    question: type[BaseModel]
    answer: type[BaseModel]
    answered: bytes


@contextmanager
def bare(route: Route) -> Iterator[tuple[psutil.Process, str]]:
    """The route's process, and where it listens."""
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(route, theirs), daemon=True)
    process.start()
    try:
        yield psutil.Process(process.pid), pipe.recv()
    finally:
        pipe.send(None)
        process.join(10)


def _serve(route: Route, pipe: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_listen(route, pipe))


async def _listen(route: Route, pipe: Connection) -> None:
    app, answered, question = FastAPI(), route.answer.model_validate_json(route.answered), route.question

    async def asked(body: question) -> route.answer:  # type: ignore[valid-type,name-defined]
        del body
        return answered

    app.post(route.path)(asked)
    listener = HttpListener(app, host="127.0.0.1", port=0, drain_seconds=1)
    await listener.start()
    pipe.send(listener.url)
    await asyncio.to_thread(pipe.recv)
    await listener.drain()
