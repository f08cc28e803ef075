"""HTTPS: which versions, slow and wrong clients, large bodies, a certificate that changes, the commands, a stop.

usage: tls_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import functools
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import checks  # noqa: E402
from checks import check, Failed  # noqa: E402
from service import Service  # noqa: E402

JSON = {"Content-Type": "application/json"}
NEW = b'{"project_path":"/p","thread_id":"t"}'
PATIENCE_S = 60
# A client that gets no answer is told so before that: much less than the service's idle timeout.
PROMPT_S = 20


def make_pair(folder, name, *key):
    """NAME.pem and NAME.key, for 127.0.0.1 and localhost."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
    os.chmod(f"{folder}/{name}.key", 0o600)


def use_pair(folder, name):
    """The pair that the service is started with, replaced as a renewal does it."""
    for end in ("pem", "key"):
        shutil.copy(f"{folder}/{name}.{end}", f"{folder}/new")
        os.rename(f"{folder}/new", f"{folder}/used.{end}")


def flags(folder, certificate="used.pem", key="used.key"):
    return "--tls-cert", f"{folder}/{certificate}", "--tls-key", f"{folder}/{key}"


def start(binary, folder, *more):
    use_pair(folder, "ec")
    return Service(binary, *flags(folder), *more).start()


def stop(service):
    wrong = service.stop()
    check(not wrong, "\n".join(wrong))


