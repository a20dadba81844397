"""Users of a model, imitated: they ask at a steady rate and remember what happened to each request.

It owns the asking and the counting; it must not import `serinus`: it runs in a pod with aiohttp alone, on a host,
and inside tests. Its load is bounded in rate, count, time and requests at once.
"""

from .client import Kind, Plan, Users
from .summary import Record, Summary

__all__ = ["Kind", "Plan", "Record", "Summary", "Users"]
