"""The SessionManager that sessiond replaces, as far as the file goes: its schema and its statements.

    session_manager.py FILE insert     rows on stdin, each a JSON list of the columns below
    session_manager.py FILE update     [id, status, context, updated_at] on stdin
    session_manager.py FILE list       rows on stdout, newest first
    session_manager.py FILE sql TEXT   any other statement
"""

import json
import sqlite3
import sys

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    project_path TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    status TEXT NOT NULL,
    context TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_sessions_created_at ON sessions (created_at DESC);
CREATE INDEX IF NOT EXISTS idx_sessions_thread_id ON sessions (thread_id);
"""
COLUMNS = "id, project_path, thread_id, status, context, created_at, updated_at"
INSERT = f"INSERT INTO sessions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
UPDATE = "UPDATE sessions SET status = ?2, context = ?3, updated_at = ?4 WHERE id = ?1"
LIST = f"SELECT {COLUMNS} FROM sessions ORDER BY created_at DESC"


def main(path, action, *texts):
    connection = sqlite3.connect(path)
    if action == "sql":
        connection.execute(texts[0])
    else:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(SCHEMA)
    if action in ("insert", "update"):
        rows = [json.loads(line) for line in sys.stdin]
        connection.executemany(INSERT if action == "insert" else UPDATE, rows)
    elif action == "list":
        for row in connection.execute(LIST):
            print(json.dumps(row))
    connection.commit()
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
