"""Checks the pages of the documentation against one another and against the source tree: links, anchors, file paths, shell
syntax, and the tables of log events, exit codes and problem types.

usage: links_test.py SOURCE_DIR
"""

import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pages  # noqa: E402
import sources  # noqa: E402

PATH = re.compile(r"^(service|routes|db|openapi|tests|docker|bench|cmake|docs)/[\w./-]*$")


def split_link(link):
    path, _, anchor = link.partition("#")
    return path, anchor


def broken_link(documents, page, link):
    """Why the link leads nowhere; None when it leads somewhere."""
    if re.match(r"[a-z]+:", link):
        return None
    path, anchor = split_link(link)
    target = os.path.normpath(os.path.join(os.path.dirname(page.name), path)) if path else page.name
    if not os.path.exists(os.path.join(page.root, target)):
        return f"{page.name}: the link {link} names no file"
    if anchor and (target not in documents or anchor not in documents[target].anchors()):
        return f"{page.name}: the link {link} names no heading of {target}"
    return None


def links(documents):
    found = [broken_link(documents, page, link) for page in documents.values() for link in page.links()]
    return [problem for problem in found if problem]


def unreached_pages(documents):
    """Each page must be linked from another one."""
    reached = set(pages.TOP_PAGES)
    for page in documents.values():
        for link in page.links():
            reached.add(os.path.normpath(os.path.join(os.path.dirname(page.name), split_link(link)[0])))
    return [f"{name}: no page links to it" for name in documents if name not in reached]


def paths(documents):
    return [f"{page.name}: there is no {path}" for page in documents.values() for path in page.code_spans()
            if PATH.match(path) and not os.path.exists(os.path.join(page.root, path))]


def shell_syntax(documents):
    found = []
    for page in documents.values():
        for block in page.blocks("sh"):
            result = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
            found += [f"{page.name}: bash does not parse\n{block}{result.stderr}"] if result.returncode != 0 else []
    return found


def dev_commands(root, documents):
    with open(os.path.join(root, "dev"), encoding="utf-8") as file:
        known = set(re.findall(r"(?m)^cmd_(\w+)\(\)", file.read()))
    return [f"{page.name}: there is no ./dev {command}" for page in documents.values()
            for command in re.findall(r"\./dev ([a-z]+)", page.text) if command not in known]


def compare(name, shown, defined):
    found = [f"{name} lacks {item}" for item in sorted(defined - shown)]
    return found + [f"{name} has {item}, which the sources do not define" for item in sorted(shown - defined)]


def log_events(root, documents):
    page = documents["docs/reference/log-events.md"]
    shown = {event for row in page.table("event") for event in pages.code(row[0])}
    return compare(page.name, shown, sources.log_events(root))


def problem_types(root, documents):
    page = documents["docs/reference/api.md"]
    shown = {(pages.code(row[0])[0], row[1]) for row in page.table("name", "status")}
    return compare(page.name, shown, sources.problem_types(root))


def exit_codes(root, documents):
    page = documents["docs/reference/exit-codes.md"]
    found = []
    for table in page.tables():
        for column, head in enumerate(table[0][1:], 1):
            command = pages.code(head)[0].removeprefix("sessiond").strip()
            shown = {int(row[0]) for row in table[1:] if row[column]}
            defined = sources.command_exit_codes(root, command) if command else sources.service_exit_codes(root)
            found += compare(f"{page.name}: {head}", shown, defined)
    return found


def check(root):
    documents = pages.all_pages(root)
    return [*links(documents), *unreached_pages(documents), *paths(documents), *shell_syntax(documents),
            *dev_commands(root, documents), *log_events(root, documents), *problem_types(root, documents),
            *exit_codes(root, documents)]


if __name__ == "__main__":
    problems = check(sys.argv[1])
    print("\n".join(problems) or "links, paths and tables are right")
    sys.exit(1 if problems else 0)
