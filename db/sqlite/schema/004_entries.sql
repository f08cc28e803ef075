-- The log of a session: streams of entries that are only ever appended to.

CREATE TABLE streams (
    number      INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, below 2^31
    session_seq INTEGER NOT NULL,
    name        TEXT NOT NULL,
    last_seq    INTEGER NOT NULL,  -- of its newest entry, and so how many it has
    bytes       INTEGER NOT NULL,  -- of their texts
    updated_us  INTEGER NOT NULL,
    UNIQUE (session_seq, name)
);

-- A stream's entries lie one behind the other. With large rows a rowid table is the better one:
-- without it most of such a row would leave the page.
CREATE TABLE entries (
    key        INTEGER PRIMARY KEY,  -- the stream's number << 32 | seq
    created_us INTEGER NOT NULL,     -- the writer's clock, once a batch
    entry      TEXT NOT NULL         -- the client's own text, without insignificant white space
);

-- What makes an append that is sent twice have its effect once.
CREATE TABLE entry_uuids (
    number INTEGER NOT NULL,         -- of the stream
    uuid   TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (number, uuid)
) WITHOUT ROWID;

-- The sums over a session's streams; a session without any has no row. Beside sessions, whose rows
-- are long and stay as they are when something is appended.
CREATE TABLE logs (
    session_seq INTEGER PRIMARY KEY,
    entry_count INTEGER NOT NULL,
    entry_bytes INTEGER NOT NULL,
    updated_us  INTEGER NOT NULL
);

-- Streams whose session has gone. Their entries go by and by.
CREATE TABLE discarded_streams (
    number INTEGER PRIMARY KEY
);

-- Whoever deletes a session, another program too, takes its log along: its seq may come again.
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions
WHEN EXISTS (SELECT 1 FROM logs WHERE session_seq = OLD.seq)
BEGIN
    INSERT INTO discarded_streams SELECT number FROM streams WHERE session_seq = OLD.seq;
    DELETE FROM streams WHERE session_seq = OLD.seq;
    DELETE FROM logs WHERE session_seq = OLD.seq;
END;
