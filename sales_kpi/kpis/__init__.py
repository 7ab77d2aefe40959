"""What it means: one file per KPI, each a small formula over facts."""
