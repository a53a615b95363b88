// What the firmware may look at without a question, as long as nothing has happened: pins, lines, registers, by key.
//
// Whatever is sent to chips may change it, but for one thing that is asked for between any two commands of a radio: most
// of them leave a BUSY low that is low. Which, the chip's model says: [BUSY's pin, select's pin, SPI bus, [command, …]].
export class Known extends Map {
  constructor(calm) {
    super();
    this.calm = calm.map(([busy, select, bus, commands]) => ({
      key: `get${busy}`,
      select,
      bus,
      commands: new Set(commands),
      begun: false, // whether a command was, since the last edge of select
      stirs: false, // and may change BUSY
    }));
  }

  // Something was done: an operation and its arguments, as for the simulator.
  forget(op, id, data) {
    const kept = this.calm.filter((chip) => leavesLow(chip, op, id, data, this.get(chip.key)));
    const low = kept.map(({ key }) => [key, this.get(key)]);
    this.clear();
    for (const [key, known] of low) this.set(key, known);
  }
}

function leavesLow(chip, op, id, data, known) {
  const isLow = known?.[0] === 0;
  if (op === 'set' && id === chip.select) {
    const { stirs } = chip;
    chip.begun = chip.stirs = false;
    return isLow && !stirs;
  }
  if (!op.startsWith('spi_') || id !== chip.bus) return false;
  if (!chip.begun) chip.stirs = !chip.commands.has(parseInt(data.slice(0, 2), 16));
  chip.begun = true;
  return isLow && !chip.stirs;
}
