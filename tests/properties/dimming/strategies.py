"""Programmes as Hypothesis draws them."""

from hypothesis import strategies as st

from protocol.dimming import CLOCK, DAWN, DUSK, HOLIDAYS, SUNRISE, SUNSET, DayType, Programme, Step

levels = st.integers(0, 100)
fades = st.integers(0, 600)
steps = st.one_of(
    st.builds(Step, st.just(CLOCK), st.integers(0, 1439), levels, fades),
    st.builds(Step, st.sampled_from([SUNSET, SUNRISE, DUSK, DAWN]), st.integers(-180, 180), levels, fades),
)


@st.composite
def programmes(draw):
    """Any programme: the days dealt out to up to four day types, with up to ten steps each."""
    owners = draw(st.lists(st.integers(0, 3), min_size=8, max_size=8))
    masks = [sum(1 << bit for bit in range(8) if owners[bit] == owner) for owner in range(4)]
    if masks[owners[7]] != HOLIDAYS and draw(st.booleans()):
        masks[owners[7]] &= ~HOLIDAYS
    chosen = [mask for mask in masks if mask]
    return Programme(*[DayType(mask, *draw(st.lists(steps, min_size=1, max_size=10))) for mask in chosen])
