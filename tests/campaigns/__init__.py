"""Long tests: each is a campaign, and runs with `invoke test --all`."""
