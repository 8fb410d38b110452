"""Looking through migration files: what is wrong, and what hurts a database in use."""
