"""`sessiond export` and `sessiond import`: what comes back is what was there, once, whatever interrupts it.

usage: export_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import datetime
import json
import os
import random
import subprocess
import uuid

from case import ID, Case, binary, end_command, main, make_python_file, start_command, until
from service import Connection

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
TEXTS = ["", "ü€\U0001f600", "a\\\"\n\t", "\u0000\u001f", "x" * 3000]
NUMBERS = ["0", "-0", "1e400", "100000000000000000000", "0.10", "1E+2"]


class Source:
    """A service full of sessions that were made at random."""

    def __init__(self, case, seed, *flags):
        self.random = random.Random(seed)
        self.service = case.service(case.path(f"source-{seed}.db"), *flags)
        self.connection = Connection(self.service.address)
        case.addCleanup(self.connection.close)

    def call(self, method, target, body, headers=JSON):
        response = self.connection.call(method, target, body.encode() if isinstance(body, str) else body, headers)
        if response.status >= 300:
            raise AssertionError(f"{method} {target}: {response.status} {response.body[:200]}")
        return response

    def value(self, depth=3):
        kind = self.random.randrange(5 if depth else 3)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind < 3:
            return json.dumps(self.random.choice(TEXTS), ensure_ascii=self.random.random() < 0.5)
        inner = [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == 3:
            return "[" + ", ".join(inner) + "]"
        return "{" + ",\n ".join(f'"k{n}" : {one}' for n, one in enumerate(inner)) + "}"

    def entry(self):
        name = f'"uuid":"{uuid.UUID(int=self.random.getrandbits(128))}",' if self.random.random() < 0.7 else ""
        return "{" + name + '"v":' + self.value().replace("\n", "") + "}"

    def append(self, session, stream, count):
        lines = "\n".join(self.entry() for _ in range(count))
        self.call("POST", f"/sessions/{session}/entries?stream={stream}", lines, LINES)

    def session(self):
        path, thread = (json.dumps("/" + self.random.choice(TEXTS[1:2] + ["p", "q"])), json.dumps("t"))
        made = self.call("POST", "/sessions", f'{{"project_path":{path},"thread_id":{thread},"context":'
                                              f'{{"a": {self.value()} ,\n"b":{self.value()}}}}}').json()["id"]
        for _ in range(self.random.randrange(4)):
            self.append(made, self.random.choice(["main", "subagents%2Fagent-1", "%C3%BC"]), self.random.randrange(1, 40))
        chance = self.random.random()
        if chance < 0.3:
            token = self.call("PUT", f"/sessions/{made}/lease", '{"owner":"o","ttl_seconds":3600}').json()["token"]
            self.connection.call("DELETE", f"/sessions/{made}/lease", headers={"Lease-Token": str(token)})
        elif chance < 0.5:
            self.call("PATCH", f"/sessions/{made}", '{"status":"ACTIVE"}')
            self.call("POST", "/sessions/recover", "{}")
        elif chance < 0.7:
            self.call("POST", f"/sessions/{made}/fork", "{}")
        return made


class Trip(Case):
    def export(self, service, *flags):
        process = subprocess.run([binary(), "export", "--listen", service.address, *flags], capture_output=True,
                                 check=False)
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout

    def bring(self, service, text, wanted=0):
        process = subprocess.run([binary(), "import", "-", "--listen", service.address], input=text,
                                 capture_output=True, check=False)
        self.assertEqual(process.returncode, wanted, process.stdout + process.stderr)
        return (process.stdout + process.stderr).decode()

    def target(self, name="target.db"):
        return self.service(self.path(name))

    def test_a_round_trip_gives_the_same_bytes(self):
        for seed in range(3):
            source = Source(self, seed)
            for _ in range(25):
                source.session()
            text = self.export(source.service)
            target = self.target(f"target-{seed}.db")
            self.assertIn("conflicts: 0", self.bring(target, text))
            self.assertEqual(self.export(target), text)
            self.assertIn("sessions: 0 created", self.bring(target, text))
            self.assertEqual(self.export(target), text)
            self.assertIn("sessions: 0 created", self.bring(source.service, text))
            self.assertEqual(self.export(source.service), text)
            for line in text.splitlines():
                json.loads(line)
            self.look_the_same(source.service, target)
            self.stop(target)
            self.stop(source.service)

    def test_what_was_imported_is_counted_once(self):
        source = Source(self, 7)
        source.session()
        text = self.export(source.service)
        entries = text.count(b'"type":"entry"')
        target = self.target()
        for _ in range(2):
            self.bring(target, text)
            metrics = target.call("GET", "/metrics").body.decode()
            self.assertIn("\nsessiond_imported_sessions_total 1\n", metrics)
            self.assertIn(f"\nsessiond_imported_entries_total {entries}\n", metrics)

    def look_the_same(self, source, target):
        """By what the service itself shows, newest first."""
        lists = [service.call("GET", "/sessions?limit=1000&include=context").json()["sessions"]
                 for service in (source, target)]
        self.assertEqual(*lists)
        for session in lists[0]:
            for where in (f"/sessions/{session['id']}/streams", f"/sessions/{session['id']}/entries?limit=1000"):
                self.assertEqual(*(service.call("GET", where).json() for service in (source, target)), where)

    def test_what_was_imported_goes_on(self):
        source = Source(self, 7)
        session = source.call("POST", "/sessions", '{"project_path":"/p","thread_id":"t"}').json()["id"]
        source.call("POST", f"/sessions/{session}/entries", '[{"uuid":"a"},{"n":1}]')
        text = self.export(source.service)
        target = self.target()
        self.bring(target, text)
        answer = target.call("POST", f"/sessions/{session}/entries", b'[{"uuid":"a"},{"uuid":"b"}]', JSON)
        self.assertEqual(answer.json(), {"appended": 1, "duplicates": 1, "last_seq": 3})
        newer = target.call("POST", "/sessions", b'{"project_path":"/p","thread_id":"t"}', JSON).json()
        self.assertGreater(newer["created_at"], json.loads(text.splitlines()[0])["updated_at"])
        events = target.call("GET", f"/sessions/{session}/events").json()["events"]
        self.assertEqual([event["type"] for event in events],
                         ["entries.appended", "entries.appended", "session.created"])
        self.assertIn("conflicts: 0", self.bring(target, text))

    def test_another_content_is_a_conflict_and_left_alone(self):
        source = Source(self, 8)
        sessions = [source.call("POST", "/sessions", '{"project_path":"/p","thread_id":"t"}').json()["id"]
                    for _ in range(3)]
        for session in sessions:
            source.append(session, "main", 700)
        text = self.export(source.service)
        target = self.target()
        self.bring(target, text)
        target.call("PATCH", f"/sessions/{sessions[1]}", b'{"context":{"a":1}}', JSON)
        source.append(sessions[1], "main", 5)
        source.append(sessions[2], "main", 5)
        before = target.call("GET", f"/sessions/{sessions[1]}").body
        said = self.bring(target, self.export(source.service), wanted=1)
        self.assertIn(f"session {sessions[1]} is not imported: the session exists with another version", said)
        self.assertIn("conflicts: 1", said)
        self.assertEqual(target.call("GET", f"/sessions/{sessions[1]}").body, before)
        self.assertEqual(target.call("GET", f"/sessions/{sessions[2]}").json()["entry_count"], 705)
        target.call("POST", f"/sessions/{sessions[2]}/entries", b'[{"here":1}]', JSON)
        source.append(sessions[2], "main", 1)
        self.assertIn("entry 706 of the stream main: another entry has this seq",
                      self.bring(target, self.export(source.service), wanted=1))

    def test_a_uuid_is_one_however_it_is_written(self):
        source = Source(self, 11)
        session = source.call("POST", "/sessions", '{"project_path":"/p","thread_id":"t"}').json()["id"]
        entries = b'[{"\\u0075uid":"\\u0061"},{"uuid":"b"}]'
        source.call("POST", f"/sessions/{session}/entries", entries)
        target = self.target()
        self.bring(target, self.export(source.service))
        again = target.call("POST", f"/sessions/{session}/entries", entries, JSON).json()
        self.assertEqual(again, {"appended": 0, "duplicates": 2, "last_seq": 2})

    def test_what_no_service_can_have_had_is_refused(self):
        target = self.target()
        session = {"type": "session", "id": ID.format(1), "project_path": "/p", "thread_id": "t", "status": "CREATED",
                   "version": 1, "created_at": "2026-01-01T00:00:00.000001Z", "updated_at": "2026-01-01T00:00:00.000001Z",
                   "recovered_at": None, "parent_id": None, "lease_token": 0, "context": {}}
        entry = {"type": "entry", "session_id": ID.format(1), "stream": "main", "seq": 1,
                 "created_at": "2026-01-01T00:00:00.000001Z", "entry": {}}
        other = {**session, "id": ID.format(2)}
        for lines, phrase in (
                ([session, {**entry, "stream": "x" * 257}], "stream must be"),
                ([session, {**entry, "stream": "a\nb"}], "stream must be"),
                ([{**session, "lease_token": 10 ** 15}], "lease_token must be"),
                ([{**session, "version": 10 ** 15}], "version must be"),
                ([session, other, entry], "its lines must follow each other"),
                ([session, entry, session], "its lines must follow each other")):
            text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            answer = target.call("POST", "/admin/import", text, LINES)
            self.assertEqual((answer.status, answer.problem()), (422, "invalid-payload"), answer.body)
            self.assertIn(phrase, answer.json()["detail"])
        self.assertEqual(target.call("GET", "/sessions").json()["sessions"], [])
        largest = {**session, "lease_token": 10 ** 15 - 1, "version": 10 ** 15 - 1}
        text = b"".join(json.dumps(line).encode() + b"\n" for line in (largest, {**entry, "stream": "x" * 256}, other))
        self.assertEqual(target.call("POST", "/admin/import", text, LINES).status, 200)

    def send(self, target, *lines, **headers):
        """The answer to a batch of lines, objects or bytes."""
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return target.call("POST", "/admin/import", text, headers or LINES)

    def test_what_is_as_large_and_deep_as_can_be_comes_back(self):
        flags = ("--max-body-size", "20000", "--max-json-depth", "8")
        source = Source(self, 13, *flags)
        path, thread = "/" + '"' * 2000, '"' * 500
        made = source.call("POST", "/sessions", json.dumps({"project_path": path, "thread_id": thread})).json()
        context = b'{"context":{"t":"' + b"x" * 19960 + b'"}}'
        source.call("PATCH", f"/sessions/{made['id']}", context)
        stream = "%22" * 256
        target = f"/sessions/{made['id']}/entries?stream={stream}"
        source.call("POST", target, b'[{"t":"' + b"x" * 19980 + b'"}]')
        source.call("POST", target, b'{"a":' * 8 + b"1" + b"}" * 8, LINES)
        text = self.export(source.service)
        other = self.service(self.path("other.db"), *flags)
        self.assertIn("conflicts: 0", self.bring(other, text))
        self.assertEqual(self.export(other), text)

    def test_what_is_to_come_has_not_been(self):
        source, target = Source(self, 14), self.target()
        source.session()
        session = json.loads(self.export(source.service).splitlines()[0])
        answer = self.send(target, {**session, "updated_at": "2191-01-01T00:00:00.000000Z"})
        self.assertEqual(answer.status, 422)
        self.assertIn("updated_at must be a time", answer.json()["detail"])

    def test_a_lease_keeps_entries_away(self):
        source, target = Source(self, 15), self.target()
        session = source.call("POST", "/sessions", '{"project_path":"/p","thread_id":"t"}').json()["id"]
        source.append(session, "main", 2)
        lines = self.export(source.service).splitlines()
        self.send(target, *lines[:2])
        target.call("PUT", f"/sessions/{session}/lease", b'{"owner":"o","ttl_seconds":60}', JSON)
        answer = self.send(target, lines[1]).json()
        self.assertEqual((answer["conflicts"], answer["entries"]), ([], {"created": 0, "present": 1}))
        answer = self.send(target, lines[2]).json()
        self.assertIn("the session has a lease; only its owner", answer["conflicts"][0]["detail"])
        self.assertEqual(target.call("GET", f"/sessions/{session}").json()["entry_count"], 1)
        target.call("DELETE", f"/sessions/{session}/lease", None, {"Lease-Token": "1"})
        self.assertEqual(self.send(target, lines[2]).json()["entries"], {"created": 1, "present": 0})

    def test_a_fault_is_told_by_its_line(self):
        target = self.target()
        self.assertIn("line 3", self.send(target, b"", b"", b"{x").json()["detail"])
        self.assertIn("line 2:", self.send(target, b" ", b'{"type":"else"}').json()["detail"])

    def test_what_is_left_alone_does_not_move_the_clock(self):
        source, target = Source(self, 12), self.target()
        source.session()
        text = self.export(source.service)
        self.bring(target, text)
        session = json.loads(text.splitlines()[0])
        ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=20)
        session.update(updated_at=ahead.strftime("%Y-%m-%dT%H:%M:%S.000000Z"), version=77)
        said = self.bring(target, json.dumps(session).encode() + b"\n", wanted=1)
        self.assertIn("the session exists with another version", said)
        made = target.call("POST", "/sessions", b'{"project_path":"/p","thread_id":"t"}', JSON).json()
        self.assertLess(made["created_at"], session["updated_at"])

    def test_it_begins_behind_a_session(self):
        source = Source(self, 9)
        made = [source.session() for _ in range(5)]
        text = self.export(source.service)
        rest = self.export(source.service, "--after", made[2])
        self.assertTrue(text.endswith(rest) and 0 < len(rest) < len(text))
        self.run_badly(3, "404", "export", "--listen", source.service.address, "--after", ID.format(1))
        self.run_badly(2, "id of a session", "export", "--listen", source.service.address, "--after", "x")

    def test_times_that_are_the_same_keep_their_order(self):
        path = self.path("python.db")
        make_python_file(path, [json.dumps({"n": n}) for n in range(20)])
        source, target = self.service(path), self.target()
        text = self.export(source)
        self.bring(target, text)
        self.assertEqual(self.export(target), text)

    def test_what_is_no_export_is_refused(self):
        target = self.target()
        for line, phrase in ((b"{", "line 2 is not JSON"), (b"[]", "lines 2 to 2"), (b'{"type":"session"}', "is missing"),
                             (b'{"type":"entry","x":1}', "neither a session nor an entry"),
                             (b'{"type":"else"}', "must be")):
            self.assertIn(phrase, self.bring(target, b"\n" + line + b"\n", wanted=1))
        self.assertEqual(target.call("GET", "/sessions").json()["sessions"], [])
        self.run_badly(3, "cannot open", "import", self.path("nothing"), "--listen", target.address)

    def test_lines_of_white_space_are_passed_over(self):
        source, target = Source(self, 13), self.target()
        source.session()
        lines = self.export(source.service).splitlines(keepends=True)
        self.bring(target, b"\r\n" + b" \t \n".join(lines) + b"\r\n \t")
        self.assertEqual(self.export(target), b"".join(lines))

    def test_kills_in_the_middle_and_then_again(self):
        source = Source(self, 10)
        for _ in range(6):
            source.append(source.session(), "main", 900)
        text = self.export(source.service)
        with open(self.path("export"), "wb") as file:
            file.write(text)
        target = self.target()
        for attempt in range(8):
            process = start_command("import", self.path("export"), "--listen", target.address)
            until(lambda: process.poll() is not None or
                  len(target.call("GET", "/sessions?limit=1000").json()["sessions"]) > attempt, "some of the import")
            (target if attempt % 2 else process).kill()
            end_command(process)
            if attempt % 2:
                target.start()
        self.run_well("import", self.path("export"), "--listen", target.address)
        self.assertEqual(self.export(target), text)


if __name__ == "__main__":
    main()
