// One board, driven by lines of JSON: a command comes, and what it asks and how it ends goes back. While it waits for an
// answer its thread stands still.
//
// commands: ["make"] ["put", path, latin1 or null] ["files"] ["start", now, free, chip] ["turn", now, free, events, typed, …]
//           ["feed", now, free, latin1] ["soft", now, free, chip, raw, latin1]; chip: see `Vm.start`; …: `Vm.tell`
// answers:  ["done", posted, now, result]; before that any number of ["ask", posted, now, op, …], each answered by
//           [now, free, result, events, bytes typed, what ends the call or null, …, …, …, NVS if it was written to].
//           posted: [[now, op, …], …], in order.
// Times are in µs. Before *free* nothing happens by itself: as long as no chip was touched, the firmware looks at pins
// and sleeps without asking, and one turn follows the other.
import fs from 'node:fs';
import { workerData } from 'node:worker_threads';
import { Vm } from './vm.mjs';

const { folder, compiled, images, heap, from, to } = workerData;
const TURN_US = 100; // what a turn takes beside its hardware

class Channel {
  constructor() {
    this.chunk = Buffer.alloc(1 << 16);
    this.rest = '';
  }

  // The next line, of ASCII; undefined at the end.
  read() {
    let end;
    while ((end = this.rest.indexOf('\n')) < 0) {
      const count = fs.readSync(from, this.chunk, 0, this.chunk.length, null);
      if (!count) return undefined;
      this.rest += this.chunk.latin1Slice(0, count);
    }
    const line = this.rest.slice(0, end);
    this.rest = this.rest.slice(end + 1);
    return JSON.parse(line);
  }

  write(message) {
    const line = Buffer.from(`${JSON.stringify(message)}\n`);
    for (let sent = 0; sent < line.length; ) sent += fs.writeSync(to, line, sent);
  }
}

const channel = new Channel();
let vm = null;

// Boot as the ESP32 port does: boot.py, then main.py from wherever boot.py went; true if that has a turn() to be called.
// That its last line calls it for ever is for a real board: this build frees memory only when a call is over.
function boot(andMain) {
  vm.reseed();
  const exists = (name) => vm.mp.FS.analyzePath(name).exists;
  const again = vm.images.image ? "__import__('machine')._boot" : "compile(open('boot.py').read(), 'boot.py', 'exec')";
  let ended = exists('boot.py') ? vm.run((mp) => mp.runPython(`exec(${again})`)) : null;
  if (ended) return ended;
  vm.images.chosen(vm.mp.FS.cwd());
  ended = andMain && exists('main.py') ? vm.run((mp) => mp.runPython(vm.images.main())) : null;
  if (ended) return ended;
  const asks = "import _hw, sys\n_hw.take(getattr(sys.modules.get('main'), 'turn', None))\ndel _hw, sys";
  return vm.run((mp) => mp.runPython(asks)) ?? vm.turn !== null;
}

const commands = {
  async make() {
    vm = await Vm.create(channel, folder, compiled, images, heap);
  },
  put: (name, content) => vm.flash.put(name, content),
  files: () => vm.flash.all(),
  start(now, free, chip) {
    vm.restart(now);
    vm.start(now, free, chip);
    return boot(true);
  },
  turn(now, free, events, typed, ...known) {
    vm.at(now, free);
    vm.tell(...known);
    vm.typed = typed;
    vm.happen(events);
    for (;;) {
      const ended = vm.run(() => {
        vm.heap.turn();
        return vm.turn();
      });
      if (ended || !vm.settled || vm.now + TURN_US >= vm.free) return ended;
      vm.now += TURN_US;
      vm.post('turn');
    }
  },
  feed(now, free, text) {
    vm.at(now, free);
    return vm.repl.feed(Buffer.from(text, 'latin1'));
  },
  // Ctrl-D at the prompt; raw: main.py does not run then. text: what was typed behind it.
  soft(now, free, chip, raw, text) {
    vm.restart(now);
    vm.start(now, free, chip);
    vm.repl.say('MPY: soft reboot\r\n');
    vm.repl.raw = raw;
    const ended = boot(!raw);
    if (ended === true || (ended && ended.what !== 'error')) return ended;
    return vm.repl.feed(Buffer.from(text, 'latin1'));
  },
};

for (let command = channel.read(); command !== undefined; command = channel.read()) {
  const [name, ...args] = command;
  const result = (await commands[name](...args)) ?? null;
  channel.write(['done', vm.posted.splice(0), vm.now, result]);
}
