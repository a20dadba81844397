"""Serinus: rollouts of language models, gated on the quality of their answers."""

__version__ = "0.1.0"
