"""Public databases as published, whose files or tables are like no others."""
