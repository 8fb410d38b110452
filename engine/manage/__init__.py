"""The smaller tasks: status, taking over, emptying, renumbering, printing SQL."""
