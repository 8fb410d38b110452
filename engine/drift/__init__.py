"""What was changed by hand since the last run, and the way back."""
