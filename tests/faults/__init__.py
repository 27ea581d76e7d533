"""A disk that is full, read-only or broken under the real server: what it promises then, and how it recovers."""
