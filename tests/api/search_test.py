"""What GET /search finds, what it makes of any bytes, and what becomes of the index when the service is killed.

usage: search_test.py BINARY [--full] [CHECK…]

--full asks 10,000 random queries instead of 300, and looks for a selective and a common word among 1,000,000
entries; it prints p50 and p99 and holds them to 50 and 300 ms.
(SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import FULL, check  # noqa: E402
from service import Connection, Refused, Service, Unanswered  # noqa: E402

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
PATIENCE_S = 60
SYNTAX = ['"', "'", "*", "(", ")", "AND", "OR", "NOT", "NEAR(", "^", "-", "+", ":", "{", "}", "text", ",", "rowid",
          "\\", "search_entries", ";", "--", "/*", "%", "_", "?1", "\t", "\n", "é", "日本語", "\U0001f600", "ﬁ", "ß",
          "word", "needle", "İ", "\u0301", "\u200d", "\ufeff", "<mark>"]


def create(service, context, thread="t", path="/p"):
    body = {"project_path": path, "thread_id": thread, "context": context}
    return service.call("POST", "/sessions", json.dumps(body).encode(), JSON).json()["id"]


def append(service, session, *entries, stream=None):
    target = f"/sessions/{session}/entries" + (f"?stream={stream}" if stream else "")
    answer = service.call("POST", target, json.dumps(entries).encode(), JSON)
    check(answer.status == 200, f"append: {answer.status} {answer.body[:200]}")


def search(service, q, **parameters):
    return service.call("GET", "/search?" + urllib.parse.urlencode({"q": q, **parameters}))


def found(service, q, **parameters):
    answer = search(service, q, **parameters)
    check(answer.status == 200, f"{q!r}: {answer.status} {answer.body[:300]}")
    return answer.json()


def await_complete(service):
    until = time.monotonic() + PATIENCE_S
    while not found(service, "anything")["complete"]:
        check(time.monotonic() < until, "the index does not become complete")
        time.sleep(0.05)


def a_hit_says_where_it_is_and_marks_its_words(binary):
    service = Service(binary).start()
    session = create(service, {"note": "the <b>disk</b> & more"}, "thread", "/home/me")
    append(service, session, {"type": "user", "uuid": "u1", "text": "Disk full, says the kernel"}, stream="sub/a")
    hits = found(service, "disk")["hits"]
    check(len(hits) == 2, f"{hits}")
    check(hits[0] == {**hits[0], "session_id": session, "project_path": "/home/me", "thread_id": "thread",
                      "status": "CREATED", "stream": "sub/a", "seq": 1,
                      "snippet": "<mark>Disk</mark> full, says the kernel"}, f"{hits[0]}")
    check(0 < hits[0]["score"] <= 1, f"{hits[0]}")
    check(hits[1]["stream"] is None and hits[1]["seq"] is None, f"{hits[1]}")
    check(hits[1]["snippet"] == "the &lt;b&gt;<mark>disk</mark>&lt;/b&gt; &amp; more", f"{hits[1]}")
    return service.stop()


def pages_follow_each_other(binary):
    service = Service(binary).start()
    session = create(service, {})
    for i in range(25):
        append(service, session, {"text": f"word {'word ' * (i % 4)} and {i}"})
    seen, parameters = [], {"limit": 10}
    while True:
        page = found(service, "word", **parameters)
        seen += [hit["seq"] for hit in page["hits"]]
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]
    check(sorted(seen) == list(range(1, 26)), f"{seen}")
    check(found(service, "word", project_path="/other")["hits"] == [], "a filter that nothing passes")
    check(len(found(service, "word", status="CREATED", thread_id="t")["hits"]) == 20, "a filter that all pass")
    return service.stop()


def what_cannot_be_looked_for_is_refused_by_name(binary):
    service = Service(binary).start()
    for target in ("/search", "/search?q=", "/search?q=%20%22", "/search?q=ab*", "/search?q=%ff", "/search?q=a%00b",
                   "/search?q=" + "a" * 1025, "/search?q=" + "+".join("a" * 33)):
        answer = service.call("GET", target)
        check(answer.status == 400, f"{target}: {answer.status}")
        check(answer.json()["errors"][0]["parameter"] == "q", f"{target}: {answer.body}")
    return service.stop()


def letters_with_diacritics():
    """Greek and Cyrillic letters and their base letters, by Unicode's canonical decomposition."""
    for code in [*range(0x370, 0x530), *range(0x1f00, 0x2000)]:
        letter = chr(code)
        base = "".join(c for c in unicodedata.normalize("NFD", letter) if unicodedata.category(c) != "Mn")
        if unicodedata.category(letter).startswith("L") and base != letter:
            yield letter, base


