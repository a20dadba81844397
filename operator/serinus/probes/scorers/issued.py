"""The shapes that issuers gave their keys and tokens, a row for each. It judges only how random they look. Pure."""

import re
from typing import Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.entropy import bits, is_placeholder, is_random
from serinus.probes.scorers.finding import Shape

PLACEHOLDER: Final = 0.2
"""How sure a secret is that stands where a secret would: found, and too unsure to count."""
SURE: Final = 1.0
_BITS: Final = 3.0
_PLAIN: Final = r"(?<![A-Za-z0-9_-])"


def _key(match: re.Match[str]) -> float:
    return SURE if is_random(match[0]) else PLACEHOLDER


def _capitals(match: re.Match[str]) -> float:
    """Of capitals and few digits, which one key in thirty does not have."""
    return SURE if bits(match[0]) >= _BITS and not is_placeholder(match[0]) else PLACEHOLDER


def _issued(kind: str, shape: str, *hints: str) -> Shape:
    pattern = lazy(f"{_PLAIN}(?:{shape})(?![A-Za-z0-9_-])")
    return Shape(kind=kind, pattern=pattern, hints=hints, sure=_key, anchored=True)


ISSUED: Final = (
    Shape(
        kind="AWS access key",
        pattern=lazy(r"(?<![A-Za-z0-9])A[KSB]IA[A-Z2-7]{16}(?![A-Za-z0-9])"),
        hints=("akia", "asia", "abia"),
        sure=_capitals,
        anchored=True,
    ),
    _issued("GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _issued("GitHub token", r"github_pat_\w{22,255}", "github_pat_"),
    _issued("GitLab token", r"gl(?:pat|rt|dt|ptt|soat)-[\w-]{20,100}", "glpat-", "glrt-", "gldt-", "glptt-", "glsoat-"),
    _issued("Slack token", r"xox[abeoprs]-[0-9A-Za-z-]{10,250}|xapp-\d-[0-9A-Za-z-]{20,250}", "xox", "xapp-"),
    _issued("Stripe key", r"[sr]k_(?:live|test)_[0-9A-Za-z]{16,250}", "sk_live_", "sk_test_", "rk_live_", "rk_test_"),
    _issued("Stripe key", r"whsec_[0-9A-Za-z+/=]{20,100}", "whsec_"),
    _issued("Anthropic key", r"sk-ant-[\w-]{24,200}", "sk-ant-"),
    _issued("API key", r"[srp]k-(?:live-|test-|proj-|svcacct-|or-v1-)?[\w-]{20,250}", "sk-", "rk-", "pk-"),
    _issued("Google API key", r"AIza[\w-]{35}|ya29\.[\w-]{30,250}|GOCSPX-[\w-]{28}", "aiza", "ya29.", "gocspx-"),
    _issued("Hugging Face token", r"hf_[A-Za-z0-9]{30,60}", "hf_"),
    _issued("NVIDIA key", r"nvapi-[\w-]{40,100}", "nvapi-"),
    _issued("Groq key", r"gsk_[A-Za-z0-9]{40,80}", "gsk_"),
    _issued("npm token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _issued("PyPI token", r"pypi-[\w-]{50,250}", "pypi-"),
    _issued("SendGrid key", r"SG\.[\w-]{16,32}\.[\w-]{32,64}", "sg."),
    _issued("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}", "doo_v1_", "dop_v1_", "dor_v1_"),
    _issued("Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _issued("Databricks token", r"dapi[a-f0-9]{32}(?:-\d)?", "dapi"),
    _issued("age key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "age-secret-key-1"),
    _issued("Vault token", r"hv[sbr]\.[\w-]{24,200}", "hvs.", "hvb.", "hvr."),
    Shape(
        kind="Telegram token",
        pattern=lazy(r"(?<![\w-])\d{8,10}:AA[\w-]{33}(?![\w-])", re.ASCII),
        hints=(":aa",),
        sure=_key,
    ),
)
