"""Structured logs on standard error, one JSON object a line; a personal value prints `***`."""

import logging
import sys
import traceback
from pathlib import Path

import structlog
from structlog.typing import EventDict

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up(level: str, *, node: str, process: str) -> None:
    """Every line carries the node and the process; libraries log warnings and worse, through the same door."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(node=node, process=process)
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    for quiet in ("aiokafka", "uvicorn.error", "asyncio"):
        logging.getLogger(quiet).setLevel(logging.ERROR)


def _where(_logger: object, _method: str, line: EventDict) -> EventDict:
    """An exception as its class and its frames: its message may quote somebody's data."""
    error = line.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "creditmesh" in frame.filename]
        frames = traceback.StackSummary.from_list([*own[-6:], *frames[-2:]])
        line["error"] = type(error).__qualname__
        line["frames"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return line


class _Forward(logging.Handler):
    """Hands a library's record on without its arguments' values: they may be somebody's data."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, str(record.msg)[:200])
