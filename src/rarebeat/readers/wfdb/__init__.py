"""WFDB records: headers, signal files held against them, and folders of them with a CSV."""
