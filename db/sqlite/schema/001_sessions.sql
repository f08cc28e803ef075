-- Sessions. The seven TEXT columns are those of the Python SessionManager, which may read and
-- write the same file while sessiond is stopped; what it does not know has a default.
--
-- Times are ISO 8601 in UTC, `2026-11-23T06:36:00.123456+00:00`: what Python's isoformat()
-- writes and every fromisoformat() reads.
CREATE TABLE sessions (
    id            TEXT NOT NULL UNIQUE,       -- UUID, lower case
    project_path  TEXT NOT NULL,
    thread_id     TEXT NOT NULL,
    status        TEXT NOT NULL,              -- CREATED | ACTIVE | PAUSED | TERMINATED
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1, -- +1 at every change; the ETag
    context_bytes INTEGER,                    -- NULL: written by another program, not yet adopted
    seq           INTEGER PRIMARY KEY,        -- order of creation; made by sessiond: µs since 1970
    recovered_at  TEXT,                       -- when its owner was last found gone
    lease_owner   TEXT,                       -- NULL: nobody holds it
    lease_token   INTEGER,                    -- of the lease, or of the last one; only grows
    lease_ttl_ms  INTEGER,
    lease_deadline_us INTEGER,                -- by the monotonic clock of the process that runs
    context       TEXT                        -- last, so that the rest is read without it
);

-- Newest first is seq descending and needs no index. Every index ends in seq, so each
-- (value, status) of one is a list in order of creation: a page of any filter merges at most
-- four such lists and reads no row that it does not return. Get-or-create finds its session in the
-- last one.
CREATE INDEX idx_sessions_status ON sessions (status);
CREATE INDEX idx_sessions_thread_id ON sessions (thread_id, status);
CREATE INDEX idx_sessions_project_path ON sessions (project_path, status);
CREATE INDEX idx_sessions_thread_and_project ON sessions (thread_id, project_path, status);

-- The leases that are held, soonest to expire first. Costs nothing where there are none.
CREATE INDEX idx_sessions_lease ON sessions (lease_deadline_us) WHERE lease_deadline_us IS NOT NULL;

-- Rows that another program wrote: empty while only sessiond writes, so it costs nothing.
CREATE INDEX idx_sessions_unadopted ON sessions (seq) WHERE context_bytes IS NULL;

-- An UPDATE of these columns that leaves the version alone is not sessiond's. It counts as a change
-- all the same, and the row is looked at again before its context is served.
CREATE TRIGGER sessions_changed_elsewhere
AFTER UPDATE OF project_path, thread_id, status, context, created_at, updated_at ON sessions
WHEN NEW.version = OLD.version AND NEW.context_bytes IS OLD.context_bytes
BEGIN
    UPDATE sessions SET version = version + 1, context_bytes = NULL WHERE seq = NEW.seq;
END;

-- Requests that were carried out under an Idempotency-Key, and what was answered.
CREATE TABLE idempotency_keys (
    created_us INTEGER PRIMARY KEY,  -- the writer's clock, which gives no time twice
    key        TEXT NOT NULL UNIQUE,
    digest     BLOB NOT NULL,        -- of the request
    answer     BLOB NOT NULL
);

-- No time after reserved_us was ever handed out, so that a clock that was set back while
-- sessiond was stopped cannot make time run backwards. One row.
CREATE TABLE sessiond_clock (
    reserved_us INTEGER NOT NULL
);
INSERT INTO sessiond_clock (reserved_us) VALUES (0);
