"""PAPER → CLAIMS: what the whole text of a plan says, and where it contradicts itself. Pure."""
