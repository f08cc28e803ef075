"""Checks of the search: hits, pages, queries that cannot be looked for, a service without it."""

from service import Service

BAD = ["", "q=", "q=%22%22", "q=-", "q=a*", "q=%ff", "q=%00", "q=a&q=b", "q=" + "a" * 1025, "q=" + "a+" * 33,
       "q=a&limit=0", "q=a&limit=101", "q=a&cursor=1", "q=a&cursor=", "q=a&status=active", "q=a&thread_id=",
       "q=a&project_path=", "q=a&order=asc"]


def hits(contract):
    target = contract.create(context={"note": "a rarity, this: <rarity> & more"}).headers["location"]
    contract.call(200, "POST", f"{target}/entries", [{"text": "rarity", "id": "x"}, {"text": "rarity of rarity"}])
    page = contract.call(200, "GET", "/search?q=rarity&limit=2").json()
    contract.equal(len(page["hits"]), 2, "the hits of the first page")
    last = contract.call(200, "GET", f"/search?q=rarity&limit=2&cursor={page['next_cursor']}").json()
    contract.equal(len(last["hits"]), 1, "the hits of the last page")
    contract.equal(last["next_cursor"], None, "the cursor behind the last page")
    found = {(hit["stream"], hit["seq"]): hit["snippet"] for hit in page["hits"] + last["hits"]}
    contract.equal(found, {
        (None, None): "a <mark>rarity</mark>, this: &lt;<mark>rarity</mark>&gt; &amp; more",
        ("main", 1): "<mark>rarity</mark>",
        ("main", 2): "<mark>rarity</mark> of <mark>rarity</mark>",
    }, "the snippets")
    contract.equal(contract.call(200, "GET", "/search?q=raritY&status=PAUSED").json()["hits"], [], "a filter")


def queries(contract):
    for query in BAD:
        contract.problem("invalid-query", 400, "GET", f"/search?{query}")


def without(contract):
    before = contract.service
    contract.service = Service(before.command[0]).start("--search", "off")
    contract.problem("search-off", 404, "GET", "/search?q=word")
    for sentence in contract.service.stop():
        contract.check(False, sentence)
    contract.service = before


CHECKS = [hits, queries, without]
