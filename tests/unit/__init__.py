"""Tests that need no server, and start none."""
