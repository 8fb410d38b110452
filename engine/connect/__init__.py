"""Servers and connections: which one is meant, how to reach it, and scratch databases on it."""
