"""Croissant metadata of a folder of shards."""
