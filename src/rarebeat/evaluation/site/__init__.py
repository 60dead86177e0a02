"""A trained model at a site: fitted to its own labelled records, and compared with what it saw in training."""
