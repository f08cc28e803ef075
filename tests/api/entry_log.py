"""What the tests of sessions' logs share: sessions, appends, reads."""

import json

LINES = "application/x-ndjson"


class Log:
    """The log of a session of its own."""

    def __init__(self, connection, thread_id="t", **more):
        self.connection = connection
        response = self.call(201, "POST", "/sessions", {"project_path": "/p", "thread_id": thread_id, **more})
        self.target = f"/sessions/{response.json()['id']}"

    def call(self, status, method, target, body=None, **headers):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        response = self.connection.call(method, target, body, headers)
        if response.status != status:
            raise OSError(f"{method} {target}: {response.status}, not {status}: {response.body[:300]}")
        return response

    def append(self, entries, query="", **headers):
        """`entries` is a list, or bytes of NDJSON."""
        kind = LINES if isinstance(entries, bytes) else "application/json"
        return self.call(200, "POST", f"{self.target}/entries{query}", entries, Content_Type=kind, **headers).json()

    def page(self, query=""):
        return self.call(200, "GET", f"{self.target}/entries{query}").json()

    def lines(self, query=""):
        """The whole stream, as parsed lines."""
        response = self.call(200, "GET", f"{self.target}/entries{query}", Accept=LINES)
        return [json.loads(line) for line in response.body.splitlines()]

    def delete(self):
        self.call(204, "DELETE", self.target)
