"""Prefect flows. Each wraps one use case and leaves an artifact; no rules live here."""
