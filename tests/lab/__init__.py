"""What the tests and benchmarks run: Postroom, Postfix and sinks of their own, on loopback, in scratch folders."""
