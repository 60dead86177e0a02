"""All threshold rules for one trained model, in one table.

    python benchmarks/thresholds.py --shards data/shards --model models/trained [--rules max_f1 fixed ...]

Thresholds are chosen on the validation split and scored on it and on the test split; what a rule is worth shows on
the test split. The challenge's rules and its score need a model of the vocabulary cinc2020.
"""

import argparse
from pathlib import Path

from rarebeat.core.tables import markdown_table
from rarebeat.evaluation.threshold_table import threshold_rows
from rarebeat.inference.splits import predict_splits
from rarebeat.metrics.challenge_classes import VOCABULARIES, places_by_id
from rarebeat.metrics.thresholds import RULES


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=Path, default=Path("data/shards"))
    parser.add_argument("--model", type=Path, default=Path("models/trained"))
    parser.add_argument("--rules", nargs="+", choices=tuple(RULES), default=list(RULES))
    parser.add_argument("--replicates", type=int, default=1000, help="of the bootstrap over patients")
    arguments = parser.parse_args()

    predictions, card = predict_splits(arguments.shards, arguments.model, ("validation", "test"))
    validation, test = predictions.only("validation"), predictions.only("test")
    places = None
    if card.vocabulary in VOCABULARIES:
        ids = places_by_id(card.vocabulary)
        places = [ids[name] for name in card.classes]
    rows = threshold_rows(validation, test, places, arguments.rules, arguments.replicates)
    print(markdown_table(rows))
    print(
        f"\n{card.heads}, {len(card.classes)} classes of {card.vocabulary}, {', '.join(card.cohorts)}: "
        f"chosen on {len(validation.truth)} records, tested on {len(test.truth)}"
    )


if __name__ == "__main__":
    main()
