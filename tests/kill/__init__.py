"""What was acknowledged survives `kill -9` at any moment; answers follow the sync of their commit."""
