"""What the facts share: the records they read, the dialects they speak, credit, ownership and purchases."""
