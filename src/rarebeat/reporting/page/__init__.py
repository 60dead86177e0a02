"""One page to look at: what was asked and found, as HTML that needs no network."""
