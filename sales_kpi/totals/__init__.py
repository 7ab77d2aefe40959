"""Facts kept summed, so that nobody waits for a sum over years: marks, refresh, read, rebuild, reconcile."""
