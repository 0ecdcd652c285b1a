"""Sent to a whole node, every row of every sample file gets the verdict and the reasons that are promised."""

import json

import pytest

from tests.samples.test_sample_files import EXPECTED, NAMES, SAMPLES
from tests.support.node import TestNode, department


@pytest.mark.parametrize("name", NAMES)
async def test_every_row_gets_the_promised_verdict(node: TestNode, name: str):
    file = EXPECTED["files"][name]
    client = node.client("ingestion", department(file["party"], "records:submit"))
    answer = await client.post(
        f"/v1/items/{file['item']}/records",
        content=(SAMPLES / name).read_bytes(),
        headers={"Content-Type": file["content_type"]},
    )
    assert answer.status_code == 200, answer.text
    *verdicts, receipt = map(json.loads, answer.text.splitlines())
    receipt = json.loads(receipt["receipt"]["signed"])
    assert receipt["rows"] == file["rows"] == len(verdicts)
    assert [notice["code"] for notice in verdicts[0].get("notices", ())] == file.get("notices", [])
    for verdict in verdicts:
        promised = file["dirt"].get(str(verdict["row"]), {"verdict": "accepted"})
        assert verdict["verdict"] == promised["verdict"], (verdict, promised)
        said = sorted((reason["code"], reason["pointer"]) for reason in verdict.get("reasons", ()))
        wanted = sorted((reason["code"], reason["pointer"]) for reason in promised.get("reasons", ()))
        assert said == wanted, (verdict, promised)
    assert {word: receipt[word] for word in file["counts"]} == file["counts"]
