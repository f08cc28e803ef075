"""Where stdin, stdout and stderr are closed, full, or read by nobody, a command says so and the service goes on.

usage: output_test.py BINARY   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import json
import signal
import subprocess

from case import ID, Answering, Case, binary, command, main, make_database, start_command, until
from service import PATIENCE_S

# Together more than a pipe holds.
MANY = 3000


def redirected(redirection, *words, before=""):
    """(exit status, stderr) of the command with such streams, behind what the shell does before it."""
    done = subprocess.run(["sh", "-c", f'{before} exec "$@" {redirection}', "sh", binary(), *words],
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stderr


class Closed(Case):
    def test_an_export_into_no_stdout_has_failed(self):
        make_database(self.path("a.db"), 3)
        service = self.service(self.path("a.db"))
        status, err = redirected(">&-", "export", "--listen", service.address)
        self.assertEqual(status, 3, err)
        self.assertIn("cannot write to stdout: Bad file descriptor", err)
        self.assertEqual(redirected("2>&- >/dev/null", "export", "--listen", service.address)[0], 0)
        self.stop(service)

    def test_an_import_of_no_stdin_has_failed(self):
        service = self.service(self.path("a.db"))
        status, err = redirected("<&- >/dev/null", "import", "--listen", service.address)
        self.assertEqual(status, 3, err)
        self.assertIn("cannot read the input: Bad file descriptor", err)
        self.stop(service)

    def test_what_a_command_says_does_not_go_into_a_file_of_its_own(self):
        make_database(self.path("a.db"), 3)
        self.assertEqual(redirected(">&- 2>&-", "check", self.path("a.db"))[0], 3)
        self.run_well("check", self.path("a.db"))

    def test_the_service_serves_without_any(self):
        address = "unix:" + self.path("socket")
        process = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", binary(), "--db", self.path("a.db"),
                                    "--listen", address])
        self.addCleanup(process.kill)
        until(lambda: command("healthcheck", "--listen", address)[0] == 0, "the service")
        with open(self.path("t"), "w", encoding="ascii") as file:
            file.write(json.dumps({"uuid": "a", "cwd": "/p", "sessionId": ID.format(1)}) + "\n")
        self.run_well("import", "--claude", self.path("t"), "--thread", "t", "--listen", address)
        self.run_badly(0, '"entry":{"uuid":"a"', "export", "--listen", address)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE_S), 0)
        self.assertIn("sessions: 1, no problem found", self.run_well("check", self.path("a.db")))


class Unread(Case):
    def setUp(self):
        super().setUp()
        make_database(self.path("a.db"), MANY, context_bytes=40)
        self.running = self.service(self.path("a.db"))

    def test_an_export_that_nobody_reads_on_says_how_to_go_on(self):
        process = start_command("export", "--listen", self.running.address)
        self.assertEqual(len(process.stdout.read(10000)), 10000)
        process.stdout.close()
        err = process.stderr.read()
        self.assertEqual(process.wait(PATIENCE_S), 3, err)
        self.assertIn("cannot write to stdout: Broken pipe", err)
        self.assertIn("continue with --after", err)
        process.stderr.close()
        self.stop(self.running)


class Part(Case):
    def test_what_was_not_written_is_not_gone_on_behind(self):
        """Whoever stands between may send many sessions at once."""
        lines = "".join(f'{{"type":"session","id":"{ID.format(number)}","context":{{}}}}\n' for number in range(9000))
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(lines)}\r\n\r\n{lines}"
        with Answering(answer.encode()) as address:
            status, err = redirected(f">{self.path('part')}", "export", "--listen", address,
                                     before='trap "" XFSZ; ulimit -f 250;')
        self.assertEqual(status, 3, err)
        self.assertIn("cannot write to stdout: File too large", err)
        with open(self.path("part"), encoding="utf-8") as file:
            written = [json.loads(line)["id"] for line in file if line.endswith("\n")]
        self.assertIn(err.split("continue with --after ")[1].strip(), written)


class Full(Case):
    def check(self, *words):
        status, err = redirected(">/dev/full", *words)
        self.assertEqual(status, 3, f"{words}: {err}")
        self.assertIn("stdout", err)
        self.assertIn("No space left on device", err)

    def test_what_cannot_be_said_is_not_done(self):
        make_database(self.path("a.db"), 3)
        with open(self.path("none"), "w", encoding="ascii"):
            pass
        self.check("check", self.path("a.db"))
        self.check("--help")
        self.check("--version")
        self.check("check", "--help")
        service = self.service(self.path("a.db"))
        self.check("import", self.path("none"), "--listen", service.address)
        self.check("purge", "--dry-run", "--listen", service.address)
        self.stop(service)

    def test_another_failure_keeps_its_exit_code(self):
        with open(self.path("none"), "w", encoding="ascii") as file:
            file.write("{\n")
        self.assertEqual(redirected(">/dev/full", "import", self.path("none"), "--listen", "127.0.0.1:1")[0], 1)


if __name__ == "__main__":
    main()
