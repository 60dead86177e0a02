"""One training on several processes and machines; docs/scale.md says how to start it."""
