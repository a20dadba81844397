"""A receiver for Alertmanager's webhook: what an on-call person would have been told.

It owns one readable line for each alert and the list of what came; it must not import `serinus` or judge alerts.
"""

from .page import InvalidNotification, Page, read_pages
from .server import Receiver, make_app

__all__ = ["InvalidNotification", "Page", "Receiver", "make_app", "read_pages"]