def trust(folder, *names, version=None):
    """A client's side that trusts these certificates; of one version, with whatever ciphers that has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in names:
        context.load_verify_locations(f"{folder}/{name}.pem")
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old ones are deprecated
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def connect(service, context):
    host, port = service.address.rsplit(":", 1)
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=PATIENCE_S)


def call(connection, method, target, body=None):
    connection.request(method, target, body=body, headers=JSON if body else {})
    response = connection.getresponse()
    return response.status, response.read()


def once(service, context, method="GET", target="/healthz", body=None):
    connection = connect(service, context)
    try:
        return call(connection, method, target, body)
    finally:
        connection.close()


def negotiated(address, context):
    """(version, cipher), or the error."""
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as plain:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                return secure.version(), secure.cipher()[0]
    except (ssl.SSLError, ConnectionError) as error:
        return None, str(error)


def negotiated_with_any(folder, version):
    """What the same client gets from a server that takes every version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/ec.pem", f"{folder}/ec.key")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            peer = listener.accept()[0]
            context.wrap_socket(peer, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        got = negotiated(f"127.0.0.1:{listener.getsockname()[1]}", trust(folder, "ec", version=version))
        thread.join()
        return got


def new_versions_are_served_and_old_ones_are_not(binary, folder):
    service = start(binary, folder)
    check(service.events("listening")[0]["scheme"] == "https", "the log does not say https")
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        got = negotiated(service.address, trust(folder, "ec", version=version))
        check(got[0] == name and ("GCM" in got[1] or "POLY1305" in got[1]), f"{name}: {got}")
    for version, name in ((ssl.TLSVersion.TLSv1, "TLSv1"), (ssl.TLSVersion.TLSv1_1, "TLSv1.1")):
        control = negotiated_with_any(folder, version)
        check(control[0] == name, f"the client cannot speak {name}: {control}")
        got = negotiated(service.address, trust(folder, "ec", version=version))
        check(got[0] is None, f"{name} is served: {got}")
    weak = trust(folder, "ec", version=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256")
    got = negotiated(service.address, weak)
    check(got[0] is None, f"a cipher without authentication of its own is served: {got}")
    stop(service)


def curl_is_content(binary, folder):
    for name, key in (("ec", "id"), ("rsa", "id")):
        use_pair(folder, name)
        service = Service(binary, *flags(folder)).start()
        done = subprocess.run(["curl", "-s", "--cacert", f"{folder}/used.pem", f"https://{service.address}/sessions",
                               "-H", "Content-Type: application/json", "-d", NEW.decode()], capture_output=True,
                              text=True, timeout=PATIENCE_S)
        check(done.returncode == 0 and key in json.loads(done.stdout), f"{name}: {done}")
        stop(service)


def http_on_the_port_gets_no_answer_and_no_hang(binary, folder):
    service = start(binary, folder)
    host, port = service.address.rsplit(":", 1)
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            got = plain.recv(1000)
        except ConnectionResetError:
            got = b""
    check(not got.startswith(b"HTTP"), f"it answers {got}")
    check(time.monotonic() - began < PROMPT_S, "the connection is left open")
    check(once(service, trust(folder, "ec"))[0] == 200, "it does not go on")
    stop(service)


def processor_s(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slow_handshakes_cost_only_themselves(binary, folder):
    """Half a hello, or none: others are served, no thread spins, and the idle timeout ends them."""
    service = start(binary, folder, "--idle-timeout", "4000ms")
    host, port = service.address.rsplit(":", 1)
    slow = [socket.create_connection((host, int(port)), timeout=PATIENCE_S) for _ in range(60)]
    for i, client in enumerate(slow):
        if i % 2 == 0:
            client.sendall(bytes.fromhex("16030100c8010000c4"))
    context = trust(folder, "ec")
    check(once(service, context)[0] == 200, "another client is not served")
    before, began = processor_s(service.process), time.monotonic()
    time.sleep(1.5)
    share = (processor_s(service.process) - before) / (time.monotonic() - began)
    check(share < 0.2, f"handshakes that stand still take {share:.0%} of a processor")
    took = []
    for _ in range(20):
        began = time.monotonic()
        check(once(service, context)[0] == 200, "another client is not served")
        took.append(time.monotonic() - began)
    check(sorted(took)[10] < 1, f"others wait {sorted(took)[10]:.2f} s")
    for client in slow:
        check(last_words(client)[:1] in (b"", b"\x15"), "more than an alert for a client that said nothing")
    stop(service)


def last_words(client):
    """What comes before the end of the connection."""
    words = b""
    try:
        while part := client.recv(1000):
            words += part
    except ConnectionResetError:
        pass
    return words


def a_handshake_byte_by_byte_ends_with_the_idle_timeout(binary, folder):
    service = start(binary, folder, "--idle-timeout", "2000ms")
    host, port = service.address.rsplit(":", 1)
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=0.1) as client:
        client.sendall(bytes.fromhex("16030100c8010000c4"))
        open_still = True
        while open_still and time.monotonic() < began + PROMPT_S:
            try:
                client.sendall(b"\x03")
                open_still = client.recv(100)[:1] not in (b"", b"\x15")
            except TimeoutError:
                pass
            except OSError:
                open_still = False
    check(time.monotonic() - began < PROMPT_S, "the connection is left open")
    stop(service)


def a_request_byte_by_byte_ends_with_its_time(binary, folder):
    """What is said in the clear would be no TLS: the connection just ends."""
    service = start(binary, folder, "--request-timeout", "1000ms")
    host, port = service.address.rsplit(":", 1)
    began = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as plain:
        with trust(folder, "ec").wrap_socket(plain, server_hostname=host) as client:
            client.settimeout(0.05)
            for byte in itertools.cycle(b"POST /sessions HTTP/1.1\r\nA: " + b"a" * 1000):
                check(time.monotonic() < began + 10, "the connection is still open after 10 s")
                try:
                    client.send(bytes([byte]))
                    received = client.recv(1000)
                    check(received == b"", f"before its end came {received[:200]}")
                    break
                except TimeoutError:
                    pass
                except (ssl.SSLEOFError, ConnectionError):
                    break
                except ssl.SSLError as error:
                    raise Failed(f"what came is no TLS: {error}") from error
    check(time.monotonic() - began > 0.9, "it ended before its time")
    check(once(service, trust(folder, "ec"))[0] == 200, "another is served")
    stop(service)


def large_bodies_pass_both_ways(binary, folder):
    service = start(binary, folder)
    connection = connect(service, trust(folder, "ec"))
    for size in (16383, 16384, 16385, 100000, 15000000):
        text = os.urandom(size // 2).hex()
        status, body = call(connection, "POST", "/sessions",
                            b'{"project_path":"/p","thread_id":"t","context":{"a":"%s"}}' % text.encode())
        check(status == 201, f"{size} bytes: {status}")
        status, body = call(connection, "GET", f"/sessions/{json.loads(body)['id']}")
        check(status == 200 and json.loads(body)["context"] == {"a": text}, f"{size} bytes do not come back")
    connection.close()
    stop(service)


def command(binary, *words):
    done = subprocess.run([binary, *words], capture_output=True, text=True, timeout=PATIENCE_S)
    return done.returncode, done.stdout, done.stderr


def the_commands_speak_tls(binary, folder):
    service = start(binary, folder)
    once(service, trust(folder, "ec"), "POST", "/sessions",
         b'{"project_path":"/p","thread_id":"t","context":{"a":"%s"}}' % (b"x" * 4000000))
    where = ("--listen", service.address)
    well = command(binary, "healthcheck", *where, "--tls-cert", f"{folder}/used.pem")
    check(well == (0, "", ""), f"healthcheck: {well}")
    status, out, err = command(binary, "backup", f"{folder}/backup.db", *where, *flags(folder))
    check(status == 0 and "no problem found" in out, f"backup: {out}{err}")
    checked = command(binary, "check", f"{folder}/backup.db")
    check(checked[0] == 0 and "sessions: 1" in checked[1], f"check: {checked}")
    for what, more, words in (("another certificate", ("--tls-cert", f"{folder}/rsa.pem"), "the certificate of the service differs from that of --tls-cert"),
                              ("no certificate", (), "closed the connection"),
                              ("no such file", ("--tls-cert", f"{folder}/none"), "No such file")):
        got = command(binary, "healthcheck", *where, *more)
        check(got[0] == 1 and words in got[2], f"{what}: {got}")
    stop(service)
    plain = Service(binary).start()
    got = command(binary, "healthcheck", "--listen", plain.address, "--tls-cert", f"{folder}/ec.pem")
    check(got[0] == 1 and "does not use TLS, but --tls-cert is set" in got[2], f"a service without TLS: {got}")
    stop(plain)


def reload(service, event):
    """SIGHUP; the events of this name that the log has then."""
    count = len(service.events(event))
    service.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE_S
    while len(service.events(event)) == count:
        check(time.monotonic() < deadline, f"no {event}:\n{service.log()[-5000:]}")
        time.sleep(0.01)
    return service.events(event)


def shown(service):
    host, port = service.address.rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)))


