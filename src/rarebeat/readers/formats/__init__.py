"""Files of one ECG each, in the formats of recorders and of standards: a module per format."""
