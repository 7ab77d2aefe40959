"""What happened: one file per fact, each a dated thing read from native records by one SELECT."""
