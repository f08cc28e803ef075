"""Runs what README.md shows: the tour's commands against a new service, the Python, the tables of options and metrics.

usage: readme_test.py BINARY README   (SESSIOND_BINARY, where set, goes before BINARY)
       readme_test.py README --at ADDRESS   the tour alone, against a service that runs; curl sends SESSIOND_TOKEN
"""

import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from service import Service  # noqa: E402

SHOWN_ADDRESS = "127.0.0.1:8082"
MARKER = "--- end of the command ---"
# What differs from run to run.
VARIABLE = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"\b\d+ bytes"), "SIZE"),
    (re.compile(r"\b(signal|reply)-\d+"), "THREAD"),
    (re.compile(r"(?m)^Date: .*$"), "DATE"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{12}"), "REQUEST-ID"),
]


def blocks(readme, language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", readme)


def steps(block):
    """(command, what it prints) for each `$ ` of a console block."""
    for step in re.split(r"(?m)^\$ ", block)[1:]:
        command, _, output = step.partition("\n")
        yield command, output


def general(text):
    for pattern, word in VARIABLE:
        text = pattern.sub(word, text.replace("\r", ""))
    return text.strip("\n")


class Shell:
    """One bash for the whole tour, so that variables live on; `sessiond` there finds the service."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, cwd=folder,
                                        env={**os.environ, **environment})

    def run(self, command):
        self.process.stdin.write(f"{command}\necho '{MARKER}'\n")
        self.process.stdin.flush()
        output = ""
        for line in self.process.stdout:
            if line.endswith(MARKER + "\n"):
                return output + line[:-len(MARKER) - 1]
            output += line
        raise SystemExit(f"the shell ended at: {command}\n{output}")


def tour(readme, shell, address):
    failures = []
    count = 0
    for block in blocks(readme, "console"):
        for command, expected in steps(block):
            count += 1
            output = shell.run(command.replace(SHOWN_ADDRESS, address))
            if general(output) != general(expected):
                failures.append(f"$ {command}\n  printed  {general(output)}\n  not      {general(expected)}")
    shell.process.stdin.close()
    shell.process.wait()
    return failures if count > 10 else failures + [f"the tour has only {count} commands"]


def tour_here(readme, binary, service):
    shell = Shell(os.path.dirname(service.database), {
        "PATH": os.path.dirname(os.path.abspath(binary)) + os.pathsep + os.environ["PATH"],
        "SESSIOND_LISTEN": service.address,
        "SESSIOND_DB": os.path.basename(service.database),
    })
    return tour(readme, shell, service.address)


def tour_section(readme):
    return re.search(r"(?ms)^## A tour with curl$.*?(?=^## )", readme).group()


def tour_at(readme_path, address):
    with open(readme_path, encoding="utf-8") as file:
        section = tour_section(file.read())
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, ".curlrc"), "w", encoding="utf-8") as file:
            file.write(f'header = "Authorization: Bearer {os.environ["SESSIOND_TOKEN"]}"\n')
        failures = tour(section, Shell(folder, {"CURL_HOME": folder}), address)
    print("\n".join(failures) or "the tour shows what happens")
    return 1 if failures else 0


def configuration(readme, binary):
    text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    options = re.findall(r"(?m)^  (--\S+) \((\w+)\)\n\s+(.*)\n\s+default: (.*)$", text)
    rows = re.findall(r"(?m)^\| `(--\S+)` \| `(\w+)` \| (.*) \| (.*) \|$", readme)
    wanted = [(flag, variable, default, words) for flag, variable, words, default in options]
    return [] if wanted and rows == wanted else [f"the table has {rows}\n  --help has {wanted}"]


def python_class(readme, address):
    names = {}
    exec(blocks(readme, "python")[0], names)
    manager = names["SessionManager"](f"http://{address}")
    made = [manager.create("/readme", f"thread {i}") for i in range(60)]
    changed = manager.update(made[0]["id"], status="ACTIVE", context={"turn": 1})
    checks = {
        "create": made[0]["status"] == "CREATED",
        "get": manager.get(made[1]["id"]) == made[1],
        "get of a missing session": manager.get("0f8fad5b-0000-4000-8000-000000000000") is None,
        "update": (changed["status"], changed["context"]) == ("ACTIVE", {"turn": 1}),
        "list": [s["id"] for s in manager.list()][:60] == [s["id"] for s in reversed(made)],
    }
    return [f"SessionManager: {what} does not hold" for what, holds in checks.items() if not holds]


def python_class_with_token(readme, binary):
    service = Service(binary, environment={"SESSIOND_TOKEN": "sd_readme"}).start()
    names = {}
    exec(blocks(readme, "python")[0], names)
    session = names["SessionManager"](f"http://{service.address}", token="sd_readme").create("/readme", "t")
    found = [] if session["status"] == "CREATED" else [f"SessionManager with a token made {session}"]
    try:
        names["SessionManager"](f"http://{service.address}", token=None).get(session["id"])
        found.append("SessionManager without a token was let in")
    except urllib.error.HTTPError as error:
        found += [] if error.code == 401 else [f"SessionManager without a token: {error.code}"]
    return found + service.stop()


def crash_recovery(readme, address):
    names = {}
    exec(blocks(readme, "python")[0], names)
    manager = names["SessionManager"](f"http://{address}")
    left = [manager.update(manager.create("/readme", "crash")["id"], status="ACTIVE")["id"] for _ in range(3)]
    found = []
    for _ in range(2):
        exec(blocks(readme, "python")[1].replace(SHOWN_ADDRESS, address), names)
        found.append(names["recovered"][-3:])
    return [] if found == [left, []] else [f"CrashRecovery found {found}, not {left} and then nothing"]


def metrics(readme, address):
    with urllib.request.urlopen(f"http://{address}/metrics") as response:
        there = re.findall(r"(?m)^# TYPE (\w+) ", response.read().decode())
    rows = re.findall(r"(?m)^\| `(sessiond_\w+)` \|", readme)
    return [] if sorted(rows) == sorted(there) else [f"the table has the metrics {rows}\n  there are {there}"]


def main(binary, readme_path):
    binary = os.environ.get("SESSIOND_BINARY", binary)
    with open(readme_path, encoding="utf-8") as file:
        readme = file.read()
    service = Service(binary).start()
    failures = tour_here(readme, binary, service) + tour_here(tour_section(readme), binary, service)
    failures += configuration(readme, binary)
    failures += python_class(readme, service.address) + crash_recovery(readme, service.address)
    failures += python_class_with_token(readme, binary)
    failures += metrics(readme, service.address) + service.stop()
    print("\n".join(failures) or "README.md shows what happens")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(tour_at(sys.argv[1], sys.argv[3]) if "--at" in sys.argv else main(*sys.argv[1:]))
