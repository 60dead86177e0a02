"""Pages of docs/reference, made from the code: the commands, and the params."""
