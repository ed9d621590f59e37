"""Words → people. Knows no database."""
