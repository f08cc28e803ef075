"""Shows that each check of the documentation can fail: changes one thing at a time in a copy of the tree, and expects a finding
that names it.

usage: docs_selftest.py BINARY SOURCE_DIR   (SESSIOND_BINARY, where set, goes before BINARY)
"""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import docs_test  # noqa: E402
import links_test  # noqa: E402
import pages  # noqa: E402

COPIED = ("docs", "service", "routes", "db", *pages.TOP_PAGES)


def of_links(_, root):
    return links_test.check(root)


# (check, file, text, replacement, what the finding names). An empty text means the end of the file.
PLANTED = [
    (of_links, "README.md", "docs/tutorial.md", "docs/tutorials.md", "docs/tutorials.md"),
    (of_links, "README.md", "docs/README.md#reference", "docs/README.md#references", "#references"),
    (of_links, "docs/how-to/docker.md", "(tokens.md)", "(#token)", "#token"),
    (of_links, "docs/extra.md", "", "# Extra\n", "docs/extra.md"),
    (of_links, "ARCHITECTURE.md", "`routes/core/router.c`", "`routes/core/routes.c`", "routes/core/routes.c"),
    (of_links, "SECURITY.md", "", "\n```sh\nif true\n```\n", "bash does not parse"),
    (of_links, "README.md", "./dev package", "./dev packages", "./dev packages"),
    (of_links, "docs/reference/log-events.md", "| `stopped` |", "| `halted` |", "lacks stopped"),
    (of_links, "docs/reference/log-events.md", "| `stopped` |", "| `halted` |", "has halted"),
    (of_links, "service/app/shutdown.c", "", 'void f(struct log *l) { log_event(l, LOG_INFO, "planted", NULL); }\n', "lacks planted"),
    (of_links, "service/app/shutdown.c", "", "void f(struct log *l, char *x) { log_event(l, LOG_INFO, x, NULL); }\n", "not understand"),
    (of_links, "db/sqlite/search/index.c", '"search_dropped"', '"planted"', "lacks planted"),
    (of_links, "docs/reference/api.md", "| `not-ready` | 503 |", "| `not-ready` | 500 |", "not-ready"),
    (of_links, "routes/core/problem.c", '"no-lease"', '"planted"', "planted"),
    (of_links, "docs/reference/exit-codes.md", "| 74 |", "| 75 |", "lacks 74"),
    (of_links, "service/cli/command.h", "= 3", "= 4", "lacks 4"),
    (docs_test.configuration, "docs/reference/configuration.md", "| 127.0.0.1:8082 |", "| 127.0.0.1:8083 |", "8083"),
    (docs_test.deprecated_names, "docs/reference/configuration.md", "_IDLE_TIMEOUT_MS` | `--idle-timeout` |",
     "_IDLE_TIMEOUT_MS` | `--shutdown-timeout` |", "idle-timeout-ms"),
    (docs_test.names_in_text, "docs/how-to/tls.md", "`--tls-cert`", "`--tls-certificate`", "--tls-certificate"),
    (docs_test.metrics, "docs/reference/metrics.md", "`sessiond_connections` | gauge", "`sessiond_connections` | counter",
     "sessiond_connections"),
    (docs_test.metrics, "docs/how-to/retention.md", "`sessiond_database_bytes`", "`sessiond_database_size`",
     "sessiond_database_size"),
    (docs_test.exit_codes, "docs/reference/exit-codes.md", "failed or incomplete: no service, no token of scope `admin`, …", "",
     "purge"),
    (docs_test.commands, "docs/how-to/tokens.md", "[421,", "[420,", "docs/how-to/tokens.md"),
    (docs_test.commands, "docs/extra.md", "", "# Extra\n\n```console\n$ true\n```\n", "COMMAND_PAGES"),
    (docs_test.python, "README.md", '"turns": 1', '"turns": 2', "README.md"),
    (docs_test.python, docs_test.MIGRATION, 'yield from page["sessions"]', 'yield from page["sessions"][1:]', "list"),
]


def copy_tree(root, copy):
    """The files that the checks read are copies, all others links."""
    for name in os.listdir(root):
        source = os.path.join(root, name)
        target = os.path.join(copy, name)
        if name not in COPIED:
            os.symlink(source, target)
        elif os.path.isdir(source):
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)


def plant(root, name, text, replacement):
    """Returns what undoes it."""
    path = os.path.join(root, name)
    before = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = file.read()
    if text and text not in (before or ""):
        raise SystemExit(f"{name} has no {text}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(before.replace(text, replacement, 1) if text else (before or "") + replacement)
    return path, before


def undo(path, before):
    if before is None:
        os.remove(path)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(before)


def is_found(check, binary, root, name):
    try:
        return any(name in finding for finding in check(binary, root))
    except (KeyError, SystemExit) as error:
        return name in str(error)


def main(binary, root):
    binary = os.environ.get("SESSIOND_BINARY", binary)
    failed = 0
    with tempfile.TemporaryDirectory() as copy:
        copy_tree(os.path.abspath(root), copy)
        for check, name, text, replacement, finding in PLANTED:
            planted = plant(copy, name, text, replacement)
            found = is_found(check, binary, copy, finding)
            undo(*planted)
            failed += not found
            print(f"{'ok' if found else 'not ok'} - {check.__name__}: {finding} in {name}")
    print(f"{len(PLANTED) - failed} found, {failed} overlooked")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
