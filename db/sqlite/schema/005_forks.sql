-- The session that this one was forked from: NULL for none. Its id stays here when it is deleted.
ALTER TABLE logs ADD COLUMN parent_id TEXT;
