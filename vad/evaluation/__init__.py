"""How good a detector is, measured against a reference: in time, in segments, and whatever the threshold.

durations, boundaries, frames --> measure a recording --> evaluation of many --> tables, report
"""

from vad.evaluation.frames import detection_cost, detection_error_rate, roc_auc, to_frames

__all__ = ["detection_cost", "detection_error_rate", "roc_auc", "to_frames"]
