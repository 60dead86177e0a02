"""The result of an audit as a table for people."""

from math import nan

from rarebeat.audit.verdicts import AuditResult, ClassResult, Share
from rarebeat.core.tables import Row, interval_text, markdown_table


def format_verdicts(result: AuditResult) -> str:
    """A Markdown table with a line per class that was judged, and below it what belongs to no class.

    Shares bear their interval and, in square brackets, how many items were judged of those in the sample.
    """
    rows = [_row(name, entry) for name, entry in result["classes"].items() if _seen(entry)]
    readers = [f"{name} ({count})" for name, count in result["readers"].items()]
    lines = [
        markdown_table(rows) or "No verdicts on any class.",
        "",
        f"Shares of records with {100 * result['confidence']:g} % intervals [items judged/in the sample]. "
        "Hits: the precision of the labels. Uncertain, near misses: rightly so. Missed: records with a frequent "
        "statement that should have matched.",
        f"Readers (verdicts): {', '.join(readers) or 'none'}.",
    ]
    for pair in result["agreement"]:
        kappa = "undefined" if pair["kappa"] is None else f"{pair['kappa']:.2f}"
        lines.append(
            f"{pair['readers'][0]} and {pair['readers'][1]}: equal on {100 * pair['agreement']:.0f} % of "
            f"{pair['items']} items, kappa {kappa}."
        )
    if result["unmatched"]["judged"]:
        lines.append(f"Frequent statements that rightly matched nothing: {_cell(result['unmatched'])}.")
    return "\n".join(lines)


def _seen(entry: ClassResult) -> bool:
    shares = (entry["hit"], entry["uncertain"], entry["near_miss"])
    return entry["missed_statements"] > 0 or any(share["judged"] or share["cannot_say"] for share in shares)


def _row(name: str, entry: ClassResult) -> Row:
    shares = {"Hits": entry["hit"], "Uncertain": entry["uncertain"], "Near misses": entry["near_miss"]}
    kappas = [pair["kappa"] for pair in entry["agreement"] if pair["kappa"] is not None]
    return {
        "Class": name,
        **{title: _cell(share) for title, share in shares.items()},
        "Cannot say": sum(share["cannot_say"] for share in shares.values()),
        "Missed": entry["missed_records"],
        # with more than two readers the mean over pairs (Light, Psychol Bull 76, 1971)
        "Kappa": f"{sum(kappas) / len(kappas):.2f}" if kappas else None,
    }


def _cell(share: Share) -> str | None:
    if not share["items"]:
        return None
    judged = f"[{share['judged']}/{share['items']}]"
    if share["right"] is None:
        return judged
    low, high = (nan if end is None else end for end in (share["low"], share["high"]))
    return f"{interval_text(share['right'], low, high)} {judged}"
