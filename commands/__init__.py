"""The tasks, in modules named as they are typed; tasks.py puts them together."""
