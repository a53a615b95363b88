"""Lighting as the local API sees it: programmes, groups, who has what, why a lamp has its level, and overrides.

One desk for the running gateway and for the command line beside a stopped one; only the first can reach lamps.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import apsw

from gateway.api.desk import Pen, told
from gateway.api.station import ConflictError, HoldForm, Json, LoadForm, NotFoundError, RefusedError, UnavailableError
from gateway.config import values
from gateway.lighting.airtime import cost_of_programme, cost_of_scene, settings_airtime_ms
from gateway.lighting.almanac import AlmanacError, almanac_of
from gateway.lighting.distribution import parts_of
from gateway.lighting.files import ProgrammeError, read_programme
from gateway.lighting.law import findings
from gateway.lighting.lighting import Lighting
from gateway.lighting.plan import SITE, LightGroup, LightProgramme, Override, Target
from gateway.lighting.stored import hanging_now, load_plan, override_of, target_to_text
from gateway.lighting.tuning import count_to_tell
from gateway.orders.request import GROUP_MAX_S
from gateway.orders.states import refused
from gateway.store import groups, lighting
from gateway.store.lighting import OverrideRow, ProgrammeRow
from protocol.dimming import Site
from protocol.errors import FrameError
from protocol.lorawan.eui import eui_from_text, eui_to_text
from protocol.settings import SETTINGS

Change = Callable[[Lighting], None]
LAMP_MAX_S = 86_400  # hold_s of an order to one lamp
MIN_HOLD_S = 60
MAX_TARGETS = 64


class LightDesk:
    """site, rules: of the configuration. core: lighting as it is now. change: has it changed; None: nothing runs.

    unix_ms: the time, None while nobody knows it; now_ms: the monotonic time of the core.
    """

    def __init__(
        self,
        site: values.Site,
        rules: values.Lighting,
        read: apsw.Connection,
        write: Pen,
        core: Callable[[], Lighting],
        change: Callable[[Change], None] | None,
        unix_ms: Callable[[], int | None],
        now_ms: Callable[[], int],
    ) -> None:
        self._site = site
        self._rules = rules
        self._read = read
        self._write = write
        self._core = core
        self._change = change
        self._unix_ms = unix_ms
        self._now_ms = now_ms

    # What there is.

    async def programmes(self) -> Sequence[Json]:
        """The newest version of each programme, and which groups run it."""
        core = self._core()
        with told():
            newest = {row.name: row for row in lighting.load_programmes(self._read)}
        return [
            {
                "name": row.name,
                "version": f"{row.version:04x}",
                "loaded": _iso(row.loaded_ms // 1000),
                "groups": [group.name for group in core.light_groups() if group.programme == row.name],
            }
            for row in newest.values()
        ]

    async def programme(self, name: str) -> Json:
        """One programme, with its file's text."""
        with told():
            row = {row.name: row for row in lighting.load_programmes(self._read)}.get(name)
        if row is None:
            raise NotFoundError(f"there is no programme {name!r}; `light programme list` shows which there are")
        return {"name": name, "version": f"{row.version:04x}", "loaded": _iso(row.loaded_ms // 1000), "text": row.text}

    async def groups(self) -> Sequence[Json]:
        """Groups with lamps in them: their programme, and how many lamps have it."""
        core = self._core()
        return [self._group_row(core, group) for group in core.light_groups()]

    async def lamps(self, after: str, limit: int) -> Sequence[Json]:
        """Who has what, by DevEUI."""
        core = self._core()
        euis = sorted(dev_eui for dev_eui in core.lamps if dev_eui.hex() > after)
        return [self._lamp_row(core, dev_eui) for dev_eui in euis[:limit]]

    async def explain(self, dev_eui: bytes, at_s: int | None) -> Json:
        """Which rule holds a lamp at Unix time *at_s*, None: now, and until when; and what it told last."""
        core = self._core()
        if dev_eui not in core.lamps:
            raise NotFoundError(f"DevEUI {eui_to_text(dev_eui)} is no lamp; `devices list` shows who is")
        await self._ensure_almanac(self._now_s())
        at_s = self._now_s() if at_s is None else at_s
        setpoint = core.expected(dev_eui, at_s)
        alone = core.door.alone(dev_eui, at_s)
        return {
            **self._lamp_row(core, dev_eui),
            "at": self._local(at_s),
            "level_pct": setpoint.level_pct,
            "rule": setpoint.rule.value,
            "detail": setpoint.detail,
            "until": None if setpoint.until_s is None else self._local(setpoint.until_s),
            "until_s": setpoint.until_s,
            "alone_pct": alone.level_pct,
            "planned_pct": core.door.by_itself(core.wanted(dev_eui), at_s).level_pct,
        }

    # What changes.

    async def load(self, form: LoadForm) -> Json:
        """Load a programme and have groups run it; what it costs on the air, and what the law may say of it."""
        try:
            programme = read_programme(form.text)
        except ProgrammeError as error:
            raise RefusedError(str(error)) from None
        core = self._core()
        targets = [self._group(core, name) for name in form.groups]
        targets += [
            group for group in core.light_groups() if group.programme == programme.name and group not in targets
        ]
        _refuse_two(core, programme, targets)
        now_s = self._now_s()
        site = await self._ensure_almanac(now_s)
        known = core.programme_named(programme.name)
        said: Json = {
            "name": programme.name,
            "version": f"{programme.version:04x}",
            "changed": known is None or known.version != programme.version,
            "parts": parts_of(programme),
            "groups": [self._cost_row(core, group, programme) for group in targets],
            "warnings": self._warnings(programme),
            "law": [finding.sentence() for finding in findings(programme, site, now_s)],
            "loaded": not form.dry_run,
        }
        if form.dry_run:
            return said

        def keep(database: apsw.Connection) -> None:
            row = ProgrammeRow(programme.name, programme.version, form.text, now_s * 1000)
            lighting.add_programme(database, row)
            for group in targets:
                lighting.assign(database, group.number, programme.name)

        with told():
            await self._write(keep)
            plan = load_plan(self._read)
        self._tell(lambda core: core.set_plan(plan))
        return said

    async def hold(self, form: HoldForm) -> Json:
        """Hold levels, or end what was held."""
        if self._change is None:
            raise UnavailableError(
                "the gateway is stopped, and only while it runs lamps are told; `systemctl start lampyre-gateway`"
            )
        if not 0 < len(form.levels) <= MAX_TARGETS:
            raise RefusedError(f"{len(form.levels)} targets; a scene has 1..{MAX_TARGETS}")
        now_s = self._now_s()
        await self._ensure_almanac(now_s)
        core = self._core()
        # What is said of fewer lamps comes later, so that it holds: the site, groups, lamps.
        levels = sorted(form.levels, key=lambda level: _reach(self._target(core, level[0])))
        rows = [self._override_row(core, text, level_pct, form, now_s) for text, level_pct in levels]
        said = [self._told_row(core, row, text) for row, (text, _) in zip(rows, levels, strict=True)]
        if form.dry_run:
            return {"held": said}
        with told():
            kept = await self._write(lambda database: [lighting.add_override(database, row) for row in rows])
        for row, entry in zip(kept, said, strict=True):
            entry["override"] = row.id
            self._tell(_holding(override_of(row)))
        return {"held": said}

    async def refresh(self) -> None:
        """Work out the almanac anew where lamps follow one: after a move of the site, and each year. StationError."""
        planned = any(group.programme for group in self._core().light_groups())
        if planned and self._unix_ms() is not None:
            await self._ensure_almanac(self._now_s())

    # Within.

    def _warnings(self, programme: LightProgramme) -> list[str]:
        """What a programme names that is not there, so that it will do nothing."""
        with told():
            hanging = hanging_now(self._read)
        places = programme.presence.places if programme.presence else ()
        return [f"nothing hangs at {place}, so nobody is seen there" for place in places if place not in hanging]

    def _tell(self, change: Change) -> None:
        if self._change is not None:
            self._change(change)
        else:
            change(self._core())

    async def _ensure_almanac(self, now_s: int) -> Site:
        """The site's sun and holidays, worked out if this is the first time, or a new year."""
        core = self._core()
        site, year = self._site, datetime.fromtimestamp(now_s, UTC).year
        kept = lighting.load_site(self._read, site.almanac_key)
        encoded = kept[1] if kept is not None and kept[0] == year else None
        if encoded is None:
            where = (site.latitude_deg, site.longitude_deg, site.timezone, site.insee, year)
            try:
                encoded = made = await asyncio.to_thread(almanac_of, *where)
            except AlmanacError as error:
                raise UnavailableError(str(error)) from None
            await self._write(lambda database: lighting.keep_site(database, site.almanac_key, year, made))
        known = Site.decode(encoded)
        if core.door.site is None or core.door.site.encode() != encoded:
            self._tell(lambda core: core.set_site(known))
        return known

    def _now_s(self) -> int:
        unix_ms = self._unix_ms()
        if unix_ms is None:
            raise UnavailableError("the gateway does not know the time yet; wait, or look at `doctor`")
        return unix_ms // 1000

    def _local(self, at_s: int) -> str:
        import zoneinfo

        return datetime.fromtimestamp(at_s, zoneinfo.ZoneInfo(self._site.timezone)).isoformat(timespec="seconds")

    def _group(self, core: Lighting, text: str) -> LightGroup:
        """The group of this name or number."""
        for group in core.light_groups():
            if text in (group.name, str(group.number), f"group:{group.number}"):
                return group
        raise NotFoundError(f"there is no group {text!r} with lamps in it; `light groups` shows which there are")

    def _target(self, core: Lighting, text: str) -> Target:
        if text == "site":
            return SITE
        try:
            dev_eui = eui_from_text(text, "lamp")
        except FrameError:
            return self._group(core, text).number
        if dev_eui not in core.lamps:
            raise NotFoundError(f"DevEUI {eui_to_text(dev_eui)} is no lamp; `devices list` shows who is")
        return dev_eui

    def _override_row(
        self, core: Lighting, text: str, level_pct: int | None, form: HoldForm, now_s: int
    ) -> OverrideRow:
        target = self._target(core, text)
        alone = isinstance(target, bytes)
        longest_s = LAMP_MAX_S if alone else GROUP_MAX_S
        if level_pct is None:
            held = core.door.overrides.get(target)
            if held is None or held.until_s <= now_s:
                raise ConflictError(f"nothing is held for {text}")
            until_s = held.until_s
        elif not MIN_HOLD_S <= form.hold_s <= longest_s:
            what = "a lamp a day" if alone else "a group or the site a night"
            raise RefusedError(f"{text}: to hold for {form.hold_s} s; {what} at most: {MIN_HOLD_S}..{longest_s} s")
        elif not 0 <= level_pct <= 100 or not 0 <= form.fade_s <= 3600:
            raise RefusedError(f"{text}: {level_pct} % with a fade of {form.fade_s} s; expected 0..100 and 0..3600")
        elif not alone and level_pct < self._rules.floor_pct:
            raise RefusedError(
                f"{text}: {level_pct} % is below the floor of {self._rules.floor_pct} % that [lighting] sets for "
                "groups and the site; a single lamp may go lower"
            )
        else:
            until_s = now_s + form.hold_s
            sunrise_s = core.door.next_sunrise_s(now_s)
            if not alone and sunrise_s is not None:
                until_s = min(until_s, sunrise_s)
        return OverrideRow(0, target_to_text(target), level_pct, form.fade_s, now_s, until_s, form.source[:40])

    def _told_row(self, core: Lighting, row: OverrideRow, text: str) -> Json:
        target = override_of(row).target
        costs = []
        reached = [target] if isinstance(target, int) and target != SITE else []
        if target == SITE:
            reached = [group.number for group in core.light_groups()]
        known = {group.number: group for group in groups.load_groups(self._read)}
        costs = [cost_of_scene(known[number].dr, known[number].freq_hz) for number in reached]
        return {
            "target": text,
            "level_pct": row.level_pct,
            "lamps": len(core.members(target)),
            "until": self._local(row.until_s),
            "until_s": row.until_s,
            "airtime_ms": sum(cost.airtime_ms for cost in costs),
            "cost": " + ".join(cost.sentence() for cost in costs[:1]) if len(costs) == 1 else "",
        }

    def _cost_row(self, core: Lighting, group: LightGroup, programme: LightProgramme) -> Json:
        [known] = [entry for entry in groups.load_groups(self._read) if entry.number == group.number]
        cost = cost_of_programme(programme.nights.encode(), known.dr, known.freq_hz)
        with told():
            count = count_to_tell(group, programme, hanging_now(self._read), core.lamps)
        settings_ms = settings_airtime_ms(count, known.dr)
        more = f"; {count} settings, lamp by lamp: {settings_ms / 1000:.1f} s more" if count else ""
        return {
            "group": group.number,
            "name": group.name,
            "lamps": len(group.members),
            "airtime_ms": cost.airtime_ms,
            "settings": count,
            "settings_airtime_ms": settings_ms,
            "cost": cost.sentence() + more,
        }

    def _group_row(self, core: Lighting, group: LightGroup) -> Json:
        lamps = [core.lamps[member] for member in group.members]
        programme = core.programme_named(group.programme)
        confirmed = [core.scenes.confirmed(member) for member in group.members]
        override = core.door.overrides.get(group.number)
        return {
            "group": group.number,
            "name": group.name,
            "lamps": len(lamps),
            "programme": group.programme,
            "version": None if programme is None else f"{programme.version:04x}",
            "have_it": sum(programme is not None and lamp.version == programme.version for lamp in lamps),
            "have_key": sum(group.number in lamp.keys for lamp in lamps),
            "told": sum(entry is not None for entry in confirmed),
            "confirmed": sum(entry is True for entry in confirmed),
            "held_pct": None if override is None or self._over(override) else override.level_pct,
        }

    def _over(self, override: Override) -> bool:
        unix_ms = self._unix_ms()
        return unix_ms is not None and override.until_s <= unix_ms // 1000

    def _lamp_row(self, core: Lighting, dev_eui: bytes) -> Json:
        lamp = core.lamps[dev_eui]
        wanted, has = core.wanted(dev_eui), core.programme_of(dev_eui)
        return {
            "dev_eui": eui_to_text(dev_eui),
            "name": lamp.registration.name,
            "groups": [group.name for group in core.groups_of(dev_eui)],
            "wanted": None if wanted is None else f"{wanted.name} {wanted.version:04x}",
            "has": None if lamp.version is None else f"{has.name if has else '?'} {lamp.version:04x}",
            "has_it": wanted is not None and lamp.version == wanted.version and lamp.sure,
            "refused": None if lamp.refused is None else f"{lamp.refused:04x}",
            "lacks_settings": [SETTINGS[number][0] for number in core.distribution.lacks_settings(lamp)],
            "follows": core.scenes.confirmed(dev_eui),
            "refusal": None if (outcome := core.scenes.refused(dev_eui)) is None else refused(outcome),
            "told_pct": lamp.level_pct,
            "told_at": self._local(lamp.told_s) if lamp.told_s else None,
            "heard_s_ago": None if lamp.heard_ms is None else (self._now_ms() - lamp.heard_ms) // 1000,
        }


def _refuse_two(core: Lighting, programme: LightProgramme, targets: Sequence[LightGroup]) -> None:
    """ConflictError when a lamp would have two programmes."""
    after = {group.number: group.programme for group in core.light_groups()}
    after |= dict.fromkeys([group.number for group in targets], programme.name)
    for group in targets:
        for other in core.light_groups():
            shared = set(group.members) & set(other.members)
            if shared and after[other.number] not in ("", programme.name):
                raise ConflictError(
                    f"lamp {eui_to_text(min(shared))} is in {group.name} and in {other.name}, which runs "
                    f"{after[other.number]}; a lamp runs one programme"
                )


def _reach(target: Target) -> int:
    """How narrow a target is."""
    return 2 if isinstance(target, bytes) else int(target != SITE)


def _holding(override: Override) -> Change:
    return lambda core: core.override(override)


def _iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
