"""Engine, sessions, tables, migrations, evidence files."""
