"""GE MUSE RestingECG exports: the reader, the waveform, and what else a file tells."""