def case_and_diacritics_do_not_matter(binary):
    service = Service(binary).start()
    letters = list(letters_with_diacritics())
    check(len(letters) > 250, f"{len(letters)} letters")
    words = [(f"zz{letter}zz{i}", f"zz{base}zz{i}") for i, (letter, base) in enumerate(letters)]
    words += [(unicodedata.normalize("NFD", word), f"{base}nfd") for word, base in words]
    words = [(word + ("nfd" if base.endswith("nfd") else ""), base) for word, base in words]
    words += [("Ελλάδα", "ελλαδα"), ("ΕΛΛΆΔΑ", "ελλάδα"), ("οδός", "ΟΔΟΣ"), ("Ёлка", "елка"), ("Москва", "МОСКВА"),
              ("Київ", "киів"), ("Crème", "CREME"), ("Việt", "viet")]
    session = create(service, {"a": "Στην Ελλάδα & στο Київ"}, thread="context")
    append(service, session, *({"text": f"before {word} behind"} for word, _ in words))
    for seq, (word, base) in enumerate(words, 1):
        for asked in (base, word):
            hits = [hit for hit in found(service, asked)["hits"] if hit["seq"] == seq]
            check(len(hits) == 1, f"{word!r} is not found by {asked!r}")
            check(hits[0]["snippet"] == f"before <mark>{word}</mark> behind", f"{word!r}: {hits[0]['snippet']!r}")
    hits = [hit for hit in found(service, '"στην ελλαδα" киі*')["hits"] if hit["seq"] is None]
    check([hit["snippet"] for hit in hits] == ["<mark>Στην Ελλάδα</mark> &amp; στο <mark>Київ</mark>"], f"{hits}")
    patch = b'{"context":{"a":"\xce\x95\xce\xbb\xce\xbb\xce\xb1\xce\xb4\xce\xb1"}}'
    check(service.call("PATCH", f"/sessions/{session}", patch, JSON).status == 200, "the patch failed")
    hits = [hit for hit in found(service, "ελλάδα")["hits"] if hit["seq"] is None]
    check([hit["snippet"] for hit in hits] == ["<mark>Ελλαδα</mark>"], f"{hits}")
    check(service.terminate() == 0, "the stop failed")
    agrees(service.database)
    return service.reports()


def a_uuid_within_a_text_is_found_and_one_alone_is_not(binary):
    service = Service(binary).start()
    uuid, other = "b0a4c7de-5f0e-4d5b-9c0a-6a3f1f0d2e11", "b0a4c7de-5f0e-4d5b-9c0a-6a3f1f0d2e12"
    session = create(service, {"seen": uuid, "note": f"see {other}"})
    append(service, session, {"text": f"as session {uuid} said"}, {"text": uuid}, {"session_id": f"not {uuid}"})
    check([hit["seq"] for hit in found(service, uuid)["hits"]] == [1], f"{found(service, uuid)}")
    check(found(service, uuid)["hits"][0]["snippet"] == f"as session <mark>{uuid}</mark> said", "the mark")
    check([hit["seq"] for hit in found(service, other)["hits"]] == [None], f"{found(service, other)}")
    return service.stop()


