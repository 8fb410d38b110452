"""PostgreSQL's errors in plain words, with what to do."""
