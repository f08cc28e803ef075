"""A sessions.db as the Python SessionManager makes it, and what adoption makes of its rows."""

import datetime
import json
import os
import shutil
import sqlite3
import uuid

from crash import copy_of

FIRST = datetime.datetime(2026, 1, 25, 12, tzinfo=datetime.timezone.utc)
SCHEMA = """
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, project_path TEXT NOT NULL, thread_id TEXT NOT NULL, status TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, context TEXT
);
CREATE INDEX idx_sessions_created_at ON sessions (created_at DESC);
CREATE INDEX idx_sessions_thread_id ON sessions (thread_id);
"""
COLUMNS = "id, project_path, thread_id, status, created_at, updated_at, context"
CONTEXT = 6


def context(choices):
    """What json.dumps writes, NaN included; or nothing."""
    kind = choices.randrange(20)
    if kind == 0:
        return None
    value = float("nan") if kind == 1 else choices.random()
    return json.dumps({"text": choices.randbytes(choices.randrange(800)).hex(), "value": value})


def fill_python_file(path, count, choices):
    """As a Python program leaves it that was killed: most rows are in the log. Times repeat and run
    backwards, as a clock that is set does."""
    made = path + ".made"
    db = sqlite3.connect(made)
    db.execute("PRAGMA journal_mode=WAL")
    db.executescript(SCHEMA)
    with db:
        for number in range(count):
            time = (FIRST + datetime.timedelta(seconds=choices.randrange(count))).isoformat()
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)",
                       (str(uuid.UUID(int=choices.getrandbits(128), version=4)), f"/project/{number % 50}",
                        f"+1555{number % 200:07}", choices.choice(["CREATED", "ACTIVE", "PAUSED", "TERMINATED"]),
                        time, time, context(choices)))
    for suffix in ("", "-wal"):
        shutil.copyfile(made + suffix, path + suffix)
    db.close()
    os.remove(made)


def python_rows(path):
    """All rows as the Python program sees them, in their order, from a copy of the file and its log."""
    with copy_of(path) as db:
        return db.execute(f"SELECT {COLUMNS} FROM sessions ORDER BY rowid").fetchall()


def adopted_context(text):
    if text is None:
        return "{}"
    return json.dumps({"_adopted_text": text}, separators=(",", ":")) if "NaN" in text else text


def adopted(rows):
    """The same sessions, oldest first, each context an object."""
    return [(*row[:CONTEXT], adopted_context(row[CONTEXT]))
            for row in sorted(rows, key=lambda row: datetime.datetime.fromisoformat(row[4]))]
