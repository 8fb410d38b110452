"""Measurements: what the queries that run all day cost."""
