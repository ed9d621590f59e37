"""Plan → dates. Pure: no clock, no database, no network."""
