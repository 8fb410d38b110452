"""Statements run so that they stay inside their database: what would reach outside is left out."""
