"""Migration files, and what a database has had of them."""
