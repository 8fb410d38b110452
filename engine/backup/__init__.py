"""Dumps of a database, and restoring them."""
