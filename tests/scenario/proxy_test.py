"""The service behind Debian's nginx, haproxy and caddy, as far as possible with their defaults.

usage: proxy_test.py BINARY [CHECK...]   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import check  # noqa: E402
from raw import session_of  # noqa: E402
from event_reader import Stream  # noqa: E402
from service import Service  # noqa: E402

MIB = 1 << 20
JSON = {"Content-Type": "application/json"}
NEW = b'{"project_path":"/p","thread_id":"t"}'
# What happens is seen through a proxy after so long.
PROMPT_S = 1
PATIENCE_S = 30

# nginx takes 1 MiB by default, less than the service, and gives up a client that ends its side.
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; {user} events {{}}
http {{
  access_log off; client_max_body_size 16m; proxy_ignore_client_abort on;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{service}; {more} }} }}
}}
"""
NGINX_1_1 = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; proxy_set_header Host $host;'

# Its health check is of HTTP/1.0 and has no Host.
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen sessiond
  bind 127.0.0.1:{port}
  option httpchk GET /readyz
  server one {service} check inter 100ms fall 1 rise 1
"""

CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port}, http://localhost:{port} {{
  reverse_proxy {service}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Proxy:
    """A proxy in front of the service; `address` is its own. `more` goes into nginx's location."""

    def __init__(self, name, service, folder, more=""):
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.log = os.path.join(folder, "log")
        path = os.path.join(folder, "config")
        user = "user root;" if os.geteuid() == 0 else ""
        template, command = {
            "nginx": (NGINX, ["nginx", "-p", folder, "-e", f"{folder}/nginx.log", "-c", path]),
            "haproxy": (HAPROXY, ["haproxy", "-db", "-f", path]),
            "caddy": (CADDY, ["caddy", "run", "--adapter", "caddyfile", "--config", path]),
        }[name]
        with open(path, "w", encoding="ascii") as file:
            file.write(template.format(folder=folder, port=port, service=service.address, more=more, user=user))
        environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.await_listening(port)

    def await_listening(self, port):
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), PATIENCE_S).close()
                return
            except OSError:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    check(self.process.poll() is None and time.monotonic() < until, f"the proxy does not start: {log.read()[-2000:]}")
            time.sleep(0.02)

    def call(self, method, target, body=None, headers=None, chunked=False):
        """(status, headers, body)"""
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        connection.request(method, target, body, headers or {}, encode_chunked=chunked)
        answer = connection.getresponse()
        result = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return result

    def create(self):
        status, headers, _ = self.call("POST", "/sessions", NEW, JSON)
        check(status == 201, f"a create is answered {status}")
        return headers["location"]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def a_session_is_created_and_read(proxy):
    target = proxy.create()
    status, headers, body = proxy.call("GET", target)
    check(status == 200 and headers["etag"] == '"1"', f"{status} {headers}")
    check(json.loads(body)["id"] == target.rsplit("/", 1)[1], f"{body}")


def events_are_seen_as_they_happen(proxy, version="1.1"):
    stream = Stream(proxy.address, "/events", version=version)
    check(stream.status == 200, f"the stream is answered {stream.status}")
    for _ in range(3):
        target = proxy.create()
        began = time.monotonic()
        event = stream.event(PATIENCE_S)
        took = time.monotonic() - began
        check(event is not None and event.data["session_id"] == target.rsplit("/", 1)[1], f"the event is {event and event.text}")
        check(took < PROMPT_S, f"the event comes after {took:.1f} s")
    stream.close()


def a_long_poll_ends_with_an_entry(proxy):
    target = proxy.create() + "/entries"
    answers = []

    def wait():
        answers.append(proxy.call("GET", f"{target}?wait=20"))

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.3)
    check(not answers, f"the long poll does not wait: {answers}")
    check(proxy.call("POST", target, b'[{"n":1}]', JSON)[0] == 200, "an append is refused")
    waiter.join(PROMPT_S)
    check(answers and answers[0][0] == 200 and json.loads(answers[0][2])["last_seq"] == 1, f"the long poll gives {answers}")


def chunks_are_passed_on(proxy):
    body = session_of(300000)
    parts = (body[i:i + 7000] for i in range(0, len(body), 7000))
    status, headers, answer = proxy.call("POST", "/sessions", parts, JSON, chunked=True)
    check(status == 201, f"a chunked create is answered {status}: {answer[:200]}")
    read = json.loads(proxy.call("GET", headers["location"])[2])
    check(read["context"] == json.loads(body)["context"], "another context came through")


def the_largest_body_passes(proxy):
    status, headers, answer = proxy.call("POST", "/sessions", session_of(16 * MIB), JSON)
    check(status == 201, f"16 MiB are answered {status}: {answer[:200]}")
    check(len(proxy.call("GET", headers["location"])[2]) > 16 * MIB - 1000, "they do not come back")


def a_client_that_ends_its_side_is_answered(proxy):
    host, port = proxy.address.split(":")
    for _ in range(10):
        connection = socket.create_connection((host, int(port)), PATIENCE_S)
        connection.sendall(b"POST /sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(NEW) + NEW)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        check(received.startswith(b"HTTP/1.1 201 "), f"the answer is {received[:200]}")
        connection.close()


TRIALS = (a_session_is_created_and_read, events_are_seen_as_they_happen, a_long_poll_ends_with_an_entry,
          chunks_are_passed_on, the_largest_body_passes)


def behind(binary, name, more="", trials=TRIALS):
    with tempfile.TemporaryDirectory() as folder:
        service = Service(binary).start()
        proxy = Proxy(name, service, folder, more)
        try:
            for trial in trials:
                trial(proxy)
        finally:
            proxy.stop()
        check(not service.stop(), "the service went wrong")


def nginx_with_its_defaults(binary):
    """It speaks HTTP/1.0 with the service, and keeps whole requests before it passes them on."""
    behind(binary, "nginx", trials=(*TRIALS, a_client_that_ends_its_side_is_answered))


def nginx_with_http_1_1_and_unbuffered_requests(binary):
    behind(binary, "nginx", NGINX_1_1, (*TRIALS, a_client_that_ends_its_side_is_answered))


def haproxy_with_health_checks(binary):
    behind(binary, "haproxy", trials=(lambda proxy: time.sleep(1), *TRIALS, a_client_that_ends_its_side_is_answered))


def caddy_with_its_defaults(binary):
    """It gives up a client that ends its side."""
    behind(binary, "caddy")


CHECKS = [
    nginx_with_its_defaults,
    nginx_with_http_1_1_and_unbuffered_requests,
    haproxy_with_health_checks,
    caddy_with_its_defaults,
]


if __name__ == "__main__":
    sys.exit(checks.run(CHECKS, checks.under_test(sys.argv[1])))
