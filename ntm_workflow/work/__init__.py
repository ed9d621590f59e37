"""Dates → work done: the use cases on tasks."""
