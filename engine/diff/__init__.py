"""From two schemas to the ordered changes that lead from one to the other; pure."""