def random_query(source):
    kind = source.randrange(4)
    if kind == 0:
        return bytes(source.randrange(256) for _ in range(source.randrange(40)))
    if kind == 1:
        return "".join(chr(source.randrange(0xd800)) for _ in range(source.randrange(60))).encode()
    parts = [source.choice(SYNTAX) for _ in range(source.randrange(400 if kind == 2 else 12))]
    return source.choice(["", " "]).join(parts).encode()


def any_bytes_are_answered(binary):
    service = Service(binary).start()
    session = create(service, {"a": "word needle text rowid é 日本語 AND OR NOT"})
    append(service, session, *({"text": f"word needle {text}"} for text in SYNTAX))
    connection = Connection(service.address)
    seed = int(os.environ.get("SEED", time.time_ns() % 1000000))
    print(f"       SEED={seed}")
    source, statuses = random.Random(seed), {}
    for _ in range(10000 if FULL else 300):
        query = random_query(source)
        answer = connection.call("GET", "/search?q=" + urllib.parse.quote_from_bytes(query, safe=""))
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        check(answer.status in (200, 400), f"{query!r}: {answer.status} {answer.body[:300]}")
        if answer.status == 400:
            check(answer.json()["errors"][0]["parameter"] == "q", f"{query!r}: {answer.body}")
        else:
            answer.json()
    print(f"       answered: {statuses}")
    check(statuses.get(200, 0) > 0 and statuses.get(400, 0) > 0, f"one kind of answer alone: {statuses}")
    return service.stop()


def without_search_there_is_none_and_later_there_is(binary):
    service = Service(binary, database=None).start("--search", "off")
    session = create(service, {"a": "early word"})
    append(service, session, *({"text": f"early entry {i}"} for i in range(200)))
    answer = search(service, "early")
    check(answer.status == 404 and answer.problem() == "search-off", f"{answer.status} {answer.body}")
    check(service.terminate() == 0, "the stop failed")
    service.start()
    await_complete(service)
    check(len(found(service, "early", limit=100)["hits"]) == 100, "what was there before is not found")
    check(len(found(service, "word")["hits"]) == 1, "a context that was there before is not found")
    check(service.events("search_indexed"), "the log does not say that the index is complete")
    return service.stop()


def agrees(path):
    """The index has a row for every entry, and for every context that has text."""
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO search_entries (search_entries) VALUES ('integrity-check')")
        db.execute("INSERT INTO search_contexts (search_contexts) VALUES ('integrity-check')")
        lacking = db.execute("SELECT (SELECT count(*) FROM entries WHERE key NOT IN"
                             " (SELECT id FROM search_entries_docsize)),"
                             " (SELECT count(*) FROM search_entries_docsize WHERE id NOT IN (SELECT key FROM entries)),"
                             " (SELECT count(*) FROM search_contexts_docsize WHERE id NOT IN (SELECT seq FROM sessions)),"
                             " (SELECT count(*) FROM search_backlog)").fetchone()
    db.close()
    check(lacking == (0, 0, 0, 0), f"entries not indexed, rows without an entry, without a session, waiting: {lacking}")


def change_until_it_ends(service, number):
    connection = Connection(service.address)
    source = random.Random(number)
    try:
        while True:
            body = {"project_path": "/p", "thread_id": "t", "context": {"a": f"context {source.random()}"}}
            session = connection.call("POST", "/sessions", json.dumps(body).encode(), JSON).json()["id"]
            for _ in range(source.randrange(10)):
                entries = [{"text": f"entry {source.random()}"} for _ in range(source.randrange(1, 5))]
                connection.call("POST", f"/sessions/{session}/entries", json.dumps(entries).encode(), JSON)
            patch = {"context": {"a": f"patched {source.random()}"}}
            connection.call("PATCH", f"/sessions/{session}", json.dumps(patch).encode(), JSON)
            if source.random() < 0.5:
                connection.call("DELETE", f"/sessions/{session}")
    except (Refused, Unanswered, OSError):
        pass


