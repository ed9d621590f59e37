"""Reads only: what happened, counted."""
