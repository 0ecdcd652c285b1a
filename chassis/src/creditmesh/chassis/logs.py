"""Structured logs on standard error, one JSON object a line; a personal value prints `***`.

An error of ours (`LoggableError`) says its reason, which this project wrote and which names nobody. Of any other
exception no line shows the message, nor the arguments of a library's record: either may quote somebody's data.
"""

import logging
import re
import sys
import traceback
from datetime import date
from pathlib import Path
from uuid import UUID

import structlog
from structlog.typing import EventDict

from creditmesh.schemas.errors import LoggableError
from creditmesh.schemas.pii import Pii

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_WORDS = re.compile(r"[A-Za-z ,.%-]*")


def set_up(level: str, *, node: str, process: str) -> None:
    """Every line carries the node and the process; libraries log warnings and worse, through the same door."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where,
            structlog.processors.JSONRenderer(default=_shown, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_StandardError,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(node=node, process=process)
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    for quiet in ("uvicorn.error", "asyncio"):
        logging.getLogger(quiet).setLevel(logging.ERROR)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # ten errors a second while the broker is away


class _StandardError:
    """Writes lines to what standard error is at that moment."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    log = debug = info = warning = error = critical = exception = fatal = msg


def _where(_logger: object, _method: str, line: EventDict) -> EventDict:
    """An exception as its class, its frames, the class of its cause and, if it is ours, its reason."""
    error = _error_of(line.pop("exc_info", None))
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-8:]
        line["error"] = type(error).__qualname__
        if isinstance(error, LoggableError):
            line["reason"] = str(error)
        if error.__cause__ is not None:
            line["cause"] = type(error.__cause__).__qualname__
        line["frames"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return line


def _error_of(told: object) -> BaseException | None:
    if told is True:
        return sys.exc_info()[1]
    if isinstance(told, tuple) and len(told) > 1:
        told = told[1]
    return told if isinstance(told, BaseException) else None


def _shown(value: object) -> str:
    """What is no JSON by itself: known to be harmless, or its type and no more."""
    if isinstance(value, UUID | date | Path | Pii):
        return str(value)
    if isinstance(value, LoggableError):
        return f"{type(value).__qualname__}: {value}"
    return type(value).__qualname__


class _Forward(logging.Handler):
    """Hands a library's record on: the template without its arguments, or the first words of a finished text."""

    def emit(self, record: logging.LogRecord) -> None:
        text = str(record.msg).partition("\n")[0][:200]
        event = text if record.args else _first_words(text)
        error = _error_of(record.exc_info)
        structlog.get_logger(record.name).log(record.levelno, event, logger=record.name, exc_info=error)


def _first_words(text: str) -> str:
    found = _WORDS.match(text)
    return "" if found is None else found[0].strip()
