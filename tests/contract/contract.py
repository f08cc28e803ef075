"""What the contract's checks work with: requests whose responses are held against the document."""

import json
import re

MAX_BODY_BYTES = 65536
MAX_JSON_DEPTH = 64

MISSING = "/sessions/00000000-0000-4000-8000-000000000000"
NEW = {"project_path": "/home/me/project", "thread_id": "+15551234567"}
JSON = "application/json"
MERGE = "application/merge-patch+json"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def wording(problem):
    """The problem's words, without the ids and numbers in them."""
    return problem["type"], problem["title"], re.sub(r"\d+", "N", UUID.sub("ID", problem["detail"]))


class Contract:
    """Makes requests, checks each response against the document, and remembers what was seen."""

    def __init__(self, document, service):
        self.document = document
        self.service = service
        self.seen = set()  # (operation, status)
        self.wordings = set()  # of problems
        self.failures = []

    def check(self, holds, sentence):
        if not holds:
            self.failures.append(sentence)

    def equal(self, got, expected, what):
        self.check(got == expected, f"{what} is {got!r}, not {expected!r}")

    def operation(self, method, target):
        """The operation that a target belongs to; None when the path is not described."""
        path = target.split("?")[0]
        for operation_id, (its_method, pattern, _) in self.document.operations.items():
            if its_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
                return operation_id
        return None

    def schema_agrees(self, name, fits, body):
        schema = {"$ref": f"#/components/schemas/{name}"}
        self.equal(not self.document.faults(schema, body), fits, f"{name} takes {str(body)[:90]}")

    def call(self, status, method, target, body=None, content_type=JSON, headers=None, chunked=False, version=None):
        """A request to a described operation; the response has this status and fits the document."""
        operation_id = self.operation(method, target)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None and content_type is not None:
            headers["Content-Type"] = content_type
        response = self.service.call(method, target, body, headers, chunked, version)
        label = f"{method} {target[:80]} {(body or b'')[:80]!r}"
        self.equal(response.status, status, f"{label}: status")
        for fault in self.document.response_faults(operation_id, response):
            self.failures.append(f"{label}: {response.status}: {fault}\n    {response.body[:300]!r}")
        self.check_problem(label, target, response)
        self.seen.add((operation_id, response.status))
        return response

    def check_problem(self, label, target, response):
        if response.headers.get("content-type") != "application/problem+json" or not response.body:
            return
        problem = response.json()
        self.equal(problem["status"], response.status, f"{label}: the problem's status")
        self.equal(problem["instance"], target.split("?")[0], f"{label}: the problem's instance")
        self.equal(problem["request_id"], response.headers["x-request-id"], f"{label}: request_id")
        self.wordings.add(wording(problem))

    def create(self, **members):
        return self.call(201, "POST", "/sessions", {**NEW, **members})

    def place(self, pattern):
        """A path of this pattern, of a new session where it has an id, of a consumer where it has a name."""
        if pattern == "/consumers/{name}":
            self.service.call("PUT", "/consumers/reader", b'{"after":0}', {"Content-Type": JSON})
            return "/consumers/reader"
        return pattern.replace("/sessions/{id}", self.create().headers["location"]) if "{" in pattern else pattern

    def lease(self, target, owner="daemon-1", ttl_seconds=3600, **members):
        """Takes the session's lease. Returns its token."""
        body = {"owner": owner, "ttl_seconds": ttl_seconds, **members}
        return self.call(200, "PUT", f"{target}/lease", body).json()["token"]

    def problem(self, name, *request, **more):
        """Like call, for a response that is a problem of this type."""
        response = self.call(*request, **more)
        if response.body:
            self.equal(response.json()["type"], f"urn:sessiond:problem:{name}", f"{request}: type")
        return response
