"""The shapes in which rows are sent, as the document shows them: what a row may have says the item's own schema."""

from typing import Any

import orjson

from creditmesh.ingestion.api.answers import NDJSON
from creditmesh.schemas.examples import ROW
from creditmesh.schemas.files import FILE_BYTES
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK

_ROW: dict[str, Any] = {
    "type": "object",
    "additionalProperties": True,
    "description": "One row: values by the codes of the item's fields; `/v1/catalogue/items/{code}/schema` has their "
    "JSON Schema. An array of such rows is read too. / 一行数据，以条目字段代码为键；也可发送此类行的数组。"
    "JSON Schema 见 `/v1/catalogue/items/{code}/schema`。",
}
_FILE: dict[str, Any] = {"type": "string", "format": "binary", "maxLength": FILE_BYTES}
_TABLE = "\r\n".join((",".join(ROW), ",".join(map(str, ROW.values())), ""))
_LINE = orjson.dumps(ROW).decode() + "\n"
LINES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
"""What is answered a line at a time: a `Verdict` each, and at the end a `ReceiptLine`."""

CONTENT: dict[str, Any] = {
    "application/json": {
        "schema": _ROW,
        "example": ROW,
    },
    NDJSON: {"schema": _FILE, "example": _LINE},
    WORKBOOK: {"schema": _FILE},
    "text/csv": {"schema": _FILE, "example": _TABLE},
}
"""By content type; `text/csv` also with `charset=gb18030`. It is the last: a generated client sends bytes as that.

An array of rows is read as well. It is told in words: generators of clients write code that fails for a body which may
be an object or an array, and many rows are better sent as one of the other two.
"""
