"""The migration engine: it knows PostgreSQL and files, and nothing of billing."""
