"""The composition root: from settings to a service that runs; the same in production and in tests."""
