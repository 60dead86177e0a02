"""What a reader writes about a simulated ECG."""
