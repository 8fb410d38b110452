"""Applying migrations and undoing them, under one lock."""
