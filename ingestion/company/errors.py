"""The one error of a company folder."""

from __future__ import annotations


class CompanyError(Exception):
    """What is wrong in the company folder, one problem a line, each as `file:line: key: what to do`."""
