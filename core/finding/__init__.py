"""Finding personal data in a text: by form and check digits, by the words around, and names by dictionary and by natasha.

Nothing here keeps or shows what it finds: that is the vault's (core/personal_data.py).
"""

from core.finding.numbers import snils_is_valid
from core.finding.search import KINDS, TOKEN, find, find_by_form, warm_up
from core.finding.span import Expected, Span, digits_of

__all__ = ["KINDS", "TOKEN", "Expected", "Span", "digits_of", "find", "find_by_form", "snils_is_valid", "warm_up"]
