"""The Markdown pages of the documentation: which there are, and what stands in them."""

import os
import re

TOP_PAGES = ("README.md", "ARCHITECTURE.md", "SECURITY.md")
FENCE = re.compile(r"(?ms)^```.*?^```$")


class Page:
    """One page. `name` is its path in the source tree."""

    def __init__(self, root, name):
        self.root = root
        self.name = name
        with open(os.path.join(root, name), encoding="utf-8") as file:
            self.text = file.read()
        self.prose = FENCE.sub("", self.text)

    def blocks(self, language):
        return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", self.text)

    def code_spans(self):
        return re.findall(r"`([^`\n]+)`", self.prose)

    def headings(self):
        return re.findall(r"(?m)^#+ (.+)$", self.prose)

    def links(self):
        return re.findall(r"\]\(([^)\s]+)\)", self.prose)

    def anchors(self):
        """The names that GitHub gives to the headings."""
        names = []
        for heading in self.headings():
            name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            names.append(f"{name}-{names.count(name)}" if name in names else name)
        return names

    def tables(self):
        """Each table as a list of rows, the first one its head; a row is a list of cells."""
        for block in re.findall(r"(?m)(?:^\|.*\|$\n?)+", self.prose):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            yield [rows[0], *rows[2:]]

    def table(self, *head):
        """The rows of all tables whose heads begin with these cells."""
        return [row for table in self.tables() if tuple(table[0][:len(head)]) == head for row in table[1:]]


def all_pages(root):
    names = list(TOP_PAGES)
    for folder, _, files in os.walk(os.path.join(root, "docs")):
        names += [os.path.relpath(os.path.join(folder, file), root) for file in files if file.endswith(".md")]
    return {name: Page(root, name) for name in sorted(names)}


def code(cell):
    """The code spans of a table cell."""
    return re.findall(r"`([^`]+)`", cell)
