"""A file on its way: broken connections, splitting, receipts."""

import json

import pytest

from creditmesh.client import Limits, NotUnderstood, ProblemError, Unreachable
from creditmesh.schemas.signed import said
from creditmesh.schemas.verdicts import Receipt
from tests.client.remote import ITEM


def file_of(tmp_path, words, name="rows.ndjson"):
    file = tmp_path / name
    file.write_text("".join(json.dumps({"CF_WSH": str(n), "VERDICT": word}) + "\n" for n, word in enumerate(words)))
    return file


def test_verdicts_come_in_file_order_with_the_receipt(node, remote, tmp_path):
    submission = node.records.submit_file(file_of(tmp_path, ["accepted", "held", "refused"]), item=ITEM)
    assert [(verdict.row, verdict.verdict) for verdict in submission] == [(1, "accepted"), (2, "held"), (3, "refused")]
    assert [said(Receipt, receipt).rows for receipt in submission.receipts] == [3]
    assert remote.asked[0].path == f"/v1/items/{ITEM}/records?lane=live"
    assert remote.asked[0].headers["content-length"] == str(len(remote.asked[0].body))


def test_a_dropped_connection_goes_on_under_the_same_key_and_no_verdict_comes_twice(node, remote, tmp_path):
    remote.breaks = [2, 0, 4]
    submission = node.records.submit_file(file_of(tmp_path, ["accepted"] * 5), item=ITEM)
    waits = []
    submission.waiting = lambda seconds, error: waits.append(type(error))
    assert [verdict.row for verdict in submission] == [1, 2, 3, 4, 5]
    assert len(remote.submissions) == 4
    assert len({asked.key for asked in remote.submissions}) == 1
    assert waits == [Unreachable] * 3
    assert len(remote.stored) == 1


def test_an_answer_without_its_receipt_is_no_answer(node, remote, tmp_path):
    remote.breaks = [5] * 10
    submission = node.records.submit_file(file_of(tmp_path, ["accepted"] * 5), item=ITEM)
    with pytest.raises(Unreachable):
        list(submission)
    assert submission.receipts == []


def test_a_receipt_that_does_not_fit_its_verdicts_is_refused(node, remote, tmp_path):
    remote.wrong_digest = True
    with pytest.raises(NotUnderstood, match="receipt"):
        list(node.records.submit_file(file_of(tmp_path, ["accepted"]), item=ITEM))


def test_a_large_file_goes_in_pieces_with_keys_of_their_own_and_rows_numbered_as_in_the_file(node, remote, tmp_path):
    file = tmp_path / "rows.csv"
    header = "行政处罚决定书文号,VERDICT\n".encode("gb18030")
    file.write_bytes(header + "甲,accepted\n乙,refused\n".encode("gb18030") * 5)
    upload = node.records.upload(file, item=ITEM, limits=Limits(rows=4))
    sent = []
    submission = node.records.submit_file(upload, item=ITEM, idempotency_key="k")
    submission.sent = sent.append
    remote.breaks = [1]
    assert [(verdict.row, verdict.verdict) for verdict in submission] == [
        (row, "refused" if row % 2 == 0 else "accepted") for row in range(1, 11)
    ]
    assert [asked.key for asked in remote.submissions] == ["k.1", "k.1", "k.2", "k.3"]
    assert all(asked.body.startswith(header) for asked in remote.submissions)
    assert [said(Receipt, receipt).rows for receipt in submission.receipts] == [4, 4, 2]
    assert max(sent) == upload.size


def test_a_dry_run_of_a_large_file_has_no_receipts_and_rows_numbered_as_in_the_file(node, remote, tmp_path):
    upload = node.records.upload(file_of(tmp_path, ["accepted"] * 5), item=ITEM, limits=Limits(rows=2))
    remote.breaks = [1]
    submission = node.records.submit_file(upload, item=ITEM, dry_run=True)
    assert [verdict.row for verdict in submission] == [1, 2, 3, 4, 5]
    assert (submission.receipts, remote.stored) == ([], {})


def test_the_same_key_with_another_file_is_refused_at_once(node, remote, tmp_path):
    list(node.records.submit_file(file_of(tmp_path, ["accepted"]), item=ITEM, idempotency_key="k"))
    with pytest.raises(ProblemError) as told:
        list(node.records.submit_file(file_of(tmp_path, ["held"]), item=ITEM, idempotency_key="k"))
    assert told.value.code == "idempotency_key_reused"
    assert len(remote.submissions) == 2


def test_an_item_cannot_lead_elsewhere(node, remote, tmp_path):
    with pytest.raises(ProblemError):
        list(node.records.submit_file(file_of(tmp_path, ["accepted"]), item="../me/file?x="))
    assert remote.stored == {}
