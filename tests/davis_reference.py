"""The DAVIS measure written out as its definition reads: whole frames, explicit disk, no shortcuts. Slow on purpose."""

import math

import numpy as np


def slow_jaccard(pred, gt):
    union = (pred | gt).sum()
    return (pred & gt).sum() / union if union else 1.0


def slow_boundary(mask):
    height, width = mask.shape
    edge = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            below, right = min(y + 1, height - 1), min(x + 1, width - 1)
            edge[y, x] = len({mask[y, x], mask[below, x], mask[y, right], mask[below, right]}) > 1
    return edge


def slow_dilate(edge, radius):
    height, width = edge.shape
    out = np.zeros_like(edge)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy * dy + dx * dx <= radius * radius:
                for y, x in np.argwhere(edge):
                    if 0 <= y + dy < height and 0 <= x + dx < width:
                        out[y + dy, x + dx] = True
    return out


def slow_boundary_f(pred, gt, tolerance=0.008):
    radius = math.ceil(tolerance * math.hypot(*gt.shape))
    pred_edge, gt_edge = slow_boundary(pred), slow_boundary(gt)
    if not pred_edge.any() and not gt_edge.any():
        return 1.0
    if not pred_edge.any() or not gt_edge.any():
        return 0.0
    precision = (pred_edge & slow_dilate(gt_edge, radius)).sum() / pred_edge.sum()
    recall = (gt_edge & slow_dilate(pred_edge, radius)).sum() / gt_edge.sum()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
