"""What is held for a person's number and released: the row is genuine, and the public still sees stars."""

from tests.support.cast import ITEM, penalty, uscc
from tests.support.node import TestNode, department

FACTS = "生产日期为20230115，联系电话13800138000。"
BODY: dict[str, str | None] = {
    "CF_XDR_MC": "示例市批号食品有限公司", "CF_XDR_LB": "法人及非法人组织", "CF_XDR_ZJLX": None, "CF_XDR_ZJHM": None,
    "CF_XDR_SHXYM": uscc(733), "CF_SY": FACTS, "CF_FRDB": "样乙",
}  # fmt: skip


async def test_a_release_lifts_no_star_and_whoever_sent_the_row_is_told_so(node: TestNode):
    row = penalty("示市监罚〔2026〕733号", today=node.host.clock.legal_date(), **BODY)
    sent = await node.client("ingestion", department("market_regulation")).post(f"/v1/items/{ITEM}/records", json=row)
    assert (sent.status_code, sent.json()["verdict"]) == (202, "held"), sent.text
    [reason] = sent.json()["reasons"]
    assert (reason["code"], reason["pointer"]) == ("personal_number", "/CF_SY")
    assert "stars" in reason["detail"]
    assert "星号" in reason["detail_zh"]
    officer = department("market_regulation", officer="W-17")
    released = await node.client("ingestion", officer).post(
        f"/v1/reviews/{sent.json()['review']}/decision", json={"decision": "release"}
    )
    assert released.status_code == 201, released.text
    await node.settled()
    anybody = node.client("query")
    shown = (await anybody.get(f"/v1/public/records?item={ITEM}")).json()["items"]
    [facts] = [each["fields"]["CF_SY"] for each in shown if each["record"] == released.json()["record"]]
    assert facts == FACTS.replace("13800138000", "*" * 11)
