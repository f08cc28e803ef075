"""Runs what the documentation shows: its commands and its Python against new services, and compares its tables with the program.

usage: docs_test.py (commands|python|reference) BINARY SOURCE_DIR   (SESSIOND_BINARY, where set, goes before BINARY)
       docs_test.py commands --at ADDRESS PAGE...   the commands of these pages, against a service that runs and has no
                                                    sessions; curl sends SESSIOND_TOKEN
"""

import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]

import pages  # noqa: E402
from service import Service  # noqa: E402

SHOWN_ADDRESS = "127.0.0.1:8082"
MARKER = "--- end of the command ---"
MIGRATION = "docs/how-to/migrate-from-session-manager.md"
# What differs from run to run.
VARIABLE = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "TIME"),
    (re.compile(r"\b\d+ bytes"), "SIZE"),
    (re.compile(r"\b(signal|reply)-\d+"), "THREAD"),
    (re.compile(r"(?m)^Date: .*$"), "DATE"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{12}"), "REQUEST-ID"),
]
# The pages that have commands, and at least how many.
COMMAND_PAGES = {"README.md": 8, "docs/tutorial.md": 45, "docs/how-to/backup.md": 5, "docs/how-to/export-import.md": 3,
                 "docs/how-to/tokens.md": 3}


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
    """One bash for a whole page, so that variables live on."""

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


def run_page(page, shell, address):
    """Runs the commands of the page; the failures."""
    failures = []
    count = 0
    for block in page.blocks("console"):
        for command, expected in steps(block):
            count += 1
            output = shell.run(command.replace(SHOWN_ADDRESS, address))
            if general(output) != general(expected):
                failures.append(f"{page.name}: $ {command}\n  printed  {general(output)}\n  not      {general(expected)}")
    shell.process.stdin.close()
    shell.process.wait()
    least = COMMAND_PAGES.get(page.name)
    if least is None or count < least:
        failures.append(f"{page.name} has {count} commands; COMMAND_PAGES expects {least}")
    return failures


def run_page_here(page, binary, service):
    """`sessiond` in a command is the binary, and finds the service."""
    shell = Shell(os.path.dirname(service.database), {
        "PATH": os.path.dirname(os.path.abspath(binary)) + os.pathsep + os.environ["PATH"],
        "SESSIOND_LISTEN": service.address,
        "SESSIOND_DB": os.path.basename(service.database),
    })
    return run_page(page, shell, service.address)


def commands(binary, root):
    """The commands of each page against a service of its own. Those of the tutorial can be repeated."""
    failures = []
    documents = pages.all_pages(root)
    with_commands = {name for name, page in documents.items() if page.blocks("console")}
    for name in sorted(with_commands | set(COMMAND_PAGES)):
        service = Service(binary).start()
        for _ in range(2 if name == "docs/tutorial.md" else 1):
            failures += run_page_here(documents[name], binary, service)
        failures += service.stop()
    return failures


def commands_at(address, names):
    failures = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, ".curlrc"), "w", encoding="utf-8") as file:
                file.write(f'header = "Authorization: Bearer {os.environ["SESSIOND_TOKEN"]}"\n')
            failures += run_page(pages.Page(".", name), Shell(folder, {"CURL_HOME": folder}), address)
    return failures


def execute(block, address):
    names = {}
    exec(block.replace(SHOWN_ADDRESS, address), names)  # pylint: disable=exec-used
    return names


def readme_example(root, address):
    """It can be repeated: the second run gets the session and the entry of the first one."""
    found = []
    for _ in range(2):
        names = execute(pages.Page(root, "README.md").blocks("python")[0], address)
        session = names["call"]("GET", names["path"])
        shown = (session["status"], session["context"], session["lease"], session["entry_count"])
        found += [] if shown == ("PAUSED", {"turns": 1}, None, 1) else [f"README.md: the example leaves {session}"]
    return found


def session_manager(class_block, address):
    manager = execute(class_block, address)["SessionManager"](f"http://{address}")
    created = [manager.create("/readme", f"thread {i}") for i in range(60)]
    changed = manager.update(created[0]["id"], status="ACTIVE", context={"turn": 1})
    checks = {
        "create": created[0]["status"] == "CREATED",
        "get": manager.get(created[1]["id"]) == created[1],
        "get of a missing session": manager.get("0f8fad5b-0000-4000-8000-000000000000") is None,
        "update": (changed["status"], changed["context"]) == ("ACTIVE", {"turn": 1}),
        "list": [s["id"] for s in manager.list()][:60] == [s["id"] for s in reversed(created)],
    }
    return [f"SessionManager: {what} does not hold" for what, holds in checks.items() if not holds]


def session_manager_with_token(class_block, binary):
    service = Service(binary, environment={"SESSIOND_TOKEN": "sd_readme"}).start()
    manager = execute(class_block, service.address)["SessionManager"]
    session = manager(f"http://{service.address}", token="sd_readme").create("/readme", "t")
    found = [] if session["status"] == "CREATED" else [f"SessionManager with a token created {session}"]
    try:
        manager(f"http://{service.address}", token=None).get(session["id"])
        found.append("SessionManager without a token was admitted")
    except urllib.error.HTTPError as error:
        found += [] if error.code == 401 else [f"SessionManager without a token: {error.code}"]
    return found + service.stop()


