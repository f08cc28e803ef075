-- A session of a thread and a project is found where the ordered lists of the two meet, so their
-- common index, which every creation paid for, is not needed.
DROP INDEX idx_sessions_thread_and_project;
