"""Work → words: what must be said to whom."""
