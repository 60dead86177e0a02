"""Is an ECG unlike the training data? Distances of its features and of its spectrum, and the range of four measures.

A network answers whatever it is shown. A detector, fitted with the network, says what the answer is worth:

- the features of the network, pooled over time: their distance from those of training records, by their principal
  components and by what these leave over;
- the spectrum: its distance from the nearest training records;
- span, frequency, flat stretches and heart rate: whether they lie in the range of training and validation records.

The limits of both distances are such that :data:`SHARE` of the validation records are below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rarebeat.core.errors import RarebeatError
from rarebeat.core.signals import Float64, Int16, Preprocessing, output_scale, output_units
from rarebeat.inference.signal_summary import MEASURES, SignalSummary, summarise
from rarebeat.metrics.arrays import BoolArray

SHARE = 0.99
"""Of validation records whose distance is below the limit, where there are enough of them; otherwise all are."""

LARGEST_SAMPLE = 1000
"""Training records that a detector is fitted on, at most, and that it keeps the spectra of."""

UNLIKE = "unlike the training data"
"""How each warning of a detector begins."""

MARGIN = 0.1
"""How far the range of a measure reaches beyond the records seen, as a share of its width."""

_EXPLAINED = 0.99  # of the variance of features: so many principal components are kept, if they are
_MOST_COMPONENTS = 32
_LEAST_DEVIATION = 0.05  # of the median one: a channel that was silent in training may speak a little
_NEIGHBOURS = 5
_RARE = 0.01  # share of records without a heart rate, below which it is told of one that it has none
_RATIOS = np.array([name != "flat" for name in MEASURES])  # measures whose range is one of ratios

_WORDS = {
    "span": "the median lead spans {} {units}",
    "frequency": "its root mean square frequency is {} Hz",
    "flat": "the longest flat stretch is {} of the recording",
    "heart_rate": "the heart rate is {} per minute",
}

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Evidence:
    """What a detector looks at, of n records.

    Attributes:
        features: shape (n, channels), of the network, pooled over time.
        summary: of the signals.
    """

    features: Float32
    summary: SignalSummary

    def of(self, rows: BoolArray) -> "Evidence":
        """Take some records.

        Args:
            rows: shape (n,), which.

        Returns:
            The evidence on those.
        """
        summary = SignalSummary(self.summary.measures[rows], self.summary.bands[rows])
        return Evidence(self.features[rows], summary)


@dataclass(frozen=True)
class Detector:
    """What training records look like; arrays, so that it can be stored as tensors.

    Attributes:
        centre: shape (channels,), mean of the features.
        deviation: shape (channels,), standard deviation of the features.
        components: shape (k, channels), principal components of the standardised features.
        variances: shape (k,), of the components.
        residual: shape (1,), mean squared length of what the components leave over.
        feature_limit: shape (1,), the distance from which features are unlike those of training.
        band_centre: shape (bands,), mean of the powers.
        band_deviation: shape (bands,), standard deviation of the powers.
        spectra: shape (m, bands), standardised powers of training records.
        band_limit: shape (1,), the distance from which a spectrum is unlike those of training.
        ranges: shape (2, 4), the lowest and the highest value of each measure.
        without_rate: shape (1,), share of the records whose heart rate cannot be measured.
    """

    centre: Float64
    deviation: Float64
    components: Float64
    variances: Float64
    residual: Float64
    feature_limit: Float64
    band_centre: Float64
    band_deviation: Float64
    spectra: Float64
    band_limit: Float64
    ranges: Float64
    without_rate: Float64

    def __post_init__(self) -> None:
        (channels,), (bands,), (components,) = self.centre.shape, self.band_centre.shape, self.variances.shape
        expected = {
            "deviation": (channels,),
            "components": (components, channels),
            "residual": (1,),
            "feature_limit": (1,),
            "band_deviation": (bands,),
            "spectra": (len(self.spectra), bands),
            "band_limit": (1,),
            "ranges": (2, len(MEASURES)),
            "without_rate": (1,),
        }
        if not len(self.spectra):
            raise ValueError("spectra must hold one record or more")
        for name, shape in expected.items():
            if (found := getattr(self, name).shape) != shape:
                raise ValueError(f"{name} must have the shape {shape}, found {found}")
        for entry in fields(self):
            if not np.isfinite(getattr(self, entry.name)).all():
                raise ValueError(f"{entry.name} must be finite")

    @property
    def expects_rate(self) -> bool:
        """Whether a record without a heart rate is unlike the training data: hardly any of these lacked one."""
        return bool(self.without_rate[0] < _RARE)

    def feature_distances(self, features: Float32) -> Float64:
        """How far features are from those of training records.

        Args:
            features: shape (n, channels).

        Returns:
            Shape (n,): the root of the mean squared deviation along the components, each in units of its own, plus the
            squared length of the rest, in units of that of training records. About 1.4 for a training record.

        Source:
            Mahalanobis 1936 (Proc Natl Inst Sci India 2:49) along the components; the rest as in Jackson and Mudholkar
            1979 (Technometrics 21:341).
        """
        standard = (features - self.centre) / self.deviation
        along = standard @ self.components.T
        rest = np.maximum(np.square(standard).sum(axis=1) - np.square(along).sum(axis=1), 0.0)
        along = np.square(along) / self.variances
        return np.asarray(np.sqrt(along.mean(axis=1) + rest / self.residual))

    def band_distances(self, bands: Float64) -> Float64:
        """How far spectra are from those of training records.

        Args:
            bands: shape (n, bands), powers as in :class:`rarebeat.inference.signal_summary.SignalSummary`.

        Returns:
            Shape (n,): the distance to the fifth nearest training record, root mean square over the bands, in standard
            deviations.
        """
        standard = (bands - self.band_centre) / self.band_deviation
        neighbour = min(_NEIGHBOURS, len(self.spectra)) - 1
        nearest = [
            np.partition(np.square(self.spectra - row).mean(axis=1), neighbour)[neighbour] for row in standard
        ]
        return np.sqrt(np.array(nearest, dtype=np.float64))


def fit_detector(train: Evidence, validation: Evidence) -> Detector:
    """Fit a detector.

    Args:
        train: of one training record or more, :data:`LARGEST_SAMPLE` of them at most.
        validation: of the records that the limits are chosen on; without any, they are chosen on those of ``train``.

    Returns:
        The detector.

    Raises:
        RarebeatError: when a feature is no number.
    """
    if not (np.isfinite(train.features).all() and np.isfinite(validation.features).all()):
        raise RarebeatError("the features of the network are no numbers: the training failed")
    calibration = validation if len(validation.features) else train
    features, bands = train.features.astype(np.float64), train.summary.bands
    deviation = features.std(axis=0)
    deviation = np.maximum(deviation, max(_LEAST_DEVIATION * float(np.median(deviation)), 1e-6))
    centre, band_centre = features.mean(axis=0), bands.mean(axis=0)
    components, variances, residual = _principal_components((features - centre) / deviation)
    band_deviation = np.maximum(bands.std(axis=0), 1e-3)
    measures = np.concatenate([train.summary.measures, validation.summary.measures])
    unlimited = Detector(
        centre=centre,
        deviation=deviation,
        components=components,
        variances=variances,
        residual=np.array([residual]),
        feature_limit=np.zeros(1),
        band_centre=band_centre,
        band_deviation=band_deviation,
        spectra=(bands - band_centre) / band_deviation,
        band_limit=np.zeros(1),
        ranges=_ranges(measures),
        without_rate=np.array([np.isnan(measures[:, -1]).mean()]),
    )
    content = {entry.name: getattr(unlimited, entry.name) for entry in fields(Detector)}
    content["feature_limit"] = _limit(unlimited.feature_distances(calibration.features))
    content["band_limit"] = _limit(unlimited.band_distances(calibration.summary.bands))
    return Detector(**content)


def _principal_components(standard: Float64) -> tuple[Float64, Float64, float]:
    """Components, their variances, and the mean squared length of what they leave over."""
    _, sizes, rows = np.linalg.svd(standard, full_matrices=False)
    variances = np.square(sizes) / len(standard)
    total = max(float(variances.sum()), 1e-6)
    wanted = int(np.searchsorted(np.cumsum(variances), _EXPLAINED * total)) + 1
    kept = max(1, min(wanted, _MOST_COMPONENTS, len(variances)))
    rest = max(total - float(variances[:kept].sum()), 1e-3 * total)
    return rows[:kept], np.maximum(variances[:kept], 1e-6), rest


def _ranges(measures: Float64) -> Float64:
    """The lowest and the highest value of each measure, with a margin; shape (2, 4)."""
    scaled = np.where(_RATIOS, np.log(np.maximum(measures, 1e-3)), measures)
    low, high = np.empty(len(MEASURES)), np.empty(len(MEASURES))
    for column, values in enumerate(scaled.T):
        known = values[~np.isnan(values)]
        # Where nothing was measured, nothing is out of range.
        low[column], high[column] = (known.min(), known.max()) if known.size else (-20.0, 20.0)
    margin = MARGIN * (high - low)
    ends = np.stack([low - margin, high + margin])
    return np.where(_RATIOS, np.exp(ends), np.maximum(ends, 0.0))


def _limit(distances: Float64) -> Float64:
    """The distance that a new record like these exceeds with a probability of 1 - SHARE at most, or the largest."""
    rank = int(np.ceil(SHARE * (len(distances) + 1)))
    return np.sort(distances)[[min(rank, len(distances)) - 1]]


def novelty_warnings(
    detectors: Sequence[Detector | None],
    features: Sequence[Float32],
    signals: Int16,
    lengths: npt.NDArray[np.int64],
    settings: Preprocessing,
) -> list[str]:
    """Say of each ECG whether it is unlike the training data.

    Args:
        detectors: of one model, or of each member of an ensemble; None for one that was saved without.
        features: of each model's network, shape (n, channels).
        signals: shape (n, 12, samples), as the networks see them.
        lengths: shape (n,), samples of each before its padding.
        settings: how the signals were made.

    Returns:
        A sentence for each ECG; "" where half of the detectors or more have nothing to say of it.
    """
    if all(detector is None for detector in detectors):
        return [""] * len(signals)
    summary = summarise(signals, lengths, settings.rate)
    found = [
        novelty_sentences(detector, Evidence(own, summary), settings)
        for detector, own in zip(detectors, features, strict=True)
        if detector is not None
    ]
    answers = []
    for sentences in zip(*found, strict=True):
        said = [sentence for sentence in sentences if sentence]
        answers.append(said[0] if 2 * len(said) > len(found) else "")
    return answers


def novelty_sentences(detector: Detector, evidence: Evidence, settings: Preprocessing) -> list[str]:
    """What one detector says of some records.

    Args:
        detector: of the model.
        evidence: on n records.
        settings: how their signals were made.

    Returns:
        A sentence for each record, with what is unlike the training data and by how much; "" where nothing is.
    """
    measures = evidence.summary.measures
    distances = {
        "features": (detector.feature_distances(evidence.features), float(detector.feature_limit[0])),
        "spectrum": (detector.band_distances(evidence.summary.bands), float(detector.band_limit[0])),
    }
    factors = [output_scale(settings) if name == "span" else 1.0 for name in MEASURES]
    answers = []
    for row, values in enumerate(measures):
        parts = [
            f"distance of the {name} {own[row]:.3g}, {100 * SHARE:g} % of validation records are below {limit:.3g}"
            for name, (own, limit) in distances.items()
            if own[row] > limit
        ]
        for name, value, low, high, factor in zip(MEASURES, values, *detector.ranges, factors, strict=True):
            if value < low or value > high:
                text = _WORDS[name].format(f"{value * factor:.3g}", units=output_units(settings))
                parts.append(f"{text}, expected {low * factor:.3g} to {high * factor:.3g}")
        if np.isnan(values[-1]) and detector.expects_rate:
            parts.append(
                f"no heart rate can be measured, as in {100 * detector.without_rate[0]:.2g} % of training records"
            )
        answers.append(f"{UNLIKE}: {'; '.join(parts)}" if parts else "")
    return answers


def to_arrays(detector: Detector) -> dict[str, Float32]:
    """What is stored of a detector."""
    return {entry.name: getattr(detector, entry.name).astype(np.float32) for entry in fields(detector)}


def from_arrays(arrays: Mapping[str, npt.NDArray[np.floating]]) -> Detector:
    """The detector that :func:`to_arrays` stored.

    Raises:
        ValueError: when arrays are missing, or do not fit each other.
    """
    names = [entry.name for entry in fields(Detector)]
    if set(arrays) != set(names):
        raise ValueError(f"expected {', '.join(names)}, found {', '.join(sorted(arrays))}")
    return Detector(**{name: np.asarray(arrays[name], dtype=np.float64) for name in names})
