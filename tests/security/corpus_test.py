"""Raw bytes on sockets: the answers of tests/security/corpus.py, no second request out of one, no hang.

usage: corpus_test.py BINARY [WORD]   (SESSIOND_BINARY, where set, goes before BINARY; WORD picks the cases with it)

Each case has a connection of its own. Behind it come canaries: another request on that connection, where it has to be
open, and one on a new connection. A case must be over in DEADLINE_S.
"""

import concurrent.futures
import json
import os
import re
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import corpus  # noqa: E402
import raw  # noqa: E402
from checks import check, Failed, under_test  # noqa: E402
from service import Service  # noqa: E402

DEADLINE_S = 30
AT_ONCE = 8
# What the service waits for bytes that do not come.
IDLE_MS = 2000


class Reader:
    """Takes responses off a connection, one by one."""

    def __init__(self, connection):
        self.connection = connection
        self.received = b""
        self.deadline = time.monotonic() + DEADLINE_S

    def more(self):
        """False at the end of the connection, be it by a reset."""
        left = self.deadline - time.monotonic()
        check(left > 0, f"no end after {DEADLINE_S} s; there is {self.received[:200]}")
        self.connection.settimeout(left)
        try:
            chunk = self.connection.recv(65536)
        except socket.timeout:
            return self.more()
        except ConnectionResetError:
            return False
        self.received += chunk
        return chunk != b""

    def response(self):
        """(status, headers, body); None when the connection ends before any byte of it."""
        while b"\r\n\r\n" not in self.received:
            if not self.more():
                check(self.received == b"", f"the end of the connection is in {self.received[:200]}")
                return None
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        check(lines[0].startswith("HTTP/1."), f"an answer begins with {lines[0][:100]}")
        status = int(lines[0].split()[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = 0 if status < 200 else int(headers["content-length"])
        while len(self.received) < length:
            check(self.more(), f"the end of the connection is in the body of a {status}")
        body, self.received = self.received[:length], self.received[length:]
        return status, headers, body

    def expect_end(self, of_page=False):
        """Nothing more comes, or `of_page` only the end of the library's page."""
        while self.more():
            pass
        page = of_page and re.fullmatch(rb"[^<]*[^/]*</title></head><body>[^\r\n]*</body></html>", self.received)
        check(self.received == b"" or page, f"too much was answered: {self.received[:300]}")


def check_problem(answer):
    status, headers, body = answer
    check(headers.get("content-type") == "application/problem+json", f"{status} is no problem: {headers}")
    problem = json.loads(body)
    check(problem["status"] == status and problem["detail"] and problem["request_id"], f"{problem}")


def expect_answers(reader, answers, end):
    """They come in order: a request id n0, n1 … is answered with itself."""
    ids = []
    for number, status in enumerate(answers):
        answer = reader.response()
        check(answer is not None and answer[0] == status, f"answer {number} is {answer}, not {status}")
        ids.append(answer[1].get("x-request-id", ""))
        last = number == len(answers) - 1
        if status >= 400 and not (last and end in (corpus.LIBRARY, corpus.TWICE)):
            check_problem(answer)
        if last and end == corpus.END:
            check(answer[1].get("connection", "").lower() == "close", f"the answer tells of no end: {answer[1]}")
    numbers = [int(one[1:]) for one in ids if one[:1] == "n"]
    check(numbers == list(range(len(numbers))), f"the answers are in the order {numbers}")


def expect_refusal(reader, answers):
    """As libmicrohttpd 1.0 refuses: behind the answers but the last one comes a page of any error, or the end."""
    for status in answers[:-1]:
        answer = reader.response()
        check(answer is not None and answer[0] == status, f"{answer} is not {status}")
    answer = reader.response()
    check(answer is None or answer[0] >= 400, f"what was to be refused is answered with {answer}")


def of_1_0(group, case):
    """The case as libmicrohttpd 1.0 has it."""
    name = f"{group}: {case[0]}"
    if name not in corpus.OF_1_0:
        return case
    return corpus.OF_1_0[name] and (case[0], case[1], *corpus.OF_1_0[name])


def canary(connection, reader):
    check(raw.send(connection, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: canary\r\n\r\n"), "the canary is not taken")
    answer = reader.response()
    check(answer is not None and answer[0] == 200 and answer[1].get("x-request-id") == "canary",
          f"the canary is answered with {answer}")


def expect_nothing_smuggled(service, marker):
    found = service.call("GET", f"/sessions?thread_id={marker.decode()}").json()["sessions"]
    check(found == [], f"a second request was carried out: {found}")


def run(service, number, group, case, is_1_0):
    _, data, answers, end = case
    marker = corpus.marker_of(number)
    connection = raw.connect(service)
    reader = Reader(connection)
    try:
        raw.send(connection, data.replace(corpus.SMUGGLED, corpus.smuggled(marker)))
        if group.startswith("half-closed"):
            connection.shutdown(socket.SHUT_WR)
        if is_1_0 and end not in (corpus.OPEN, corpus.CLOSED) and (not answers or answers[-1] >= 400):
            expect_refusal(reader, answers)
        else:
            expect_answers(reader, answers, end)
        if end == corpus.OPEN:
            canary(connection, reader)
        else:
            reader.expect_end(end == corpus.TWICE)
    finally:
        connection.close()
    expect_nothing_smuggled(service, marker)
    check(service.call("GET", "/healthz").status == 200, "a new connection is not served")


def verdict(service, number, group, case, is_1_0):
    """The sentence that says what is wrong with a case; None when nothing is."""
    try:
        run(service, number, group, case, is_1_0)
        return None
    except (Failed, OSError, ValueError, KeyError) as sentence:
        return f"FAILED {group}: {case[0]}: {type(sentence).__name__}: {str(sentence)[:500]}"


def main(binary, word=""):
    service = Service(under_test(binary), "--allow-anonymous", "--idle-timeout", f"{IDLE_MS}ms",
                      "--max-body-size", str(1 << 20), "--max-target-size", "8192",
                      "--max-header-size", "16384").start()
    version = service.events("listening")[0]["libmicrohttpd"]
    is_1_0 = int(version.split(".")[0]) >= 1
    cases = [(group, case) for group, cases in corpus.GROUPS.items() for case in cases if word in f"{group}: {case[0]}"]
    if is_1_0:
        cases = [(group, of_1_0(group, case)) for group, case in cases if of_1_0(group, case)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        sentences = list(pool.map(lambda job: verdict(service, job[0], *job[1], is_1_0), enumerate(cases)))
    failures = [sentence for sentence in sentences if sentence]
    print("\n".join(failures))
    print(f"libmicrohttpd {version}")
    print(f"{'group':20} {'cases':>5} {'passed':>6} {'of them by the library':>23}")
    for group in corpus.GROUPS:
        of_group = [sentence is None for sentence, (name, _) in zip(sentences, cases) if name == group]
        library = sum(case[3] in (corpus.LIBRARY, corpus.TWICE) for name, case in cases if name == group)
        print(f"{group:20} {len(of_group):5} {sum(of_group):6} {library:23}")
    wrong = service.stop()
    print("\n".join(wrong))
    print(f"{len(cases) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures or wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
