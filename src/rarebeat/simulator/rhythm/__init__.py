"""When atria and ventricles fire."""
