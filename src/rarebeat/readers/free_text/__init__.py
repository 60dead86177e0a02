"""What is stored of the reports of private archives."""
