"""What is said of a model in words, wherever it is said: in its card, on the page of a run, in the sheet of a study."""

from rarebeat.core.records import LEADS
from rarebeat.inference.model_card import ModelCard
from rarebeat.models.own import is_own

INTENDED = (
    "Research on whether rare diagnoses are learnt better beside common ones, and on pipelines for 12-lead ECGs. It is "
    "to be tested again on ECGs of the place where it is to be used."
)
NOT_INTENDED = (
    "Decisions about people. It knows the classes of its label set and no others: what it does not call may be there "
    "all the same. It has been tested on ECGs of the cohorts named here, and a warning tells where an ECG is unlike "
    "those that it learnt from."
)
NOT_A_DEVICE = "This is not a medical device; nothing here has been reviewed by a clinician."
SIMULATED_ALONE = "It has seen simulated ECGs alone: what it is worth on people is not told by its scores."


def title_of(card: ModelCard) -> str:
    """Name a model by its network and its task.

    Args:
        card: of the model.

    Returns:
        A heading.
    """
    heads = f"{len(card.classes)} classes" if len(card.classes) > 1 else "one class"
    return f"{card.architecture}: {heads} on 12-lead ECGs"


def input_text(card: ModelCard) -> str:
    """Say what the network takes.

    Args:
        card: of the model.

    Returns:
        Sentences.
    """
    steps = card.preprocessing
    seconds = card.window.of(steps.samples) / steps.rate
    return (
        f"Twelve leads in the order {', '.join(LEADS)}, in {card.units}, {steps.rate:g} Hz, {seconds:g} s: "
        f"crop {steps.crop}, band-pass {list(steps.bandpass) if steps.bandpass else 'none'}, "
        f"normalisation {steps.normalise}. Shorter recordings are padded with zeros, longer ones judged by windows. "
        + ("Age and sex are used." if card.uses_person else "Age and sex are not used.")
    )


def thresholds_text(card: ModelCard) -> str:
    """Say where the thresholds come from: the training, a site's labelled records, or a site's own choice.

    Args:
        card: of the model.

    Returns:
        A sentence.
    """
    chosen = chosen_at_site(card) or "chosen on the validation split of its cohorts"
    return f"Thresholds were {chosen}; another site needs its own."


def chosen_at_site(card: ModelCard) -> str:
    """Say how a site came to the thresholds, as the end of "thresholds were".

    Args:
        card: of the model.

    Returns:
        Some words; none where the thresholds are those of the training.
    """
    if card.adapted:
        chosen = f"fitted to {card.adapted['records']} labelled records of one site"
        # Which came later is not stored, and a class without labels keeps a threshold that was set.
        return chosen + (", or set by one" if "site" in card.training else "")
    return "set by one site" if "site" in card.training else ""


def probabilities_text(card: ModelCard) -> str:
    """Say whose the probabilities are, and what is told beside them.

    Args:
        card: of the model.

    Returns:
        Sentences.
    """
    if card.offsets:
        plain = "Probabilities are those of the network with the offsets of `model.yaml` added to its logits"
    else:
        plain = "Probabilities are as the network gives them"
    if card.certainty is None:
        return f"{plain}." if card.offsets else f"{plain}: no calibration is stored with this model."
    rare = [name for name, one in card.certainty.classes.items() if one.no_below is None]
    never = f' Too few patients had {", ".join(rare)} for any "no".' if rare else ""
    return (
        f"{plain}; `calibrated` beside them is fitted to {calibrated_on(card)}, as common as classes were there. "
        f'`certain` leaves {card.certainty.coverage:.0%} of the records with a class without a "no", and of those '
        f'without it without a "yes", at a site like that one.{never}'
    )


def calibrated_on(card: ModelCard, otherwise: str = "the validation split") -> str:
    """Say what calibration and limits were fitted to.

    Args:
        card: of the model.
        otherwise: what those of the training were fitted to, in the words of the text.

    Returns:
        Some words.
    """
    return "the labelled records of one site" if card.adapted else otherwise


def limits_of(card: ModelCard) -> list[str]:
    """What bounds the use of a model, whatever it was tested on.

    Args:
        card: of the model.

    Returns:
        Sentences.
    """
    points = [
        "For research. It is no medical device, and no diagnosis may rest on it alone.",
        thresholds_text(card),
        probabilities_text(card),
    ]
    if is_own(card.architecture):
        points.append(
            f"The code of {card.architecture} is not in this folder: it must be had from its author."
        )
    if card.training.get("shuffle_labels"):
        points.append(
            "It is a control and no model of ECGs: its labels were dealt out at random (`train.shuffle_labels`)."
        )
    if card.training.get("fraction", 1) != 1 or card.training.get("limit_positives"):
        points.append(
            "It is part of an experiment: training records were left out on purpose (`train.fraction` or "
            "`train.limit_positives`)."
        )
    return points
