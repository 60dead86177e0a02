"""A simulated clinic: 12-lead ECGs with known truth, and reports that a reader might have written about them.

The road of one record, downhill::

    priors, patients   who comes, with which rhythm                 (a patient may come several times)
    rhythm             when atria and ventricles fire: one player per mechanism (atrial_rhythms, av_blocks,
                       ventricular_rhythms), built from clocks, conduction and ectopy into events
    truth              which classes those events show              (measured on the events, not planned)
    beats, leads       what each event looks like in eight leads    (dipole, lead matrix, electrode residual)
    render             events as a signal, with atrial_waves and noise
    report, wording    what a reader writes about it                (hedges, omissions, errors)
    clinic             all of it for one index; cohort offers it as a source
"""
