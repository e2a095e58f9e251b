"""Answers of a teacher, written once and read by many runs."""

from tutelage.teachers.cache import HEADER, Cache, CacheWriter, Header, Key, caches
from tutelage.teachers.forms import Form, kind_of, make_form

__all__ = [
    "HEADER",
    "Cache",
    "CacheWriter",
    "Form",
    "Header",
    "Key",
    "caches",
    "kind_of",
    "make_form",
]
