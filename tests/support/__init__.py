"""What tests share: servers, proxies, samples, and ways to call a task."""
