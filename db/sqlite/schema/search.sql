-- What is searched. Made when search is on and dropped when it is off, so these tables are no part
-- of the numbered schema. Other programs that write to sessions need no FTS5: the triggers touch
-- plain tables alone.

-- One row an entry, by its key. Its text is in entries, from where it is taken again to delete it.
CREATE VIRTUAL TABLE search_entries USING fts5(
    text, content = '', tokenize = 'unicode61 remove_diacritics 2'
);

-- One row a session whose context has text, by its seq. The text is kept: other programs may
-- change a context. `shown` is the text before it was folded, NULL when folding changes nothing.
CREATE VIRTUAL TABLE search_contexts USING fts5(
    text, shown UNINDEXED, tokenize = 'unicode61 remove_diacritics 2'
);

-- Documents, of first to last, that are not in the index yet, or no longer as they are there. An
-- entry's number is its key, a context's its session's seq with the sign bit set: below zero.
CREATE TABLE search_backlog (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL
);
INSERT INTO search_backlog VALUES (-9223372036854775808, -1), (0, 9223372036854775807);

-- The rule by which texts were made, and how they were folded (db/sqlite/search/fold.h). One row.
CREATE TABLE search_rule (
    rule    INTEGER NOT NULL,
    folding INTEGER NOT NULL
);

CREATE TRIGGER search_session_deleted AFTER DELETE ON sessions
BEGIN
    INSERT OR REPLACE INTO search_backlog VALUES
        (OLD.seq + -9223372036854775808, OLD.seq + -9223372036854775808);
END;

-- What another program wrote; see sessions_changed_elsewhere.
CREATE TRIGGER search_session_made_elsewhere AFTER INSERT ON sessions
WHEN NEW.context_bytes IS NULL
BEGIN
    INSERT OR REPLACE INTO search_backlog VALUES
        (NEW.seq + -9223372036854775808, NEW.seq + -9223372036854775808);
END;

CREATE TRIGGER search_session_changed_elsewhere AFTER UPDATE OF context_bytes ON sessions
WHEN NEW.context_bytes IS NULL
BEGIN
    INSERT OR REPLACE INTO search_backlog VALUES
        (NEW.seq + -9223372036854775808, NEW.seq + -9223372036854775808);
END;

-- A level of the index is merged when it has so many parts: fewer merges for a search that looks
-- into more parts. The second number, which merges all at once, is one that is never reached.
INSERT INTO search_entries (search_entries, rank) VALUES ('automerge', 16), ('crisismerge', 128);
INSERT INTO search_contexts (search_contexts, rank) VALUES ('automerge', 16), ('crisismerge', 128);
