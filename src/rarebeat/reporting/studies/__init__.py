"""The page, the tables and the figure that a study ends with."""
