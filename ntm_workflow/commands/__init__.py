"""The commands of `ntm`, a module per duty."""
