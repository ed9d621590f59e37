"""Zalo: Official Account, template and bot messages. Knows no database."""
