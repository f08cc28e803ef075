"""Calls every operation of openapi.yaml on a running service and compares what comes back with it.

usage: contract_test.py BINARY OPENAPI_YAML   (SESSIOND_BINARY, where set, goes before BINARY)

Fails when a response does not fit the document: status, headers, body, members that are not
described included; when an operation or one of its statuses was not seen; when an example does not
fit its schema, or shows a problem in other words than the service's; when the served documents
differ from the file.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import re
import socket
import sqlite3
import sys
import tempfile
import time
import uuid

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import yaml  # noqa: E402

import access  # noqa: E402
import entries  # noqa: E402
import events  # noqa: E402
import fork  # noqa: E402
import once  # noqa: E402
import ownership  # noqa: E402
import search  # noqa: E402
import transfer  # noqa: E402
from contract import JSON, MAX_BODY_BYTES, MAX_JSON_DEPTH, MERGE, MISSING, NEW, Contract, wording  # noqa: E402
from document import Document  # noqa: E402
from service import Connection, Response, Service  # noqa: E402

SHOWN_FAILURES = 12
MAX_TARGET_BYTES = 14336
MAX_HEADER_FIELDS = 128
# The statuses that a request alone brings about; the others need a disk or a process in trouble.
MORE_OF_AN_IMPORT = 32 << 10
DETERMINISTIC = {200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 411, 412, 413, 414, 415, 421, 422, 429, 431}

# Bodies of POST and PUT, and whether the schema takes them; the service has to agree.
NEW_SESSIONS = [
    (True, {**NEW, "context": {"a": [1, -0.5, 1e300, True, None, {"ü": "\u0001"}]}}),
    (True, {"project_path": "p", "thread_id": "t"}),
    (True, {"project_path": "p" * 4096, "thread_id": "t" * 512}),
    (True, {"project_path": "/ü €\U0001f600 \u00a0\ufffd", "thread_id": "'\"\\ ; DROP TABLE sessions"}),
    (False, {"project_path": "p" * 4097, "thread_id": "t"}),
    (False, {"project_path": "p", "thread_id": "t" * 513}),
    (False, {"project_path": "", "thread_id": "t"}),
    (False, {"project_path": "p", "thread_id": ""}),
    (False, {"project_path": "p"}),
    (False, {"thread_id": "t"}),
    (False, {**NEW, "status": "ACTIVE"}),
    (False, {**NEW, "id": str(uuid.uuid4())}),
    (False, {**NEW, "context": None}),
    (False, {**NEW, "context": []}),
    (False, {**NEW, "context": "{}"}),
    (False, {**NEW, "project_path": 1}),
    (False, {**NEW, "thread_id": None}),
    (False, {**NEW, "thread_id": "a\u0000b"}),
    (False, {**NEW, "thread_id": "a\u001fb"}),
    (False, {**NEW, "thread_id": "a\u007fb"}),
    (False, {**NEW, "project_path": "a\u0085b"}),
    (False, {**NEW, "project_path": "a\nb"}),
    (False, []),
    (False, "session"),
    (False, None),
]

# Bodies of PATCH: the media type, whether its schema takes the body, the body.
CHANGES = [
    (JSON, True, {}),
    (JSON, True, {"status": "ACTIVE"}),
    (JSON, True, {"context": {"a": {"b": 1, "c": None}, "d": 2}}),
    (MERGE, True, {}),
    (MERGE, True, {"context": {"a": {"b": None}}, "status": "PAUSED"}),
    (MERGE, True, {"context": {}}),
    (MERGE, True, {"context": None}),
    (JSON, False, {"context": None}),
    (JSON, False, {"context": [1]}),
    (JSON, False, {"status": None}),
    (JSON, False, {"status": "active"}),
    (JSON, False, {"status": 1}),
    (JSON, False, {"project_path": "/elsewhere"}),
    (JSON, False, {"version": 1}),
    (JSON, False, []),
    (MERGE, False, {"status": None}),
    (MERGE, False, {"status": "GONE"}),
    (MERGE, False, {"context": 1}),
    (MERGE, False, {"thread_id": None}),
    (MERGE, False, None),
]

MALFORMED = [
    b"", b"{", b'{"project_path":"p","thread_id":"t"} x', b"{'a':1}", b'{"a":01}', b'{"a":NaN}',
    b'{"project_path":"p","project_path":"p","thread_id":"t"}', b'{"a":"\xff"}', b"\xef\xbb\xbf{}",
    b'{"project_path":"p","thread_id":"t","context":' + b'{"a":' * MAX_JSON_DEPTH + b"1" +
    b"}" * MAX_JSON_DEPTH + b"}",
]

BAD_QUERIES = [
    "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=99999999999999999999",
    "limit=1&limit=1", "cursor=", "cursor=!", "cursor=a&cursor=a", "status=", "status=active",
    "status=ACTIVE&status=x", "thread_id=", "thread_id=a&thread_id=a", "thread_id=%00",
    "thread_id=%ff", "thread_id", "project_path=", "project_path=%zz", "project_path=%C3", "order=up",
    "order=", "include=x", "include=", "colour=red", "limit=%zz", "Limit=1", "=1", "limit=1&&x=",
]

BAD_TAGS = ["1", '"1', '1"', '"1" "2"', 'w/"1"', '*, "1"', "**", '"a b"']


def new_sessions(contract):
    for fits, body in NEW_SESSIONS:
        for method, target, schema in (("POST", "/sessions", "NewSession"),
                                       ("PUT", f"/sessions/{uuid.uuid4()}", "NewSessionWithId")):
            contract.schema_agrees(schema, fits, body)
            text = json.dumps(body).encode()
            if fits:
                contract.call(201, method, target, text)
            else:
                contract.problem("invalid-payload", 422, method, target, text)
    for fits, body in ((True, {**NEW, "if_exists": "return"}), (False, {**NEW, "if_exists": "fail"}),
                       (False, {**NEW, "if_exists": None}), (False, {**NEW, "if_exists": True})):
        contract.schema_agrees("NewSession", fits, body)
        contract.schema_agrees("NewSessionWithId", False, body)
        contract.problem("invalid-payload", 422, "PUT", f"/sessions/{uuid.uuid4()}", body)
        if not fits:
            contract.problem("invalid-payload", 422, "POST", "/sessions", body)


def created(contract):
    response = contract.create(context={"a": 1})
    session = response.json()
    contract.equal(response.headers["location"], f"/sessions/{session['id']}", "Location")
    contract.equal(response.headers["etag"], '"1"', "ETag")
    contract.equal(session["status"], "CREATED", "the first status")
    contract.equal(session["context"], {"a": 1}, "the context")
    got = contract.call(200, "GET", response.headers["location"])
    contract.equal(got.json(), session, "what GET answers after POST")
    contract.equal(got.headers["etag"], '"1"', "ETag of GET")
    contract.call(201, "POST", "/sessions", NEW, content_type='Application/JSON; charset="utf-8"')


def put(contract):
    name = str(uuid.uuid4())
    first = contract.call(201, "PUT", f"/sessions/{name.upper()}", NEW)
    contract.equal(first.json()["id"], name, "the id of PUT")
    contract.equal(first.headers.get("location"), f"/sessions/{name}", "Location of PUT")
    contract.call(200, "PATCH", f"/sessions/{name}", {"status": "ACTIVE"})
    again = contract.call(200, "PUT", f"/sessions/{name}", {**NEW, "context": {"b": 1}})
    contract.equal(again.json()["version"], 2, "the version after a repeated PUT")
    contract.equal(again.json()["context"], {}, "the context after a repeated PUT")
    for member in NEW:
        contract.problem("session-exists", 409, "PUT", f"/sessions/{name}", {**NEW, member: "other"})
    contract.problem("not-found", 404, "PUT", "/sessions/mine", NEW)


def changes(contract):
    schemas = {JSON: "SessionUpdate", MERGE: "SessionMergePatch"}
    target = contract.create().headers["location"]
    version = 1
    for media_type, fits, body in CHANGES:
        contract.schema_agrees(schemas[media_type], fits, body)
        if not fits:
            contract.problem("invalid-payload", 422, "PATCH", target, json.dumps(body).encode(), media_type)
            continue
        version += 1 if body else 0
        response = contract.call(200, "PATCH", target, body, media_type)
        contract.equal(response.headers["etag"], f'"{version}"', f"ETag after PATCH {body}")
        contract.equal(response.json()["version"], version, f"the version after PATCH {body}")
    contract.equal(contract.call(200, "GET", target).json()["context"], {}, "a context that was reset")
    contract.problem("not-found", 404, "PATCH", MISSING, {"status": "ACTIVE"})
    contract.problem("not-found", 404, "PATCH", "/sessions/x", {"status": "ACTIVE"})


def lifecycle(contract):
    target = contract.create().headers["location"]
    problem = contract.problem("invalid-transition", 409, "PATCH", target, {"status": "PAUSED"}).json()
    contract.equal(problem["current_status"], "CREATED", "current_status")
    for status in ("ACTIVE", "TERMINATED"):
        contract.check(status in problem["allowed"], f"allowed lacks {status}")
    contract.check("PAUSED" not in problem["allowed"], "allowed has what was just refused")
    contract.equal(contract.call(200, "GET", target).headers["etag"], '"1"', "ETag after a refused change")


def preconditions(contract):
    target = contract.create().headers["location"]
    for tag in ('"2"', 'W/"1"', '"2", "x"', '""', '"01"'):
        for method, body in (("PATCH", {"status": "ACTIVE"}), ("DELETE", None)):
            refused = contract.problem("precondition-failed", 412, method, target, body,
                                       headers={"If-Match": tag})
            contract.equal(refused.headers["etag"], '"1"', "ETag of 412")
            contract.equal(refused.json()["current_version"], 1, "current_version")
        contract.problem("not-found", 404, "DELETE", MISSING, headers={"If-Match": tag})
        contract.problem("precondition-failed", 412, "GET", target, headers={"If-Match": tag})
        contract.problem("precondition-failed", 412, "HEAD", target, headers={"If-Match": tag})
    for tag in ('"1"', 'W/"1"', '"9", "1"', "*"):
        for method, body in (("PATCH", {"status": "ACTIVE"}), ("DELETE", None)):
            contract.problem("precondition-failed", 412, method, target, body, headers={"If-None-Match": tag})
    contract.call(200, "PATCH", target, {"status": "ACTIVE"}, headers={"If-Match": '"9", "1"'})
    contract.call(200, "PATCH", target, {"status": "ACTIVE"}, headers={"If-Match": "*"})
    for method in ("GET", "HEAD"):
        for tag in ('"3"', 'W/"3"', '"1", W/"3"', "*"):
            unchanged = contract.call(304, method, target, headers={"If-None-Match": tag})
            contract.equal(unchanged.headers["etag"], '"3"', "ETag of 304")
        contract.call(200, method, target, headers={"If-None-Match": '"1"'})
        contract.problem("not-found", 404, method, MISSING, headers={"If-None-Match": "*"})
        both = {"If-Match": '"3"', "If-None-Match": '"3"'}
        contract.call(304, method, target, headers=both)
        contract.call(200, method, target, headers={**both, "If-None-Match": '"1"'})
        contract.problem("precondition-failed", 412, method, target, headers={**both, "If-Match": '"1"'})
    contract.call(204, "DELETE", target, headers={"If-Match": '"3"', "If-None-Match": '"1"'})
    contract.problem("not-found", 404, "DELETE", target)
    contract.problem("not-found", 404, "GET", "/sessions/x")
    contract.problem("not-found", 404, "HEAD", "/sessions/x")


def put_preconditions(contract):
    target = f"/sessions/{uuid.uuid4()}"
    refused = contract.problem("precondition-failed", 412, "PUT", target, NEW, headers={"If-Match": "*"})
    contract.check("etag" not in refused.headers, "an ETag of what is not there")
    contract.call(201, "PUT", target, NEW, headers={"If-None-Match": "*"})
    for headers in ({"If-None-Match": "*"}, {"If-None-Match": 'W/"1"'}, {"If-Match": '"2"'}):
        refused = contract.problem("precondition-failed", 412, "PUT", target, NEW, headers=headers)
        contract.equal(refused.headers["etag"], '"1"', f"ETag of a PUT refused by {headers}")
    for headers in ({"If-Match": "*"}, {"If-Match": '"1"'}, {"If-None-Match": '"2"'}):
        contract.call(200, "PUT", target, NEW, headers=headers)


def tags(contract):
    target = contract.create().headers["location"]
    schema = {"$ref": "#/components/schemas/EntityTags"}
    for tag in BAD_TAGS:
        contract.check(contract.document.faults(schema, tag), f"EntityTags takes {tag}")
        for header in ("If-Match", "If-None-Match"):
            for method, body in (("GET", None), ("HEAD", None), ("PUT", NEW), ("PATCH", {}), ("DELETE", None)):
                contract.problem("invalid-header", 400, method, target, body, headers={header: tag})
            contract.problem("invalid-header", 400, "POST", f"{target}/transition", {}, headers={header: tag})


def bad_bodies(contract):
    target = contract.create().headers["location"]
    for method, where in (("POST", "/sessions"), ("PUT", target), ("PATCH", target)):
        for body in MALFORMED:
            contract.problem("malformed-json", 400, method, where, body)
        for media_type in ("text/plain", "application/jsonx", "application/x-www-form-urlencoded", None):
            contract.problem("unsupported-media-type", 415, method, where, NEW, media_type)
        for coding in ("gzip", "deflate, gzip", "x-unknown", "identity, gzip"):
            refused = contract.problem("unsupported-media-type", 415, method, where, NEW, headers={"Content-Encoding": coding})
            contract.equal(refused.headers.get("accept-encoding"), "identity", f"{method} {coding}: Accept-Encoding")
    contract.problem("unsupported-media-type", 415, "POST", "/sessions", NEW, MERGE)
    refused = contract.problem("unsupported-media-type", 415, "POST", "/sessions", NEW, "text/plain")
    contract.check("accept-encoding" not in refused.headers, "a refused media type tells of codings")
    for coding in ("identity", "Identity", ""):
        contract.call(201, "POST", "/sessions", NEW, headers={"Content-Encoding": coding})


def chunked_bodies(contract):
    """Taken wherever a body is, and refused where the decoded body is too long or none is taken."""
    chunked = {"Transfer-Encoding": "chunked"}
    made = contract.call(201, "POST", "/sessions", NEW, chunked=True, headers=chunked)
    contract.equal(made.headers.get("connection"), "close", "Connection of a chunked request")
    target = made.headers["location"]
    contract.call(200, "PATCH", target, {"context": {"a": 1}}, MERGE, chunked=True, headers=chunked)
    contract.call(200, "POST", f"{target}/entries", b'{"n":1}\n', "application/x-ndjson", chunked=True, headers=chunked)
    contract.call(200, "PUT", f"{target}/lease", {"owner": "o", "ttl_seconds": 3600}, chunked=True, headers=chunked)
    contract.problem("unsupported-media-type", 415, "POST", "/sessions", NEW, "text/plain", chunked=True, headers=chunked)
    for method, pattern, _ in contract.document.operations.values():
        where = contract.place(pattern)
        more = MORE_OF_AN_IMPORT if pattern == "/admin/import" else 0
        body = b" " * (MAX_BODY_BYTES + more) + b"{}"
        contract.problem("body-too-large", 413, method, where, body, chunked=True, headers=chunked)


def unread_bodies(contract):
    """A body that is too long, or in chunks of HTTP/1.0, is refused before it is read, also where none is taken."""
    for method, pattern, _ in contract.document.operations.values():
        where = contract.place(pattern)
        more = MORE_OF_AN_IMPORT if pattern == "/admin/import" else 0
        contract.problem("body-too-large", 413, method, where, b" " * (MAX_BODY_BYTES + more) + b"{}")
        contract.problem("length-required", 411, method, where, b"{}", chunked=True, version="HTTP/1.0",
                         headers={"Transfer-Encoding": "chunked"})


def long_heads(contract):
    """A request line or header fields that are too long are refused whatever they ask for."""
    many = {f"X-Field-{i}": "x" for i in range(MAX_HEADER_FIELDS)}
    for method, pattern, _ in contract.document.operations.values():
        where = contract.place(pattern)
        contract.problem("uri-too-long", 414, method, f"{where}?{'x' * MAX_TARGET_BYTES}")
        contract.problem("header-fields-too-large", 431, method, where, headers=many)


def lists(contract):
    thread = "+49 list/&=ü"
    target = "/sessions?thread_id=%2B49+list/%26%3D%C3%BC"
    names = [contract.create(thread_id=thread, project_path=f"/list/{i}").json()["id"] for i in range(3)]
    contract.call(200, "PATCH", f"/sessions/{names[1]}", b'{"status":"ACTIVE","context":{"n":1}}')

    def ids(query):
        return [item["id"] for item in contract.call(200, "GET", target + query).json()["sessions"]]

    contract.equal(ids(""), names[::-1], "newest first")
    contract.equal(ids("&order=asc"), names, "oldest first")
    contract.equal(ids("&status=ACTIVE"), [names[1]], "one status")
    contract.equal(ids("&status=ACTIVE&status=CREATED"), names[::-1], "two statuses")
    contract.equal(ids("&project_path=/list/2"), [names[2]], "a project")
    contract.equal(ids("&project_path=/list/9"), [], "no such project")
    contract.equal(contract.call(200, "GET", "/sessions?thread_id=+49+list/%26%3D%C3%BC").json()["sessions"][0]["id"],
                   names[2], "a plus sign as typed")
    short = contract.call(200, "GET", target + "&status=ACTIVE").json()["sessions"][0]
    contract.equal(short["context_bytes"], len('{"n":1}'), "context_bytes")
    full = contract.call(200, "GET", target + "&status=ACTIVE&include=context").json()["sessions"][0]
    contract.equal(full["context"], {"n": 1}, "include=context")
    follow(contract, target + "&limit=1", names[::-1])


def follow(contract, target, names):
    """Goes from page to page by Link and by next_cursor, one session each."""
    first = target
    for place, name in enumerate(names):
        response = contract.call(200, "GET", target)
        page = response.json()
        contract.equal([item["id"] for item in page["sessions"]], [name], f"page {place}")
        if place == len(names) - 1:
            contract.equal(page["next_cursor"], None, "next_cursor of the last page")
            contract.check("link" not in response.headers, "the last page has a Link")
            return
        target = response.headers["link"][1:].split(">")[0]
        by_cursor = contract.call(200, "GET", f"{first}&cursor={page['next_cursor']}").json()
        contract.equal([item["id"] for item in by_cursor["sessions"]], [names[place + 1]], "next_cursor")


def bad_queries(contract):
    for query in BAD_QUERIES:
        problem = contract.problem("invalid-query", 400, "GET", f"/sessions?{query}").json()
        contract.check("parameter" in problem.get("errors", [{}])[0], f"?{query}: errors name no parameter")
    for operation_id, (method, pattern, _) in contract.document.operations.items():
        if 400 in contract.document.responses(operation_id):
            body = NEW if method in ("POST", "PUT", "PATCH") else None
            contract.problem("invalid-query", 400, method, f"{contract.place(pattern)}?colour=red", body)


def service_paths(contract):
    contract.call(200, "GET", "/healthz")
    contract.call(200, "GET", "/readyz")
    metrics = contract.call(200, "GET", "/metrics").body.decode()
    contract.check('sessiond_sessions{status="CREATED"}' in metrics, "metrics lack sessiond_sessions")
    described = contract.document.operations["getMetrics"][2]["description"]
    contract.equal(sorted(re.findall(r"(?m)^\| `(\w+)` \| (\w+) \|", described)),
                   sorted(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", metrics)), "the table of metrics")


def backup(contract):
    """A backup is a whole database; of several at once one succeeds, and the others are told so."""
    target = contract.create(context={"blob": "x" * 60000}).headers["location"]
    for _ in range(200):
        contract.create(context={"blob": "x" * 60000})
    body = contract.call(200, "POST", "/admin/backup").body
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        with contextlib.closing(sqlite3.connect(file.name)) as database:
            contract.equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")
            found = database.execute("SELECT count(*) FROM sessions WHERE id = ?", [target.split("/")[-1]])
            contract.equal(found.fetchone(), (1,), "the session in the backup")
    for _ in range(20):
        if ("createBackup", 409) in contract.seen:
            return
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(contract.service.call, "POST", "/admin/backup") for _ in range(4)]
        for response in (call.result() for call in calls):
            contract.check(response.status in (200, 409), f"backups at once: status {response.status}")
            contract.failures += contract.document.response_faults("createBackup", response)
            contract.seen.add(("createBackup", response.status))
            if response.status == 409:
                contract.wordings.add(wording(response.json()))


def purge(contract):
    """Retention: off it shows nothing and deletes nothing; on, what is shown goes."""
    told = contract.call(200, "GET", "/admin/retention").json()
    contract.equal(told["terminated"]["retain_seconds"], None, "retain_seconds of a service without --retain-terminated")
    contract.equal(told["next_cursor"], None, "next_cursor of a service without --retain-terminated")
    contract.call(200, "GET", "/admin/retention?cursor=1.0.0")
    done = contract.call(200, "POST", "/admin/purge").json()
    contract.equal(done["purged"], {"terminated": 0, "idle": 0, "bytes": 0}, "what was purged")
    contract.call(200, "POST", "/admin/purge?cursor=1.0.-5")
    for cursor in ("", "x", "2.0.0", "0.0", "0.-1.0", "0.0.0&cursor=0.0.0"):
        contract.problem("invalid-query", 400, "POST", f"/admin/purge?cursor={cursor}")
        contract.problem("invalid-query", 400, "GET", f"/admin/retention?cursor={cursor}")
    contract.problem("unsupported-media-type", 415, "POST", "/admin/purge", b"x=y", "application/x-www-form-urlencoded")
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    contract.call(201, "POST", "/sessions", NEW, headers=key)
    contract.problem("idempotency-key-reused", 422, "POST", "/admin/purge", headers=key)
    keeping = Service(contract.service.command[0], "--retain-terminated", "1s").start()
    for _ in range(70):
        made = keeping.call("POST", "/sessions", json.dumps(NEW).encode(), {"Content-Type": JSON})
        keeping.call("PATCH", made.headers["location"], b'{"status":"TERMINATED"}', {"Content-Type": JSON})
    time.sleep(1.1)
    for method, target, operation_id in (("GET", "/admin/retention", "getRetention"),
                                         ("POST", "/admin/purge", "purgeSessions")):
        answer = keeping.call(method, target)
        contract.equal(answer.status, 200, f"the status of {target} with something to delete")
        contract.failures += contract.document.response_faults(operation_id, answer)
    contract.failures += keeping.stop()


def unfinished(address, method, target):
    """The answer to a request whose head never ends."""
    connection = Connection(address).http
    connection.connect()
    connection.sock.sendall(f"{method} {target} HTTP/1.1\r\nHost: {address}\r\n".encode())
    answer = http.client.HTTPResponse(connection.sock, method=method)
    try:
        answer.begin()
        return Response(answer)
    finally:
        answer.close()
        connection.close()


def limits(contract):
    """Whatever is asked for may be refused for its rate, or because it does not arrive."""
    binary = contract.service.command[0]
    fast = Service(binary, "--rate-limit", "1").start()
    slow = Service(binary, "--request-timeout", "400ms").start()
    for operation_id, (method, pattern, _) in contract.document.operations.items():
        target = contract.place(pattern)
        answers = [unfinished(slow.address, method, target)]
        while answers[-1].status != 429 and len(answers) < 1000:
            answers.append(fast.call(method, target))
        for answer, status in ((answers[0], 408), (answers[-1], 429)):
            contract.equal(answer.status, status, f"the status of {method} {target}")
            contract.failures += contract.document.response_faults(operation_id, answer)
            contract.seen.add((operation_id, answer.status))
            if method != "HEAD":
                contract.wordings.add(wording(answer.json()))
    contract.failures += fast.stop() + slow.stop()


def documents(contract):
    with open(contract.document.path, "rb") as file:
        text = file.read()
    contract.check(contract.call(200, "GET", "/openapi.yaml").body == text, "/openapi.yaml is not the file")
    served = contract.call(200, "GET", "/openapi.json").json()
    contract.check(served == contract.document.root, "/openapi.json is not the file's JSON form")
    contract.check(served == yaml.safe_load(text), "YAML 1.1 readers see other values in openapi.yaml")


def heads(contract):
    """HEAD answers what GET does, without the body. How one without a length is framed is the connection's matter."""
    changing = ("date", "x-request-id", "connection", "transfer-encoding")
    for pattern, item in contract.document.root["paths"].items():
        if "get" not in item:
            continue
        where = contract.place(pattern)
        get, head = (contract.service.call(method, where) for method in ("GET", "HEAD"))
        for response in (get, head):
            for name in changing + (("content-length",) if pattern == "/metrics" else ()):
                response.headers.pop(name, None)
        contract.equal((head.status, head.headers, head.body), (get.status, get.headers, b""), f"HEAD {where}")


