"""The tasks by subject; tasks.py puts them together."""
