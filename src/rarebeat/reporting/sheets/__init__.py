"""What goes with a model or a data set that is handed on: its card, its reporting sheet, its description."""