def content(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def a_renewed_certificate_is_shown_and_nobody_notices(binary, folder):
    service = start(binary, folder)
    context = trust(folder, "ec", "rsa")
    kept = connect(service, context)
    check(call(kept, "GET", "/healthz")[0] == 200, "it does not serve")
    going_on = True
    answers, failures = [], []

    def client():
        while going_on:
            try:
                answers.append(once(service, context, "POST", "/sessions", NEW)[0])
            except (OSError, http.client.HTTPException) as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(6)]
    for thread in threads:
        thread.start()
    for i in range(10):
        name = "rsa" if i % 2 == 0 else "ec"
        use_pair(folder, name)
        reload(service, "tls_reloaded")
        check(shown(service) == content(f"{folder}/{name}.pem"), f"after the reload it is not that of {name}")
    going_on = False
    for thread in threads:
        thread.join()
    check(not failures, f"{len(failures)} of {len(answers)} failed: {failures[:3]}")
    check(set(answers) == {201}, f"the answers are {set(answers)}")
    check(call(kept, "GET", "/healthz")[0] == 200, "an old connection has ended")
    kept.close()
    stop(service)


def the_same_pair_again_is_told_and_not_kept(binary, folder):
    """A replaced pair is kept until the end, so one that is not replaced must not be."""
    service = start(binary, folder)
    check("the certificate is unchanged" in reload(service, "tls_reloaded")[-1].get("detail", ""), "the log does not say that it is the same")
    use_pair(folder, "rsa")
    check("detail" not in reload(service, "tls_reloaded")[-1], "the log says of another pair that it is the same")
    check(shown(service) == content(f"{folder}/rsa.pem"), "the certificate is the one before")
    check("the certificate is unchanged" in reload(service, "tls_reloaded")[-1].get("detail", ""), "the log does not say that it is the same")
    check(shown(service) == content(f"{folder}/rsa.pem"), "the certificate is another")
    stop(service)


def a_bad_new_pair_keeps_the_old_one(binary, folder):
    service = start(binary, folder)
    shutil.copy(f"{folder}/rsa.key", f"{folder}/used.key")
    check("does not belong to the first certificate" in reload(service, "tls_reload_failed")[-1]["detail"], "the log does not say why")
    os.unlink(f"{folder}/used.pem")
    check("No such file" in reload(service, "tls_reload_failed")[-1]["detail"], "the log does not say why")
    check(shown(service) == content(f"{folder}/ec.pem"), "the certificate is another")
    check(once(service, trust(folder, "ec"))[0] == 200, "it does not serve")
    stop(service)


def a_stop_under_load_answers_whole(binary, folder):
    for _ in range(3):
        service = start(binary, folder)
        context = trust(folder, "ec")
        answers, failures = [], []

        def client(service=service, context=context, answers=answers, failures=failures):
            connection = connect(service, context)
            try:
                while True:
                    answers.append(call(connection, "POST", "/sessions", NEW)[0])
            except http.client.IncompleteRead as error:
                failures.append(repr(error))
            except (OSError, http.client.HTTPException):
                pass  # the stop has come
            connection.close()

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        status = service.terminate()
        for thread in threads:
            thread.join()
        check(status == 0, f"the exit status is {status}:\n{service.log()[-5000:]}")
        check(time.monotonic() - began < PROMPT_S, "the stop takes too long")
        check(not failures and set(answers) <= {201, 503} and len(answers) > 8, f"{set(answers)} {failures[:3]}")
        stop(service)


