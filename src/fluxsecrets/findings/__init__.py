"""What `scan` and `audit` find: the model of a finding, its fingerprint, baselines and allowances."""

from __future__ import annotations

from .model import Confidence, Finding, Location, RuleInfo, Severity

__all__ = ["Confidence", "Finding", "Location", "RuleInfo", "Severity"]
