"""A simulated clinic: 12-lead ECGs with known truth, and reports that a reader might have written about them.

The road of one record, downhill::

    priors, patients   who comes, with which rhythm                 (history and comorbidity: visits hang together)
    rhythm             when atria and ventricles fire: one player per mechanism (atrial_rhythms, av_blocks,
                       ventricular_rhythms), built from clocks, conduction and ectopy into events
    truth              which classes those events show              (measured on the events, not planned)
    vectors, anatomy,
    pathology          a patient's heart and what is wrong with it  (hypertrophy, infarcts, fascicular blocks ...)
    beats, leads       what each event looks like in eight leads    (vectors, lead matrix, electrode residual)
    render             events as a signal, with atrial_waves and noise
    recorder           cables, filters and converter steps of the machine
    report             what a reader writes about it                (rhythm_line, statements, comparison, typist,
                       overread, typing_errors; the words are in wording)
    clinic             all of it for one index; cohort offers it as a source
    export, archive    the same records as files of other systems   (archive_wfdb, archive_muse)
"""
