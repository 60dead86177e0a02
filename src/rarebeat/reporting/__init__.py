"""What people look at: tables, curves and pictures of an evaluation."""
