-- Every change that was committed, in the order of the commits. The id is the writer's clock, so it
-- is the time, too, and never given twice; for a change of one session it is that session's
-- updated_at. No index of its own: a write pays for one row at the end of the table and no more.
-- Nothing here depends on `sessions`: a filter finds the events of what was deleted, too.
CREATE TABLE events (
    id              INTEGER PRIMARY KEY, -- µs since 1970
    type            INTEGER NOT NULL,    -- 1 session.created, 2 session.updated,
                                         -- 3 session.transitioned, 4 session.deleted,
                                         -- 5 session.recovered, 6 session.relocated,
                                         -- 7 entries.appended, 8 lease.granted, 9 lease.released,
                                         -- 10 lease.expired, 11 lease.stolen
    version         INTEGER NOT NULL,    -- of the session: after the change; the last one it had
    session_id      TEXT NOT NULL,
    thread_id       TEXT NOT NULL,
    project_path    TEXT NOT NULL,       -- after the change
    from_value      TEXT,                -- the status before; the path before; the parent's id
    to_value        TEXT,                -- the status after
    context_changed INTEGER,             -- 1: it was written
    stream          TEXT,                -- entries.appended: where, and which
    first_seq       INTEGER,
    last_seq        INTEGER,
    lease_owner     TEXT,
    lease_token     INTEGER
);

-- The newest event that was removed, 0 for none: who has read less has missed something. One row.
CREATE TABLE sessiond_events (
    purged_id INTEGER NOT NULL
);
INSERT INTO sessiond_events (purged_id) VALUES (0);

-- How far a reader has come, by its name: kept for it, never moved by reading.
CREATE TABLE consumers (
    name       TEXT PRIMARY KEY,
    after      INTEGER NOT NULL, -- the id of the last event that it is done with; 0: none
    updated_us INTEGER NOT NULL
) WITHOUT ROWID;
