"""Sessions of the Python SessionManager with an empty thread_id or project_path: they are served, moved and checked as they are.

usage: empty_texts_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json

from case import ID, PYTHON_INSERT, PYTHON_SCHEMA, Case, connect, main

JSON = {"Content-Type": "application/json"}
MERGE = {"Content-Type": "application/merge-patch+json"}
TIME = "2026-01-25T12:00:00+00:00"
# (project_path, thread_id) of session 0, 1, …
TEXTS = [("", ""), ("", "t"), ("/p", ""), ("/p", "t")]


class EmptyTexts(Case):
    def setUp(self):
        super().setUp()
        self.database = self.path("python.db")
        with connect(self.database) as database:
            database.executescript(PYTHON_SCHEMA)
            database.executemany(PYTHON_INSERT, [(ID.format(number), *texts, "CREATED", '{"a":1}', TIME, TIME)
                                                 for number, texts in enumerate(TEXTS)])
        self.served = self.service(self.database)

    def call(self, method, target, body=None, headers=JSON, status=200, service=None):
        response = (service or self.served).call(method, target, None if body is None else json.dumps(body).encode(), headers)
        self.assertEqual(response.status, status, response.body)
        return response.json() if response.body else None

    def texts(self, service=None):
        sessions = self.call("GET", "/sessions?limit=100", service=service)["sessions"]
        return {session["id"]: (session["project_path"], session["thread_id"]) for session in sessions}

    def expect_texts(self, wanted, service=None):
        self.assertEqual(self.texts(service), {ID.format(number): texts for number, texts in enumerate(wanted)})

    def test_they_are_listed_and_found(self):
        self.expect_texts(TEXTS)
        for number, texts in enumerate(TEXTS):
            found = self.call("GET", f"/sessions/{ID.format(number)}")
            self.assertEqual((found["project_path"], found["thread_id"]), texts)
        self.assertEqual(len(self.call("GET", "/sessions?thread_id=t")["sessions"]), 2)
        self.assertEqual(len(self.call("GET", "/sessions?project_path=/p&thread_id=t")["sessions"]), 1)

    def test_they_change_in_all_but_these_texts(self):
        for number in range(len(TEXTS)):
            target = f"/sessions/{ID.format(number)}"
            self.call("PATCH", target, {"status": "ACTIVE", "context": {"b": 2}}, MERGE)
            self.call("POST", f"{target}/entries", [{"n": number}])
            self.call("PUT", f"{target}/lease", {"owner": "o", "ttl_seconds": 60})
            token = self.call("GET", target)["lease"]["token"]
            self.call("DELETE", f"{target}/lease", headers={"Lease-Token": str(token)}, status=204)
            self.call("POST", f"{target}/fork", {}, status=201)
        self.call("POST", "/sessions/recover", {})
        forks = self.call("GET", "/sessions?limit=100")["sessions"]
        self.assertEqual(len(forks), 2 * len(TEXTS))
        self.assertEqual(sorted((fork["project_path"], fork["thread_id"]) for fork in forks), sorted(2 * TEXTS))
        events = self.call("GET", "/events?limit=1000")["events"]
        self.assertIn("", {event.get("thread_id") for event in events})
        self.call("DELETE", f"/sessions/{ID.format(0)}", status=204)
        self.stop(self.served)
        self.run_well("check", self.database)

    def test_a_folder_that_moves_takes_no_session_without_a_path_along(self):
        self.call("POST", "/sessions/relocate", {"from": "/p", "to": "/q"})
        self.expect_texts([("", ""), ("", "t"), ("/q", ""), ("/q", "t")])
        self.call("POST", "/sessions/relocate", {"from": "/", "to": "/r"})
        self.expect_texts([("", ""), ("", "t"), ("/r/q", ""), ("/r/q", "t")])
        self.call("POST", "/sessions/relocate", {"from": "/r/q", "to": "/"})
        self.expect_texts([("", ""), ("", "t"), ("/", ""), ("/", "t")])
        self.call("POST", "/sessions/relocate", {"from": "/", "to": "/s"})
        self.expect_texts([("", ""), ("", "t"), ("/s", ""), ("/s", "t")])

    def test_an_export_brings_them_into_another_service(self):
        exported = self.export(self.served)
        target = self.service(self.path("target.db"))
        for _ in range(2):
            self.run_well("import", self.path("all.ndjson"), "--listen", target.address)
            self.expect_texts(TEXTS, target)
        self.assertEqual(self.export(target), exported)
        self.stop(target)
        self.run_well("check", self.path("target.db"))

    def export(self, service):
        lines = self.run_well("export", "--listen", service.address)
        with open(self.path("all.ndjson"), "w", encoding="utf-8") as file:
            file.write(lines)
        return lines

    def test_backup_and_restore_keep_them(self):
        self.run_well("backup", self.path("backup.db"), "--listen", self.served.address)
        self.run_well("restore", self.path("backup.db"), "--db", self.path("restored.db"))
        self.expect_texts(TEXTS, self.service(self.path("restored.db")))

    def test_a_new_session_needs_both(self):
        for texts in ({"project_path": "", "thread_id": "t"}, {"project_path": "/p", "thread_id": ""}):
            self.call("POST", "/sessions", texts, status=422)


if __name__ == "__main__":
    main()
