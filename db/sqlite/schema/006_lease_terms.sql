-- When a lease that is held ends, by the wall clock as it was when the term began. The deadline that
-- counts is sessions.lease_deadline_us. Not a column of sessions: it would lie behind the context.
CREATE TABLE lease_terms (
    session_seq INTEGER PRIMARY KEY,
    expires_us  INTEGER NOT NULL
);

-- No deleted session had a higher fencing token. Every grant exceeds it, so that a session that is
-- made again under the same id never repeats a token. One row.
CREATE TABLE sessiond_leases (
    token_floor INTEGER NOT NULL
);
INSERT INTO sessiond_leases SELECT coalesce(max(lease_token), 0) FROM events;

CREATE TRIGGER sessions_lease_deleted AFTER DELETE ON sessions WHEN OLD.lease_token IS NOT NULL
BEGIN
    UPDATE sessiond_leases SET token_floor = OLD.lease_token WHERE token_floor < OLD.lease_token;
    DELETE FROM lease_terms WHERE session_seq = OLD.seq;
END;

CREATE TRIGGER sessions_lease_ended AFTER UPDATE OF lease_owner ON sessions
WHEN NEW.lease_owner IS NULL AND OLD.lease_owner IS NOT NULL
BEGIN
    DELETE FROM lease_terms WHERE session_seq = OLD.seq;
END;
