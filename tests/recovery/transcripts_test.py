"""`sessiond import --claude`: each line of each transcript is in the service once, whatever became of the file meanwhile.

usage: transcripts_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)

SESSIOND_TRANSCRIPTS=300 makes so many conversations in place of 40, SESSIOND_SEED others.
"""

import json
import os
import re
import time
from collections import Counter
from urllib.parse import quote

import transcripts
from case import ID, Case, Proxy, end_command, main, start_command, until

COUNT = int(os.environ.get("SESSIOND_TRANSCRIPTS", "40"))
SEED = int(os.environ.get("SESSIOND_SEED", "1"))
SUMMARY = re.compile(r"transcripts: (\d+); entries: (\d+) created, (\d+) existing; skipped: (\d+); stopped: (\d+)\n$")
PASSED_OVER = re.compile(r"sessiond import: (.*): line (\d+) is skipped: ")
JSON = {"Content-Type": "application/json"}
METADATA = '"agent_metadata"'


class Transcripts(Case):
    SESSION = "6ea4b1a0-2c1f-4f0e-9a39-6f1e02a1c0de"

    def write(self, name, *lines, end="\n"):
        os.makedirs(os.path.dirname(self.path("t", name)), exist_ok=True)
        with open(self.path("t", name), "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + end)

    def line(self, number, **more):
        return json.dumps({"type": "user", "uuid": f"u{number}", "sessionId": self.SESSION, "cwd": "/home/me/p",
                           "timestamp": "2026-01-01T00:00:00.000Z", "message": {"content": f"ü {number}"}, **more})

    def bring(self, address, *flags, wanted=0, path=None):
        """Runs the import. (stderr, the numbers of its summary: files, new, present, passed over, stopped)"""
        process = start_command("import", "--claude", path or self.path("t"), "--thread", "t", "--listen", address, *flags)
        status, out, err = end_command(process)
        self.assertEqual(status, wanted, out + err)
        return err, tuple(map(int, SUMMARY.search(out).groups()))

    def texts(self, service, session=SESSION, stream="main"):
        target = f"/sessions/{session}/entries?stream={quote(stream, safe='')}"
        response = service.call("GET", target, headers={"Accept": "application/x-ndjson"})
        if response.status != 200:
            return []
        return [line.split('"entry":', 1)[1][:-1] for line in response.body.decode().split("\n")[:-1]]

    def uuids(self, service, session=SESSION, stream="main"):
        return [json.loads(text).get("uuid") for text in self.texts(service, session, stream)]

    def streams(self, service, session=SESSION):
        return {stream["stream"]: stream["count"]
                for stream in service.call("GET", f"/sessions/{session}/streams").json()["streams"]}


class Folders(Transcripts):
    """A folder with many transcripts, compared as a whole."""

    def setUp(self):
        super().setUp()
        self.folder_model = transcripts.Folder(SEED, COUNT)
        self.stored = {}

    def bring_folder(self, address):
        """Imports all files as they are now. The lines that are reported are those that hold something else."""
        self.folder_model.write(self.path("t"))
        bad = {(self.path("t", file.path), number)
               for file in self.folder_model.files for number in self.bad_lines(file)}
        err, counts = self.bring(address, wanted=1 if bad else 0)
        self.assertEqual({(path, int(number)) for path, number in PASSED_OVER.findall(err)}, bad)
        self.assertEqual(counts[3], len(bad))
        return counts

    @staticmethod
    def bad_lines(file):
        return transcripts.objects(file.bytes())[1]

    def entries(self, service, file):
        """Of a file's stream, without what came from a .meta.json, which is there once."""
        entries = [transcripts.exact(text) for text in self.texts(service, file.session, file.stream)]
        transcript = [entry for entry in entries if METADATA not in entry]
        self.assertEqual(len(entries) - len(transcript), file.metadata is not None, file.path)
        return transcript

    def check_order(self, service):
        """Every stream is the file, in its order."""
        for file in self.folder_model.files:
            wanted = transcripts.without_repeats(transcripts.objects(file.bytes())[0])
            self.stored[file.path] = self.entries(service, file)
            self.assertEqual(self.stored[file.path], wanted, file.path)

    def check_repaired(self, service):
        """What was there is where it was; what is new is behind it, in the order of the file; all is there once."""
        moved = 0
        for file in self.folder_model.files:
            wanted = transcripts.without_repeats(transcripts.objects(file.bytes())[0])
            before, now = self.stored[file.path], self.entries(service, file)
            self.assertEqual(Counter(now), Counter(wanted), file.path)
            self.assertEqual(now[:len(before)], before, file.path)
            rest = iter(wanted)
            self.assertTrue(all(entry in rest for entry in now[len(before):]), file.path)
            moved += now != wanted
            self.stored[file.path] = now
        self.assertGreater(moved, 0, "no file was repaired in the middle")

    def total(self):
        return sum(map(len, self.stored.values()))

    def test_every_line_is_there_once_in_order_while_transcripts_grow_and_are_repaired(self):
        service, model = self.service(self.path("a.db")), self.folder_model
        new = self.bring_folder(service.address)[1]
        self.check_order(service)
        metadata = sum(file.metadata is not None for file in model.files)
        self.assertEqual(new, self.total() + metadata)
        for change in (model.grow, model.glue, model.grow):
            change()
            before, new = self.total(), self.bring_folder(service.address)[1]
            self.check_order(service)
            self.assertEqual(new, self.total() - before)
        for change in (model.repair, model.grow, model.repair):
            change()
            self.bring_folder(service.address)
            self.check_repaired(service)
        self.assertEqual(self.bring_folder(service.address)[1], 0)
        fresh = self.service(self.path("b.db"))
        self.bring_folder(fresh.address)
        self.check_order(fresh)
        for each in (service, fresh):
            self.stop(each)
            self.run_well("check", each.database)

    def test_an_import_that_is_killed_is_completed_by_the_next(self):
        service = self.service(self.path("a.db"))
        self.folder_model.write(self.path("t"))
        for attempt in range(4):
            process = start_command("import", "--claude", self.path("t"), "--thread", "t", "--listen", service.address)
            until(lambda: process.poll() is not None or
                  len(service.call("GET", "/sessions?limit=1000").json()["sessions"]) > 3 * attempt, "some of the import")
            process.kill()
            process.communicate()
        self.bring_folder(service.address)
        self.check_order(service)


class Identity(Transcripts):
    OTHER = ID.format(7)

    def test_the_name_of_the_file_is_the_session_and_sessionId_only_a_fallback(self):
        service = self.service(self.path("a.db"))
        self.write(f"p/{self.OTHER}.jsonl", self.line(1), self.line(2, sessionId=self.OTHER))
        self.write("p/nameless.jsonl", self.line(3))
        self.assertEqual(self.bring(service.address)[1], (2, 3, 0, 0, 0))
        self.assertEqual(self.uuids(service, self.OTHER), ["u1", "u2"])
        self.assertEqual(self.uuids(service), ["u3"])

    def test_a_transcript_is_a_session_and_an_agent_beside_it_a_stream(self):
        service = self.service(self.path("a.db"))
        lines = ['{"type":"summary","summary":"s"}', *(self.line(n) for n in range(450)), '{"type":"snapshot"}']
        self.write(f"p/{self.SESSION}.jsonl", *lines)
        self.write("p/agent-7.jsonl", self.line(1000, cwd="/elsewhere"), self.line(1001))
        self.write("p/notes.txt", "no transcript")
        self.assertEqual(self.bring(service.address)[1], (2, 454, 0, 0, 0))
        session = service.call("GET", f"/sessions/{self.SESSION}").json()
        self.assertEqual((session["project_path"], session["thread_id"], session["entry_count"]), ("/home/me/p", "t", 454))
        self.assertEqual([json.loads(text) for text in self.texts(service)], [json.loads(line) for line in lines])
        self.assertEqual(self.uuids(service, stream="subagents/agent-7"), ["u1000", "u1001"])
        self.assertEqual(self.bring(service.address)[1], (2, 0, 454, 0, 0))
        self.write(f"p/{self.SESSION}.jsonl", '{"type":"snapshot"}', self.line(3), self.line(2000))
        self.assertEqual(self.bring(service.address)[1][1], 2)
        self.assertEqual(self.streams(service), {"main": 454, "subagents/agent-7": 2})

    def test_files_below_the_session_folder_keep_their_path_as_stream(self):
        service = self.service(self.path("a.db"))
        folder = f"p/{self.SESSION}/subagents"
        self.write(f"p/{self.SESSION}.jsonl", self.line(1))
        self.write(f"{folder}/agent-a1.jsonl", self.line(2))
        self.write(f"{folder}/agent-a1.meta.json", "{", ' "agentType": "x"', "}")
        for workflow in ("wf_1", "wf_2"):
            self.write(f"{folder}/workflows/{workflow}/agent-b2.jsonl", self.line(3))
        self.write(f"{folder}/workflows/wf_1/journal.jsonl", '{"type":"started"}', '{"type":"result"}')
        wanted = {"main": 1, "subagents/agent-a1": 2, "subagents/workflows/wf_1/agent-b2": 1,
                  "subagents/workflows/wf_1/journal": 2, "subagents/workflows/wf_2/agent-b2": 1}
        self.assertEqual(self.bring(service.address)[1], (6, 7, 0, 0, 0))
        self.assertEqual(self.streams(service), wanted)
        self.assertEqual(self.texts(service, stream="subagents/agent-a1")[1], '{"agentType":"x","type":"agent_metadata"}')
        self.assertEqual(self.bring(service.address)[1], (6, 0, 7, 0, 0))
        one = self.path("t", f"{folder}/workflows/wf_1/agent-b2.jsonl")
        self.assertEqual(self.bring(service.address, path=one)[1], (1, 0, 1, 0, 0))

    def test_a_path_that_is_no_name_of_a_stream_is_passed_over(self):
        service = self.service(self.path("a.db"))
        most = "x" * (256 - len("subagents/wf/"))
        names = {f"wf/{most}": True, f"wf/{most}x": False, "wf/bell\x07": False, "wf/\udcff": False, "wf/\x9b": False, "wf/ü %&?#": True}
        for name in names:
            path = os.fsencode(self.path("t", f"p/{self.SESSION}/subagents/{name}.jsonl"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.line(1) + "\n")
        err, counts = self.bring(service.address, wanted=1)
        self.assertEqual(counts, (2, 2, 0, 4, 0))
        self.assertEqual(err.count("its path is not a valid stream name"), 4)
        self.assertNotRegex(err, "[\x07\x9b]")
        self.assertEqual(set(self.streams(service)), {f"subagents/{name}" for name, fits in names.items() if fits})

    def test_files_without_conversation_are_no_error(self):
        service = self.service(self.path("a.db"))
        self.write(f"-home-u-p/{self.SESSION}.jsonl", '{"type":"summary","summary":"s"}')
        self.write(f"-home-u-p/{self.OTHER}.jsonl", end="")
        self.write(f"-home-u-p/{ID.format(8)}.jsonl", "", " \t\r")
        self.assertEqual(self.bring(service.address), ("", (1, 1, 0, 0, 0)))
        self.assertEqual(service.call("GET", f"/sessions/{self.SESSION}").json()["project_path"], "-home-u-p")
        self.write(f"-home-u-p/{self.SESSION}.jsonl", self.line(1))
        self.assertEqual(self.bring(service.address), ("", (1, 1, 1, 0, 0)))

    def test_a_session_of_another_thread_or_project_is_left_alone(self):
        service = self.service(self.path("a.db"))
        self.write(f"p/{self.SESSION}.jsonl", self.line(1))
        self.bring(service.address)
        self.write(f"p/{self.SESSION}.jsonl", self.line(2))
        for flags in (("--project", "/other"), ("--thread", "u")):
            self.assertIn("its session exists with another project_path or thread_id",
                          self.bring(service.address, *flags, wanted=1)[0])
        self.assertEqual(self.uuids(service), ["u1"])
        self.run_badly(2, "--thread", "import", "--claude", self.path("t"), "--listen", service.address)


class Lines(Transcripts):
    def import_lines(self, *lines, wanted=0, flags=(), end="\n"):
        self.write(f"p/{self.SESSION}.jsonl", *lines, end=end)
        self.running = self.service(self.path("a.db"), *flags)
        return self.bring(self.running.address, wanted=wanted)

    def test_lines_that_are_no_object_are_named_and_passed_over(self):
        err, counts = self.import_lines(self.line(1), "{", "[]", self.line(2), " \t\r", wanted=1)
        self.assertIn("line 2 is skipped: column 2", err)
        self.assertIn("line 3 is skipped: an entry must be a JSON object", err)
        self.assertEqual(counts, (1, 2, 0, 2, 0))
        self.write("p/nameless.jsonl", '{"cwd":"/p"}')
        self.assertIn("nameless.jsonl is skipped: neither", self.bring(self.running.address, wanted=1)[0])

    def test_a_byte_order_mark_is_skipped_at_the_start_alone(self):
        err, counts = self.import_lines("\ufeff" + self.line(1) + "\r", self.line(2) + "\r", "\ufeff" + self.line(3), wanted=1)
        self.assertIn("line 3 is skipped", err)
        self.assertEqual(counts, (1, 2, 0, 1, 0))
        self.assertEqual(self.uuids(self.running), ["u1", "u2"])

    def test_a_known_uuid_with_other_content_is_named(self):
        _, counts = self.import_lines('{"cwd":"/w","uuid":"u1","t":1}', '{"uuid":"u1","t":2}', '{"uuid":"u2"}',
                                      '{ "cwd":"/w", "uuid":"u1", "t":1 }', '{"\\u0075uid":"\\u00751","t":3}', wanted=1)
        self.assertEqual(counts, (1, 2, 0, 2, 0))
        err, counts = self.bring(self.running.address, wanted=1)
        self.assertEqual(counts, (1, 0, 2, 2, 0))
        for line in (2, 5):
            self.assertIn(f"line {line} is skipped: an entry of the stream, or an earlier line, has the same uuid", err)
        self.assertEqual(self.uuids(self.running), ["u1", "u2"])

    def test_a_uuid_that_no_append_takes_is_named(self):
        bad = ["", "x" * 129, "a\u0007b", "\ud800"]
        err, counts = self.import_lines(self.line(1), *(self.line(2, uuid=uuid) for uuid in bad),
                                        self.line(3, uuid="x" * 128), self.line(4, uuid=7), self.line(5, uuid=8), wanted=1)
        for line in range(2, 6):
            self.assertIn(f"line {line} is skipped: uuid must ", err)
        self.assertEqual(counts, (1, 4, 0, 4, 0))

    def test_records_on_one_line_are_all_taken(self):
        self.import_lines(self.line(1) + self.line(2), self.line(3) + ' {"uuid":"u4","t":"}{\\""}', self.line(5) + "\0\0", wanted=1)
        self.assertEqual(self.uuids(self.running), ["u1", "u2", "u3", "u4", "u5"])

    def long_line(self, number, size):
        line = json.dumps({"uuid": f"u{number}", "pad": ""}, separators=(",", ":"))
        return line.replace('""', '"' + "x" * (size - len(line)) + '"')

    def test_a_line_that_is_too_long_is_passed_over_at_the_limit_of_the_service(self):
        lines = [self.line(1), self.long_line(2, 4096), self.long_line(3, 4097), self.line(4)]
        err, counts = self.import_lines(*lines, wanted=1, flags=("--max-body-size", "4096"))
        self.assertIn(f"{self.SESSION}.jsonl: line 3 is skipped: the service returned status 413", err)
        self.assertEqual(counts, (1, 3, 0, 1, 0))
        self.assertEqual(self.uuids(self.running), ["u1", "u2", "u4"])

    def test_a_line_that_is_too_long_is_passed_over_at_the_limit_of_the_command(self):
        self.import_lines(self.line(1), self.long_line(2, 4096), self.long_line(3, 4097) + "\r", self.long_line(4, 1 << 20), self.line(5))
        other = self.service(self.path("b.db"))
        err, counts = self.bring(other.address, "--max-body-size", "4096", wanted=1)
        for line in (3, 4):
            self.assertIn(f"line {line} is skipped: the line has more than 4096 bytes (--max-body-size)", err)
        self.assertEqual(counts, (1, 3, 0, 2, 0))

    def test_a_line_that_is_too_deep_is_passed_over(self):
        deep = [self.line(number, v="D").replace('"D"', "[" * depth + "]" * depth) for number, depth in ((2, 9), (3, 10), (4, 20000))]
        err, counts = self.import_lines(self.line(1), *deep, self.line(5), wanted=1, flags=("--max-json-depth", "10"))
        self.assertIn("line 3 is skipped: the service returned status 400", err)
        self.assertIn("line 4 is skipped: column", err)
        self.assertEqual(counts, (1, 3, 0, 2, 0))
        self.assertEqual(self.uuids(self.running), ["u1", "u2", "u5"])

    def test_a_service_with_small_batches_takes_all(self):
        self.import_lines(*(self.line(number) for number in range(20)), flags=("--max-batch-entries", "3"))
        self.assertEqual(self.uuids(self.running), [f"u{number}" for number in range(20)])

    def test_one_file_that_cannot_be_read_holds_up_no_other(self):
        os.makedirs(self.path("t", "a"))
        os.symlink("loop.jsonl", self.path("t", "a", "loop.jsonl"))
        with open(self.path("t", f"a/{ID.format(1)}.jsonl"), "wb") as file:
            os.truncate(file.name, 1 << 25)  # one line of NULs
        err, counts = self.import_lines(self.line(1), wanted=1, flags=())
        self.assertIn(f"{ID.format(1)}.jsonl: line 1 is skipped: the line has more than", err)
        self.assertEqual(counts, (1, 1, 0, 1, 0))


    def test_a_path_that_cannot_be_read_is_named(self):
        service = self.service(self.path("a.db"))
        words = ("--thread", "t", "--listen", service.address)
        self.run_badly(3, f"{self.path('absent')}: No such file", "import", "--claude", self.path("absent"), *words)
        self.run_badly(1, "mem is skipped: Input/output error", "import", "--claude", "/proc/self/mem", *words)


class Interruptions(Transcripts):
    """What another client does meanwhile, or the service says, stops one file and leaves no hole."""

    def setUp(self):
        super().setUp()
        self.running = self.service(self.path("a.db"))
        self.other = ID.format(9)
        self.lines = [self.line(number) for number in range(500)]
        self.write(f"p/{self.SESSION}.jsonl", *self.lines)
        self.write(f"q/{self.other}.jsonl", self.line(1))

    def call(self, method, target, body, wanted=200, **headers):
        response = self.running.call(method, target, json.dumps(body).encode(), {**JSON, **headers})
        self.assertEqual(response.status, wanted, response.body)
        return response

    def bring_with(self, before, wanted):
        """`before(n, method)` is called for the nth append, from 1, and may answer it."""
        appends = []

        def look(method, target):
            if method != "POST" or self.SESSION not in target:
                return None
            appends.append(target)
            return before(len(appends))

        return self.bring(Proxy(self, self.running.address, look).address, wanted=wanted)

    def check_stopped(self, before, reason):
        err, counts = self.bring_with(before, wanted=3)
        self.assertIn(f"p/{self.SESSION}.jsonl: stopped before line 201: {reason}", err)
        self.assertEqual(counts, (2, 201, 0, 0, 1))
        self.assertEqual(self.uuids(self.running, self.other), ["u1"])
        return err

    def check_complete(self, *more):
        self.bring(self.running.address)
        self.assertEqual(self.uuids(self.running), [f"u{number}" for number in range(200)] + list(more) +
                         [f"u{number}" for number in range(200, 500)])

    def test_a_lease_stops_the_file_and_names_its_owner(self):
        lease = f"/sessions/{self.SESSION}/lease"
        self.check_stopped(lambda n: n == 2 and self.call("PUT", lease, {"owner": "agent 1", "ttl_seconds": 60}) and None,
                           '"agent 1" has a lease on the session until 20')
        self.assertEqual(self.bring(self.running.address, wanted=3)[1], (2, 0, 201, 0, 1))
        self.running.call("DELETE", lease, headers={"Lease-Token": "1"})
        self.check_complete()

    def test_another_writer_stops_the_file(self):
        entries = f"/sessions/{self.SESSION}/entries"
        self.check_stopped(lambda n: n == 2 and self.call("POST", entries, [{"uuid": "other"}]) and None,
                           "another client appends to the stream")
        self.check_complete("other")

    def test_a_deletion_stops_the_file(self):
        self.check_stopped(lambda n: n == 2 and self.running.call("DELETE", f"/sessions/{self.SESSION}") and None,
                           "the session was deleted during the import")
        self.bring(self.running.address)
        self.assertEqual(self.uuids(self.running), [f"u{number}" for number in range(500)])

    def test_other_conflicts_stop_the_file_with_the_words_of_the_service(self):
        problem = json.dumps({"type": "urn:sessiond:problem:status-mismatch", "detail": "the status\x1b is"}).encode()
        err = self.check_stopped(lambda n: (409, {}, problem) if n == 2 else None, "the service returned status 409: the status\\u{1b} is")
        self.assertNotIn("\x1b", err)
        self.check_complete()

    def test_a_busy_service_is_asked_again_after_retry_after(self):
        begin = time.monotonic()
        busy = {1: (503, {"Retry-After": "2"}, b"{}"), 2: (429, {"Retry-After": "1"}, b"{}"), 4: (503, {}, b"{}")}
        _, counts = self.bring_with(busy.get, wanted=0)
        self.assertGreaterEqual(time.monotonic() - begin, 4)
        self.assertEqual(counts, (2, 501, 0, 0, 0))
        self.assertEqual(self.uuids(self.running), [f"u{number}" for number in range(500)])

    def test_a_failing_service_ends_the_import_and_the_file_is_named(self):
        problem = json.dumps({"type": "urn:sessiond:problem:database-full", "detail": "it is full"}).encode()
        err, counts = self.bring_with(lambda n: (507, {}, problem) if n == 2 else None, wanted=3)
        self.assertIn(f"p/{self.SESSION}.jsonl: the service returned status 507: it is full", err)
        self.assertEqual(counts, (1, 200, 0, 0, 0))
        self.check_complete()

    def test_a_response_that_is_no_page_ends_the_import(self):
        pages = [b"", b"[]", b"{", b'{"entries":', b'{"next_after":1,"last_seq":1}', b'{"entries":"{","next_after":1,"last_seq":1}',
                 b'{"entries":[7],"next_after":1,"last_seq":1}', b'{"entries":[{"seq":1}],"next_after":1,"last_seq":1}',
                 b'{"entries":[{"entry":"{"}],"next_after":1,"last_seq":1}', b'{"entries":[],"next_after":0,"last_seq":9}',
                 b'{"entries":[{"entry":[' + b"[" * 20000 + b"]" * 20000 + b']}],"next_after":1,"last_seq":1}',
                 b'{"entries":[],"next_after":"7","last_seq":' + b"9" * 40 + b"}"]
        for page in pages:
            proxy = Proxy(self, self.running.address, lambda method, target, page=page:
                          (200, {"Content-Type": "application/json"}, page) if method == "GET" else None)
            err, _ = self.bring(proxy.address, wanted=3)
            self.assertIn(f"p/{self.SESSION}.jsonl: ", err, page[:60])
        self.assertEqual(self.uuids(self.running), [])

    def test_an_export_is_sent_again_after_retry_after_too(self):
        self.bring(self.running.address)
        export = self.path("export")
        with open(export, "w", encoding="utf-8") as file:
            file.write(self.run_well("export", "--listen", self.running.address))
        target, busy = self.service(self.path("b.db")), [(429, {"Retry-After": "2"}, b"{}")]
        proxy = Proxy(self, target.address, lambda method, _: busy.pop() if busy else None)
        begin = time.monotonic()
        self.run_well("import", export, "--listen", proxy.address)
        self.assertGreaterEqual(time.monotonic() - begin, 2)


if __name__ == "__main__":
    main()
