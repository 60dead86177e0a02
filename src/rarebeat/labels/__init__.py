"""Labels: report text and diagnosis codes turned into three-state labels, with the evidence for each."""