def a_kill_leaves_index_and_rows_in_agreement(binary):
    service = Service(binary)
    for life in range(10 if FULL else 3):
        service.start()
        writers = [threading.Thread(target=change_until_it_ends, args=(service, life * 10 + i)) for i in range(8)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        service.kill()
        for writer in writers:
            writer.join()
    service.start()
    await_complete(service)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with sqlite3.connect(service.database) as db:
            if db.execute("SELECT count(*) FROM discarded_streams").fetchone() == (0,):
                break
        time.sleep(0.2)
    check(service.terminate() == 0, "the stop failed")
    agrees(service.database)
    checked = subprocess.run([binary, "check", service.database], capture_output=True, check=False)
    check(checked.returncode == 0, f"sessiond check: {checked.stderr.decode()}")
    return service.reports()


def damage(service, statement):
    with sqlite3.connect(service.database) as db:
        db.execute(statement)
    db.close()


def rebuilds(service):
    """How often the service has rebuilt its index, by its metrics."""
    metrics = service.call("GET", "/metrics").body.decode()
    return int(re.search(r"^sessiond_search_rebuilds_total (\d+)$", metrics, re.M)[1])


def a_corrupt_index_is_rebuilt_while_writes_succeed(binary):
    service = Service(binary).start()
    session = create(service, {"a": "kept word"})
    append(service, session, {"text": "kept entry"})
    entry = json.dumps([{"text": "kept behind the damage"}]).encode()
    for number, (table, method, target, body) in enumerate((
            ("entries", "POST", f"/sessions/{session}/entries", entry),
            ("contexts", "PATCH", f"/sessions/{session}", b'{"context":{"a":"kept word, changed"}}')), 1):
        damage(service, f"UPDATE search_{table}_data SET block = x'ff' WHERE id = 10")
        answer = service.call(method, target, body, JSON)
        check(answer.status == 200, f"{method} {target}: {answer.status} {answer.body}")
        await_complete(service)
        check(len(found(service, "kept")["hits"]) == 3, "what is stored is not found")
        check(len(service.events("search_index_corrupt")) == number, "the log does not have one event for each rebuild")
        check(rebuilds(service) == number, f"{rebuilds(service)} rebuilds are counted")
    check(service.terminate() == 0, "the stop failed")
    agrees(service.database)
    return service.reports()


def a_search_of_a_corrupt_index_is_incomplete_and_starts_the_rebuild(binary):
    service = Service(binary).start()
    session = create(service, {"a": "kept word"})
    append(service, session, {"text": "kept entry"})
    await_complete(service)
    damage(service, "UPDATE search_entries_data SET block = x'ff' WHERE id > 10")
    until = time.monotonic() + PATIENCE_S
    while (page := found(service, "kept"))["complete"]:
        check(time.monotonic() < until, "no search notices the damage")
    check(page["next_cursor"] is None, f"{page}")
    await_complete(service)
    check(len(found(service, "kept")["hits"]) == 2, "what is stored is not found")
    check(rebuilds(service) == 1, f"{rebuilds(service)} rebuilds are counted")
    return service.stop()


def a_deletion_leaves_results_complete(binary):
    service = Service(binary).start()
    create(service, {"a": "kept word"})
    await_complete(service)
    for _ in range(20):
        session = create(service, {"a": "another word"})
        check(service.call("DELETE", f"/sessions/{session}").status == 204, "the deletion failed")
        check(found(service, "word")["complete"], "after a deletion the result is incomplete")
    return service.stop()


def a_copy_can_be_searched(binary):
    service = Service(binary).start()
    session = create(service, {"a": "kept word"})
    append(service, session, {"text": "kept entry"})
    copy = os.path.join(service.folder.name, "copy.db")
    backup = service.call("POST", "/admin/backup", b"{}", JSON)
    check(backup.status == 200, f"{backup.status}")
    with open(copy, "wb") as file:
        file.write(backup.body)
    checked = subprocess.run([binary, "check", copy], capture_output=True, check=False)
    check(checked.returncode == 0, f"sessiond check: {checked.stderr.decode()}")
    restored = os.path.join(service.folder.name, "restored.db")
    done = subprocess.run([binary, "restore", "--db", restored, copy], capture_output=True, check=False)
    check(done.returncode == 0, f"sessiond restore: {done.stderr.decode()}")
    other = Service(binary, database=restored).start()
    check(len(found(other, "kept")["hits"]) == 2, "what was restored is not found")
    return service.stop() + other.stop()


def vocabulary(source):
    syllables = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"]
    return ["".join(source.choice(syllables) for _ in range(1 + (i > 50) + (i > 2000) + source.randrange(2)))
            for i in range(40000)]


def fill(service, count):
    """Entries of about 1 KiB whose words are as unevenly common as those of a language."""
    source = random.Random(1)
    words = vocabulary(source)
    weights = [1 / (rank + 2.7) for rank in range(len(words))]
    supply = source.choices(words, weights, k=2000000)
    connection = Connection(service.address)
    session = None
    for first in range(0, count, 200):
        if first % 1000 == 0:
            body = {"project_path": f"/p{first % 7}", "thread_id": "t"}
            session = connection.call("POST", "/sessions", json.dumps(body).encode(), JSON).json()["id"]
        lines = []
        for i in range(first, first + 200):
            at = source.randrange(len(supply) - 300)
            text = " ".join(supply[at:at + 190])[:980]
            text += (" selective" if i % 10007 == 0 else "") + (" common" if i % 2 == 0 else "")
            lines.append(json.dumps({"type": "user", "text": text}))
        answer = connection.call("POST", f"/sessions/{session}/entries", "\n".join(lines).encode(), NDJSON)
        check(answer.status == 200, f"{answer.status} {answer.body[:200]}")
    connection.close()


def measure(service, q, rounds, **parameters):
    connection = Connection(service.address)
    target = "/search?" + urllib.parse.urlencode({"q": q, **parameters})
    taken = []
    for _ in range(rounds):
        began = time.monotonic()
        answer = connection.call("GET", target)
        taken.append((time.monotonic() - began) * 1000)
        check(answer.status == 200 and answer.json()["hits"], f"{q!r}: {answer.status}")
    taken.sort()
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    print(f"       {q!r} {parameters}: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return p99


def a_first_page_comes_soon_among_many_entries(binary):
    count = 1000000 if FULL else 4000
    service = Service(binary, "--max-batch-entries", "1000").start()
    began = time.monotonic()
    fill(service, count)
    print(f"       {count} entries appended in {time.monotonic() - began:.0f} s;"
          f" file {os.path.getsize(service.database) / 1e6:.0f} MB")
    until = time.monotonic() + 3600
    while not found(service, "nothingofthekind")["complete"]:
        check(time.monotonic() < until, "the index does not become complete")
        time.sleep(1)
    print(f"       all indexed after {time.monotonic() - began:.0f} s")
    selective = measure(service, "selective", 200)
    common = measure(service, "common", 200)
    measure(service, "common selective", 50)
    measure(service, "common", 50, project_path="/p0")
    measure(service, "sel*", 20)
    if FULL:
        check(selective <= 50, f"a selective word: p99 {selective:.1f} ms")
        check(common <= 300, f"a common word: p99 {common:.1f} ms")
    return service.stop()


CHECKS = [
    a_hit_says_where_it_is_and_marks_its_words,
    pages_follow_each_other,
    what_cannot_be_looked_for_is_refused_by_name,
    case_and_diacritics_do_not_matter,
    a_uuid_within_a_text_is_found_and_one_alone_is_not,
    any_bytes_are_answered,
    without_search_there_is_none_and_later_there_is,
    a_kill_leaves_index_and_rows_in_agreement,
    a_corrupt_index_is_rebuilt_while_writes_succeed,
    a_search_of_a_corrupt_index_is_incomplete_and_starts_the_rebuild,
    a_deletion_leaves_results_complete,
    a_copy_can_be_searched,
    a_first_page_comes_soon_among_many_entries,
]


if __name__ == "__main__":
    sys.exit(checks.run(CHECKS, checks.under_test(sys.argv[1])))
