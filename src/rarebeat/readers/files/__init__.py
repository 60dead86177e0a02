"""Folders of files of many formats: what each file is, told by its content, and reading what can be read."""
