"""What all domains share: base models, fields, rules and errors; it knows no domain."""
