"""Comparisons of Postroom with other queues; `bench/run --help` lists the commands."""
