"""A whole node in one process: the door, the services, the bus, the database."""

from creditmesh.sandbox.sample_files import FOLDER, samples
from tests.support.node import TestNode, department


async def test_the_catalogue_is_at_the_door_of_a_fresh_node(node: TestNode):
    answer = await node.door().get("/v1/catalogue")
    assert answer.status_code == 200
    assert answer.json()["counts"]["item"] == 4


async def test_a_sample_file_gets_exactly_the_verdicts_it_was_made_for(node: TestNode):
    expected = samples()
    name, file = next(iter(expected.files.items()))
    body = (FOLDER / name).read_bytes()
    answer = await node.client("ingestion", department(file.party)).post(
        f"/v1/items/{file.item}/records", content=body, headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert answer.status_code == 200, answer.text
    receipt = answer.text.splitlines()[-1]
    for verdict, count in file.counts.items():
        assert f'\\"{verdict}\\":{count}' in receipt
