"""Changes as SQL text, and SQL text as statements; pure."""
