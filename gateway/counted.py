"""A number with its noun, as all sentences that count write it."""


def counted(number: int, noun: str, nouns: str = "") -> str:
    """`1 fault` and `2 faults`; nouns: a plural that is not just an s more, or the verb with it."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def compte(nombre: int, nom: str, noms: str = "") -> str:
    """The same in French, where 0 is singular as well: `0 lampe`, `1 lampe`, `2 lampes`."""
    return f"{nombre} {nom if nombre < 2 else noms or nom + 's'}"
