"""A Ray cluster, where people have one: joining it, and work on it in order."""
