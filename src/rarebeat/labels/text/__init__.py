"""Reading the text of a report: lines, statements, scope, patterns."""
