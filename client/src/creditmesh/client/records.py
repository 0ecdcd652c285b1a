"""A department's own records and the rows of it that wait for an officer."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pydantic import JsonValue

from creditmesh.client.http import Wire, new_key
from creditmesh.client.submission import Lane, Submission
from creditmesh.client.upload import Upload
from creditmesh.schemas.verdicts import Verdict


class Records:
    """Submitting, reading, correcting, withdrawing."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def submit(self, item: str, record: Mapping[str, JsonValue], *, key: str | None = None) -> Verdict:
        """Submit one record, its fields by catalogue code. A refusal is a `ProblemError` that names the fields."""
        return self._wire.post(f"/v1/items/{quote(item, safe='')}/records", dict(record), Verdict, key=key)

    def submit_file(
        self,
        file: Upload | Path,
        *,
        item: str,
        lane: Lane = "live",
        dry_run: bool = False,
        key: str | None = None,
    ) -> Submission:
        """Submit a file: iterate what comes back for the verdicts. Under the same key a broken one goes on."""
        upload = file if isinstance(file, Upload) else Upload.of(file)
        return Submission(wire=self._wire, upload=upload, item=item, lane=lane, dry_run=dry_run, key=key or new_key())


class Reviews:
    """Held rows."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
