"""The challenge's metrics as their definitions read: one record, one class and one cut after the other."""

import math
from statistics import fmean


def record_credit(rewards, true, called):
    """What one record earns: every pair of a true and a called class, divided by all classes involved."""
    return sum(rewards[i][j] for i in true for j in called) / max(1, len(true | called))


def challenge_score(rewards, sinus, truth, decisions):
    """Truth and decisions are lists of sets of classes."""
    pairs = list(zip(truth, decisions, strict=True))
    reached = sum(record_credit(rewards, true, called) for true, called in pairs)
    best = sum(record_credit(rewards, true, true) for true in truth)
    inactive = sum(record_credit(rewards, true, {sinus}) for true in truth)
    return 0.0 if best == inactive else (reached - inactive) / (best - inactive)


def accuracy(truth, decisions):
    return fmean(true == called for true, called in zip(truth, decisions, strict=True))


def beta_measures(classes, truth, decisions, beta, shared):
    """Macro F-beta and G-beta; ``shared`` divides each record by the number of its true classes."""
    f, g = [], []
    for index in range(classes):
        hits = false = missed = 0.0
        for true, called in zip(truth, decisions, strict=True):
            share = 1 / max(1, len(true)) if shared else 1.0
            hits += share * (index in true and index in called)
            false += share * (index not in true and index in called)
            missed += share * (index in true and index not in called)
        if hits or false or missed:
            f.append((1 + beta**2) * hits / ((1 + beta**2) * hits + false + beta**2 * missed))
            g.append(hits / (hits + false + beta * missed))
    return (fmean(f), fmean(g)) if f else (math.nan, math.nan)


def curve_areas(positive, score):
    """Trapezoids under sensitivity against specificity, and steps under precision against recall."""
    positives, negatives = sum(positive), len(positive) - sum(positive)
    sensitivity, specificity, auroc, auprc = 0.0, 1.0, 0.0, 0.0
    for cut in sorted(set(score), reverse=True):
        hits = sum(y for y, s in zip(positive, score, strict=True) if s >= cut)
        called = sum(s >= cut for s in score)
        recall = hits / positives if positives else math.nan
        rest = 1 - (called - hits) / negatives if negatives else math.nan
        auroc += (recall - sensitivity) * (rest + specificity) / 2
        auprc += (recall - sensitivity) * hits / called
        sensitivity, specificity = recall, rest
    return auroc, auprc
