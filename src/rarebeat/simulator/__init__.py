"""A simulated clinic: 12-lead ECGs with known truth, and reports that a reader might have written about them.

The road of one record, room by room; :mod:`rarebeat.simulator.clinic` walks it for one index::

    patients/   priors     how common rhythms and ectopic beats are
                history    diseases, and how rhythm and conduction go on from visit to visit
                patients   who comes at which visit
                streams    random numbers for each purpose and record
    rhythm/     events     when atria and ventricles fire: what the other modules make
                episode    one recording, before anything has happened in it
                atrial, av_blocks, ventricular    a function for each mechanism, made from
                clocks, conduction, ectopy        pacemaker cells, the way to the ventricles, premature beats
    truth       which classes those events show (measured on the events, not planned)
    waveform/   vectors, anatomy, pathology       a patient's heart and what is wrong with it
                beats, leads                      what each event looks like as a dipole, and in eight leads
                grid                              every sample, and a quarter of them for what is slow
                gaussians, atrial_waves, render   all events as a signal
                noise, recorder                   what electrodes, cables, filters and converter do to it
    reports/    findings, wording                 what there is to say, and in which words
                rhythm_line, statements, comparison, overread    the parts of a machine's report
                typist, report                    reports that a person types; the whole report, right or wrong
    clinic      all of it for one index; :mod:`rarebeat.readers.simulated` offers it as a source
    archives/   export, archive, wfdb, muse       the same records as files of other systems

Signals have the same bytes on every processor: see :mod:`rarebeat.core.arithmetic` for what may be used.
"""
