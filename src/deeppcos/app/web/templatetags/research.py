"""Small filters of the research pages."""

from django import template

register = template.Library()


@register.filter
def make_list_of_words(text: str) -> list[str]:
    """Words of a line, to walk over."""
    return text.split()


@register.filter
def cut_underscores(name: str) -> str:
    """A column's name as words."""
    return name.replace("_", " ")


@register.filter
def add_number(value: float, more: float) -> float:
    """A sum of numbers that need not be whole."""
    return float(value) + float(more)
