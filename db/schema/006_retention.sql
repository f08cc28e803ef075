-- What retention deletes, the longest unchanged first. Partial, so that creations and changes of
-- sessions that are CREATED or ACTIVE do not pay for it. Texts sort as times where they have the same
-- form: a `T`, and `+00:00` at the end, which sessiond and the Python SessionManager write. What has
-- another one is not deleted before its next change.
CREATE INDEX idx_sessions_terminated ON sessions (updated_at, seq)
    WHERE status = 'TERMINATED'
      AND substr(updated_at, 11, 1) || substr(updated_at, -6) = 'T+00:00';
CREATE INDEX idx_sessions_paused ON sessions (updated_at, seq)
    WHERE status = 'PAUSED'
      AND substr(updated_at, 11, 1) || substr(updated_at, -6) = 'T+00:00';