def crash_recovery(class_block, recovery_block, address):
    manager = execute(class_block, address)["SessionManager"](f"http://{address}")
    left = [manager.update(manager.create("/readme", "crash")["id"], status="ACTIVE")["id"] for _ in range(3)]
    found = [execute(recovery_block, address)["recovered"][-3:] for _ in range(2)]
    return [] if found == [left, []] else [f"CrashRecovery found {found}, not {left} and then nothing"]


def python(binary, root):
    class_block, recovery_block = pages.Page(root, MIGRATION).blocks("python")
    service = Service(binary).start()
    failures = readme_example(root, service.address) + session_manager(class_block, service.address)
    failures += crash_recovery(class_block, recovery_block, service.address)
    return failures + session_manager_with_token(class_block, binary) + service.stop()


def help_of(binary, *command):
    return subprocess.run([binary, *command, "--help"], capture_output=True, text=True, check=True).stdout


def configuration(binary, root):
    options = re.findall(r"(?m)^  (--\S+) \((\w+)\)\n\s+(.*)\n\s+default: (.*)$", help_of(binary))
    wanted = [[f"`{flag}`", f"`{variable}`", default, words] for flag, variable, words, default in options]
    rows = pages.Page(root, "docs/reference/configuration.md").table("flag", "variable", "default")
    return [] if wanted and rows == wanted else [f"configuration.md has {rows}\n  --help has {wanted}"]


def deprecated_names(binary, root):
    """Each is accepted, and the warning names the replacement of the table."""
    found = []
    rows = pages.Page(root, "docs/reference/configuration.md").table("deprecated flag")
    for row in rows:
        old, variable, new, value = (pages.code(cell)[0] for cell in row)
        for flags, environment in (((old, value), {}), ((), {variable: value})):
            service = Service(binary).start(*flags, environment=environment)
            if not re.search(rf'"event":"configuration".*{new} {value}', service.log()):
                found.append(f"configuration.md: {old}: no warning names {new}")
            found += service.stop()
    return found if rows else ["configuration.md has no table of deprecated names"]


def commands_of(binary):
    return re.findall(r"(?m)^  (\w+)(?: .*)?$", help_of(binary).partition("COMMAND --help")[2])


def names_in_text(binary, root):
    """Each flag and variable that a page names in code style exists."""
    texts = [help_of(binary), *(help_of(binary, command) for command in commands_of(binary))]
    known = {name for text in texts for name in re.findall(r"--[a-z][a-z-]*|SESSIOND_[A-Z_]+", text)}
    with open(os.path.join(root, "docker-compose.yml"), encoding="utf-8") as file:
        known |= set(re.findall(r"SESSIOND_[A-Z_]+", file.read()))
    configuration_page = pages.Page(root, "docs/reference/configuration.md")
    known |= {name for row in configuration_page.table("deprecated flag") for cell in row[:3] for name in pages.code(cell)}
    found = []
    for page in pages.all_pages(root).values():
        for span in page.code_spans():
            name = re.match(r"--[a-z][a-z-]*|SESSIOND_[A-Z_]+", span)
            if name and name.group() not in known:
                found.append(f"{page.name}: the program has no {name.group()}")
    return found


def metrics(binary, root):
    service = Service(binary).start()
    with urllib.request.urlopen(f"http://{service.address}/metrics") as response:
        there = sorted(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", response.read().decode()))
    found = service.stop()
    rows = pages.Page(root, "docs/reference/metrics.md").table("metric", "type")
    shown = sorted((pages.code(row[0])[0], row[1]) for row in rows)
    if shown != there:
        found.append(f"metrics.md lacks {set(there) - set(shown)} and has {set(shown) - set(there)} in place of it")
    for page in pages.all_pages(root).values():
        names = {name for span in page.code_spans() for name in re.findall(r"^sessiond_[a-z_]+$", span)}
        tables = {"sessiond_leases"}
        found += [f"{page.name}: there is no metric {name}" for name in names - {name for name, _ in there} - tables]
    return found


def exit_codes(binary, root):
    """What a command's help says is in the table of exit codes."""
    found = []
    page = pages.Page(root, "docs/reference/exit-codes.md")
    for table in page.tables():
        for column, head in enumerate(table[0][1:], 1):
            command = pages.code(head)[0].split()[1:]
            words = " ".join(help_of(binary, *command).partition("Exit codes: ")[2].split())
            said = set(re.findall(r"(?:^|[,;] )(\d+) ", words))
            shown = {row[0] for row in table[1:] if row[column]}
            if not said or said - shown:
                found.append(f"exit-codes.md: {head} has {shown}, and --help {said}")
    return found


def reference(binary, root):
    return [*configuration(binary, root), *deprecated_names(binary, root), *names_in_text(binary, root),
            *metrics(binary, root), *exit_codes(binary, root)]


PARTS = {"commands": commands, "python": python, "reference": reference}


def main(part, *rest):
    if part == "commands" and rest[0] == "--at":
        failures = commands_at(rest[1], rest[2:])
    else:
        failures = PARTS[part](os.environ.get("SESSIOND_BINARY", rest[0]), rest[1])
    print("\n".join(failures) or f"{part}: the documentation shows what happens")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
