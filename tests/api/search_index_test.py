"""Random changes, searches and restarts: the search index against an oracle, and FTS5's integrity-check.

usage: index_test.py BINARY [--seconds N] [--seed N]

A run ends after N seconds (default 10) and prints its seed. The changes are those of one client; maintenance of the
service runs between them.
"""

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import check  # noqa: E402
from service import Connection, Service  # noqa: E402

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
PATIENCE_S = 120
WORDS = ["".join(source.choice("aeioukstnr") for _ in range(5)) for source in [random.Random(7)] for _ in range(24)]
LONG_BYTES = 60000  # of one text; the service searches the first 64 KiB
# Seeds that once found a fault, and how many changes are replayed: a context that was deleted, imported and patched.
KNOWN_SEEDS = ((489525, 160),)
SEARCH_OFF, SEARCH_ON = ("--search", "off"), ("--search", "on")


class Session:
    def __init__(self, context, streams):
        self.context = context  # a set of words
        self.streams = streams  # name: list of sets of words

    def copy(self):
        return Session(self.context, {name: list(entries) for name, entries in self.streams.items()})


class Run:
    def __init__(self, binary, source):
        self.binary = binary
        self.source = source
        self.service = Service(binary)
        self.connection = None
        self.searches = True
        self.sessions = {}
        self.changes = 0

    # --- The service -----------------------------------------------------------------------------

    def start(self):
        self.searches = self.source.random() < 0.75
        self.service.start(*(SEARCH_ON if self.searches else SEARCH_OFF))
        self.connection = Connection(self.service.address)

    def stop(self):
        self.connection.close()
        if self.source.random() < 0.3:
            self.service.kill()
            return
        check(self.service.terminate() == 0, f"the stop failed:\n{self.service.log()[-2000:]}")
        self.look_at_tables()

    def call(self, method, target, body=None, headers=None, status=200):
        answer = self.connection.call(method, target, body, headers or JSON)
        check(answer.status == status, f"{method} {target}: {answer.status} {answer.body[:300]}")
        return answer

    # --- Changes ---------------------------------------------------------------------------------

    def text(self, long=False):
        """A text and the set of its words."""
        chosen = self.source.sample(WORDS, self.source.randrange(1, 6))
        repeated = chosen * (LONG_BYTES // (6 * len(chosen)) if long else 1)
        return " ".join(repeated), frozenset(chosen)

    def some_session(self):
        return self.source.choice(list(self.sessions)) if self.sessions else self.create()

    def create(self):
        text, words = self.text()
        body = {"project_path": "/p", "thread_id": "t", "context": {"a": text}}
        session = self.call("POST", "/sessions", json.dumps(body).encode(), status=201).json()["id"]
        self.sessions[session] = Session(words, {})
        return session

    def append(self):
        session = self.some_session()
        stream = self.source.choice(["main", "main", "sub/a"])
        counts = [(1, False), (3, False), (200, False), (self.source.randrange(1, 6), True)]
        count, long = self.source.choices(counts, [6, 3, 1, 1])[0]
        texts = [self.text(long) for _ in range(count)]
        if long:
            texts += [self.text() for _ in range(100)]
        lines = "\n".join(json.dumps({"text": text}) for text, _ in texts)
        self.call("POST", f"/sessions/{session}/entries?stream={urllib.parse.quote(stream, safe='')}", lines.encode(), NDJSON)
        self.sessions[session].streams.setdefault(stream, []).extend(words for _, words in texts)

    def patch(self):
        session = self.some_session()
        text, words = self.text()
        self.call("PATCH", f"/sessions/{session}", json.dumps({"context": {"a": text}}).encode())
        self.sessions[session].context = words

    def delete(self):
        session = self.some_session()
        self.call("DELETE", f"/sessions/{session}", status=204)
        return self.sessions.pop(session)

    def append_and_delete(self):
        """Leaves entries to garbage collection that may not be indexed yet."""
        self.append()
        self.delete()

    def fork(self):
        session = self.some_session()
        new = self.call("POST", f"/sessions/{session}/fork", b"{}", status=201).json()["id"]
        self.sessions[new] = self.sessions[session].copy()

    def export_delete_import(self):
        session = self.some_session()
        lines = [line for line in self.call("GET", "/admin/export").body.splitlines() if session.encode() in line]
        lines = [line for line in lines if json.loads(line).get("id", json.loads(line).get("session_id")) == session]
        kept = self.sessions[session]
        self.call("DELETE", f"/sessions/{session}", status=204)
        self.call("POST", "/admin/import", b"\n".join(lines), NDJSON)
        self.sessions[session] = kept

    def restart(self):
        self.stop()
        self.start()

    def rest(self):
        time.sleep(self.source.random())

    def change(self):
        changes = [(self.create, 8), (self.append, 12), (self.patch, 4), (self.delete, 2), (self.append_and_delete, 4),
                   (self.fork, 2), (self.export_delete_import, 1), (self.rest, 1), (self.restart, 1), (self.find_any, 4)]
        chosen = self.source.choices([one for one, _ in changes], [weight for _, weight in changes])[0]
        chosen()
        self.changes += 1

    # --- Comparison ------------------------------------------------------------------------------

    def expected(self, word):
        found = set()
        for name, session in self.sessions.items():
            if word in session.context:
                found.add((name, None, None))
            for stream, entries in session.streams.items():
                found.update((name, stream, seq) for seq, words in enumerate(entries, 1) if word in words)
        return found

    def find(self, word):
        """The places of all hits, and whether the result was complete."""
        places, complete, parameters = [], True, {"q": word, "limit": 100}
        while True:
            page = self.call("GET", "/search?" + urllib.parse.urlencode(parameters)).json()
            places += [(hit["session_id"], hit["stream"], hit["seq"]) for hit in page["hits"]]
            complete = complete and page["complete"]
            if page["next_cursor"] is None:
                break
            parameters["cursor"] = page["next_cursor"]
        check(len(places) == len(set(places)), f"{word!r}: a hit is there twice")
        return set(places), complete

    def find_any(self):
        """A result may be incomplete, but shows nothing that is not there."""
        if not self.searches:
            return
        word = self.source.choice(WORDS)
        found, complete = self.find(word)
        wanted = self.expected(word)
        check(found <= wanted, f"{word!r}: found although it is not there: {sorted(found - wanted, key=str)[:5]}")
        check(not complete or found == wanted,
              f"{word!r}: not found in a complete result: {sorted(wanted - found, key=str)[:5]}")

    def compare_all(self):
        until = time.monotonic() + PATIENCE_S
        while not self.find("nothing")[1]:
            check(time.monotonic() < until, "the index does not become complete")
            time.sleep(0.05)
        for word in WORDS:
            found, complete = self.find(word)
            check(complete, f"{word!r}: the result is incomplete")
            wanted = self.expected(word)
            check(found == wanted, f"{word!r}: {len(found)} hits, not {len(wanted)};"
                                   f" differing: {sorted(found ^ wanted, key=str)[:5]}")
        corrupt = self.service.events("search_index_corrupt")
        check(not corrupt, f"the service found its index corrupt: {corrupt}")

    def look_at_tables(self):
        checked = subprocess.run([self.binary, "check", self.service.database], capture_output=True, check=False)
        check(checked.returncode == 0, f"sessiond check: {checked.stderr.decode()}")
        with sqlite3.connect(self.service.database) as db:
            if db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'search_rule'").fetchone() != (0,):
                look_at_index(db)
        db.close()

    def end(self):
        """Everything is indexed at the end, and deleted entries are gone from the index."""
        if not self.searches:
            self.stop()
            while not self.searches:
                self.start()
                if not self.searches:
                    self.stop()
        self.compare_all()
        until = time.monotonic() + PATIENCE_S
        while self.count("SELECT count(*) FROM discarded_streams") > 0:
            check(time.monotonic() < until, "deleted entries are not collected")
            time.sleep(0.1)
        self.connection.close()
        check(self.service.terminate() == 0, f"the stop failed:\n{self.service.log()[-2000:]}")
        self.look_at_tables()
        entries = sum(len(stream) for session in self.sessions.values() for stream in session.streams.values())
        indexed = self.count("SELECT count(*) FROM search_entries_docsize")
        check(indexed == entries, f"{indexed} entries are indexed, not {entries}")

    def count(self, sql):
        with sqlite3.connect(self.service.database) as db:
            count = db.execute(sql).fetchone()[0]
        db.close()
        return count


def first_varint(blob):
    value = 0
    for byte in blob[:8]:
        value = value << 7 | byte & 127
        if byte < 128:
            break
    return value


def look_at_index(db):
    db.execute("INSERT INTO search_entries (search_entries) VALUES ('integrity-check')")
    db.execute("INSERT INTO search_contexts (search_contexts, rank) VALUES ('integrity-check', 1)")
    for table in ("search_entries", "search_contexts"):
        totals = db.execute(f"SELECT block FROM {table}_data WHERE id = 1").fetchone()
        rows = db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()[0]
        check(first_varint(totals[0] if totals else b"") == rows,
              f"{table} counts {first_varint(totals[0])} rows and has {rows}")
    in_both = db.execute("SELECT count(*) FROM search_entries_docsize JOIN search_backlog"
                         " ON id BETWEEN first AND last").fetchone()[0]
    check(in_both == 0, f"{in_both} entries are indexed and wait to be")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("binary")
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--seed", type=int, default=time.time_ns() % 1000000)
    chosen = options.parse_args()
    binary = checks.under_test(chosen.binary)
    known = [changes_of(binary, seed, lambda run, last=count: run.changes < last) for seed, count in KNOWN_SEEDS]
    until = time.monotonic() + chosen.seconds
    return max(*known, changes_of(binary, chosen.seed, lambda _: time.monotonic() < until))


def changes_of(binary, seed, goes_on):
    """Makes random changes for as long as goes_on(run), then compares all. The exit status."""
    print(f"SEED={seed}", flush=True)
    run = Run(binary, random.Random(seed))
    run.start()
    try:
        while goes_on(run):
            run.change()
        run.end()
    except checks.Failed as sentence:
        print(f"FAILED after {run.changes} changes: {sentence}")
        return 1
    wrong = run.service.reports()
    print("\n".join(wrong) or f"ok: {run.changes} changes, {len(run.sessions)} sessions at the end")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
