"""Public databases as published, in folders, tables or files that are like no others."""
