"""Asking the query service, as departments, bureaus and subjects do."""

from datetime import timedelta
from uuid import uuid4

from tests.query.conftest import TODAY, House, asked_about, bureau, department, invented_person, person
from tests.query.samples import a_record


async def somebody(house: House):
    identity = invented_person()
    return identity, await house.subject(identity)


async def ask(house: House, caller, identity, *, key=None, **body):
    headers = {} if key is None else {"Idempotency-Key": key}
    async with house.client(caller) as client:
        return await client.post("/v1/queries", json={"subject": asked_about(identity)} | body, headers=headers)


async def by_matter(house: House, identity, *, caller=None, **more):
    body = {"purpose": "duty", "matter": "permit", "officer": "W-17"} | more
    return await ask(house, caller or department(), identity, **body)


async def authorised(house: House, subject, **more) -> str:
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["penalty"], "max_uses": 3}
    body |= {"valid_until": (TODAY + timedelta(days=20)).isoformat()} | more
    async with house.client(person(subject)) as client:
        answer = await client.post("/v1/me/authorisations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def by_authorisation(house: House, identity, authorisation, *, caller=None, **more):
    body = {"purpose": "loan", "authorisation": authorisation, "officer": "B-3"} | more
    return await ask(house, caller or bureau(), identity, **body)


def penalty(subject, **more):
    return a_record(kind="natural_person", subject=subject, fields={"DOC": f"沙监罚{uuid4()}"}, **more)


async def get(house: House, caller, path, **params):
    async with house.client(caller) as client:
        return await client.get(path, params=params)
