"""A model behind HTTP on this machine: a page to drop files on, and an interface for programs."""
