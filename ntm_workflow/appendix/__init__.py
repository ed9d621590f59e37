"""Paper → plan. Pure: no clock, no database, no network."""