def no_such_method(contract):
    header = {"Allow": {"required": True, "schema": {"type": "string"}},
              "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    for pattern in contract.document.root["paths"]:
        where = contract.place(pattern)
        allowed = contract.document.allowed(pattern)
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"} - allowed:
            response = contract.service.call(method, where)
            label = f"{method} {where}"
            contract.equal(response.status, 405, f"{label}: status")
            contract.equal(set(response.headers.get("allow", "").split(", ")), allowed, f"{label}: Allow")
            if method != "HEAD":
                problem_fits(contract, label, where, header, "method-not-allowed", response)


def not_of_http(contract):
    """No operation can answer these: the method is none of them, or the version is not understood."""
    header = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    response = contract.service.call("BREW", "/healthz")
    contract.equal(response.status, 501, "BREW: status")
    problem_fits(contract, "BREW /healthz", "/healthz", header, "method-not-implemented", response)
    host, port = contract.service.address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /healthz HTTP/1.2\r\nHost: h\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        response = Response(answer)
    contract.equal(response.status, 505, "HTTP/1.2: status")
    problem_fits(contract, "HTTP/1.2", "/healthz", header, "version-not-supported", response)
    contract.problem("malformed-request", 400, "GET", "/sessions/a%2Fb")


def no_such_path(contract):
    header = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    for where in ("/", "/session", "/sessions/", "/sessions/x/y", "//sessions", "/Sessions", "/healthz/",
                  "/sessions/x/lease/", "/sessions/x/y/lease", "/sessions//lease", "/sessions/recover/"):
        response = contract.service.call("GET", where)
        contract.equal(response.status, 404, f"GET {where}: status")
        problem_fits(contract, f"GET {where}", where, header, "not-found", response)


def problem_fits(contract, label, target, headers, name, response):
    faults = contract.document.header_faults(headers, response.headers)
    problem = response.json()
    faults += contract.document.faults({"$ref": "#/components/schemas/Problem"}, problem)
    contract.failures.extend(f"{label}: {fault}" for fault in faults)
    contract.equal(problem["type"], f"urn:sessiond:problem:{name}", f"{label}: type")
    contract.check_problem(label, target, response)


def request_ids(contract):
    given = contract.call(200, "GET", "/healthz", headers={"X-Request-Id": "my-own.42"})
    contract.equal(given.headers["x-request-id"], "my-own.42", "X-Request-Id")
    made = {contract.call(200, "GET", "/healthz").headers["x-request-id"] for _ in range(3)}
    contract.equal(len(made), 3, "the number of different request ids made")
    unsuited = contract.call(200, "GET", "/healthz", headers={"X-Request-Id": 'a"b c\t' + "x" * 300})
    contract.check("x" * 300 not in unsuited.headers["x-request-id"], "an unsuited X-Request-Id was taken")


def examples(contract):
    """Every example fits its schema, and every JSON body has one."""
    found = list(contract.document.examples())
    contract.check(len(found) > 30, f"only {len(found)} examples were found")
    for where, schema, value in found:
        contract.failures.extend(f"{where}: {fault}" for fault in contract.document.faults(schema, value))
    for operation_id, (_, _, operation) in contract.document.operations.items():
        contents = [response.get("content", {}) for response in contract.document.responses(operation_id).values()]
        contents.append(contract.document.resolve(operation.get("requestBody", {})).get("content", {}))
        for content in contents:
            for media_type, body in content.items():
                contract.check("schema" not in body or "example" in body or "examples" in body, f"{operation_id}: {media_type}: no example")


def example_requests(contract):
    """The requests that the document shows work."""
    for method, pattern, operation in contract.document.operations.values():
        content = contract.document.resolve(operation.get("requestBody", {})).get("content", {})
        for media_type, body in content.items():
            for value in contract.document.values_of(body):
                where = contract.place(pattern)
                if isinstance(value, str):
                    value = value.encode()
                if isinstance(value, dict) and value.get("from") == "ACTIVE":
                    contract.call(200, "PATCH", where.removesuffix("/transition"), {"status": "ACTIVE"})
                creates = operation["operationId"] in ("createSession", "putSession", "forkSession")
                where = f"/sessions/{uuid.uuid4()}" if method == "PUT" and creates else where
                contract.call(201 if creates else 200, method, where, value, media_type)


def example_problems(contract):
    """The problems that the document shows are worded as the service words them."""
    for where, _, value in contract.document.examples():
        if isinstance(value, dict) and str(value.get("type")).startswith("urn:") and value["status"] in DETERMINISTIC:
            contract.check(wording(value) in contract.wordings, f"{where}: the service never said: {value['detail']}")


def problem_table(contract):
    """The table in the introduction lists the types that responses have, and those of no operation."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", contract.document.root["info"]["description"], re.M)
    listed = {name: int(status) for name, status in rows}
    described = {**contract.document.problem_types(), "method-not-allowed": 405,
                 "method-not-implemented": 501, "version-not-supported": 505}
    contract.equal(listed, described, "the table of problem types")


def links(contract):
    """Links lead to operations and parameters that exist."""
    for operation_id in contract.document.operations:
        for response in contract.document.responses(operation_id).values():
            for name, link in response.get("links", {}).items():
                known = contract.document.operations.keys()
                contract.check(link["operationId"] in known, f"{name}: no operation {link['operationId']}")
                parameters = contract.document.parameters(link["operationId"])
                for parameter in link["parameters"]:
                    contract.check(tuple(parameter.split(".", 1)) in parameters, f"{name}: no {parameter}")


def everything_was_seen(contract):
    for operation_id in contract.document.operations:
        for status in contract.document.responses(operation_id).keys() & DETERMINISTIC:
            contract.check((operation_id, status) in contract.seen, f"{operation_id}: {status} was never seen")


CHECKS = [
    examples, problem_table, links, created, new_sessions, put, changes, lifecycle, preconditions,
    put_preconditions, tags, bad_bodies, chunked_bodies, unread_bodies, long_heads, lists, *once.CHECKS, *entries.CHECKS, *fork.CHECKS, *transfer.CHECKS, *ownership.CHECKS, *events.CHECKS, *search.CHECKS, *access.CHECKS, bad_queries,
    service_paths, backup, purge, limits, documents, heads, no_such_method, not_of_http, no_such_path, request_ids, example_requests, example_problems,
    everything_was_seen,
]


def run(check, contract):
    """Runs one check; its failures are printed. Whether there were none."""
    contract.failures = []
    try:
        check(contract)
    except Exception as error:  # a response that does not even have what the check goes on with
        contract.failures.append(f"stopped by {type(error).__name__}: {error}")
    print(f"{'FAILED' if contract.failures else 'ok    '} {check.__name__}")
    for failure in contract.failures[:SHOWN_FAILURES]:
        print(f"  - {failure}")
    if len(contract.failures) > SHOWN_FAILURES:
        print(f"  and {len(contract.failures) - SHOWN_FAILURES} more")
    return not contract.failures


def main(binary, openapi_yaml):
    service = Service(os.environ.get("SESSIOND_BINARY") or binary,
                      "--max-body-size", str(MAX_BODY_BYTES), "--max-json-depth", str(MAX_JSON_DEPTH))
    service.start()
    try:
        contract = Contract(Document(openapi_yaml), service)
        passed = [run(check, contract) for check in CHECKS]
    finally:
        wrong = service.stop()
    for sentence in wrong:
        print(f"FAILED the service's end: {sentence}")
    print(f"{sum(passed)} passed, {len(passed) - sum(passed) + len(wrong)} failed")
    return 0 if all(passed) and not wrong else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