def handshakes_that_stand_still_do_not_hold_up_a_stop(binary, folder):
    service = start(binary, folder, "--shutdown-timeout", "60000ms")
    host, port = service.address.rsplit(":", 1)
    slow = [socket.create_connection((host, int(port)), timeout=PATIENCE_S) for _ in range(20)]
    for client in slow[::2]:
        client.sendall(bytes.fromhex("16030100c8010000c4"))
    check(once(service, trust(folder, "ec"))[0] == 200, "another client is not served")
    began = time.monotonic()
    check(service.terminate() == 0, service.log()[-5000:])
    check(time.monotonic() - began < PROMPT_S, "the stop takes too long")
    for client in slow:
        client.close()
    stop(service)


def a_file_can_speak_tls(binary, folder):
    service = start(binary, folder, "--listen", f"unix:{folder}/a")
    done = subprocess.run(["curl", "-s", "--cacert", f"{folder}/used.pem", "--unix-socket", f"{folder}/a",
                           "https://localhost/readyz"], capture_output=True, text=True, timeout=PATIENCE_S)
    check("ready" in done.stdout, f"{done}")
    well = command(binary, "healthcheck", "--listen", service.address, "--tls-cert", f"{folder}/used.pem")
    check(well == (0, "", ""), f"healthcheck: {well}")
    stop(service)


def what_is_no_pair_is_refused(binary, folder):
    with open(f"{folder}/empty", "w", encoding="ascii"):
        pass
    for given, words in (
            (("--tls-cert", f"{folder}/ec.pem"), "only --tls-cert"),
            (("--tls-key", f"{folder}/ec.key"), "only --tls-key"),
            (flags(folder, "none", "ec.key"), f"--tls-cert {folder}/none: No such file"),
            (flags(folder, "ec.pem", "none"), f"--tls-key {folder}/none: No such file"),
            (flags(folder, "none/none", "ec.key"), f"--tls-cert {folder}/none/none: No such file"),
            (flags(folder, "ec.pem", "none/none"), f"--tls-key {folder}/none/none: No such file"),
            (flags(folder, "empty", "ec.key"), f"--tls-cert {folder}/empty: "),
            (flags(folder, "ec.key", "ec.key"), f"--tls-cert {folder}/ec.key: "),
            (flags(folder, "ec.pem", "ec.pem"), f"--tls-key {folder}/ec.pem: "),
            (flags(folder, ".", "ec.key"), "--tls-cert"),
            (flags(folder, "ec.pem", "rsa.key"), "does not belong to the first certificate")):
        service = Service(binary, *given)
        check(not service.launch().await_listening(), f"{given}: it listens")
        status = service.await_end()
        told = [event["detail"] for event in service.events("cannot_start")]
        check(status == 2 and len(told) == 1 and words in told[0], f"{given}: {status} {told}")
        check(not service.reports(), service.log())


def a_key_that_others_may_read_is_told(binary, folder):
    for mode, warnings_told in ((0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)):
        use_pair(folder, "ec")
        os.chmod(f"{folder}/used.key", mode)
        service = Service(binary, *flags(folder)).start()
        check(len(service.events("tls_key_exposed")) == warnings_told, f"mode {mode:o}")
        stop(service)


STORIES = (new_versions_are_served_and_old_ones_are_not, curl_is_content, http_on_the_port_gets_no_answer_and_no_hang,
           slow_handshakes_cost_only_themselves, a_handshake_byte_by_byte_ends_with_the_idle_timeout,
           a_request_byte_by_byte_ends_with_its_time,
           large_bodies_pass_both_ways, the_commands_speak_tls, a_renewed_certificate_is_shown_and_nobody_notices,
           the_same_pair_again_is_told_and_not_kept, a_bad_new_pair_keeps_the_old_one, a_stop_under_load_answers_whole,
           handshakes_that_stand_still_do_not_hold_up_a_stop, a_file_can_speak_tls, what_is_no_pair_is_refused,
           a_key_that_others_may_read_is_told)


def in_a_folder(story, pairs):
    """The story as a check: with a folder of its own, and the pairs in it."""
    @functools.wraps(story)
    def checked(binary):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(pairs, folder, dirs_exist_ok=True)
            return story(binary, folder)
    return checked


def main(binary):
    with tempfile.TemporaryDirectory() as pairs:
        make_pair(pairs, "ec", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        make_pair(pairs, "rsa", "rsa:2048")
        return checks.run([in_a_folder(story, pairs) for story in STORIES], checks.under_test(binary))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
