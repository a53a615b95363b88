"""The French order of 27 December 2018 on light nuisances, as far as it speaks of hours, read against a programme.

The order (arrêté du 27 décembre 2018 relatif à la prévention, à la réduction et à la limitation des nuisances
lumineuses, NOR TREP1831126A) sorts installations by categories (article 1) and says when each is to be off (article 2).
What it says of colour, upward light and density (articles 3 and 4) is not in a programme. A finding is a warning: the
hours of opening, of activity and the prefect's or mayor's exceptions are not known here.
"""

from dataclasses import dataclass

from protocol.dimming import Site

from .plan import LightProgramme


@dataclass(frozen=True, slots=True)
class Finding:
    """An article that a programme may break."""

    article: str
    says: str
    found: str

    def sentence(self) -> str:
        """The finding as a person reads it."""
        return f"order of 27 December 2018, {self.article}: {self.says}; {self.found}"


def findings(programme: LightProgramme, site: Site, at_s: int) -> list[Finding]:
    """The articles that *programme* may break in the year from Unix time *at_s* on."""
    return []
