// One board, driven by lines of JSON: a command comes, and what it asks and how it ends goes back. While it waits for an
// answer its thread stands still.
//
// commands: ["make"] ["put", path, latin1 or null] ["files"] ["start", now, cause, origin, uid] ["turn", now, events, typed]
//           ["run", now, source] ["feed", now, latin1] ["soft", now, cause, origin, uid, raw, latin1]
// answers:  ["done", posted, now, result]; before that any number of ["ask", posted, now, op, …], each answered by
//           [now, result, events, what ends the call or null, bytes typed]. posted: [[now, op, …], …], in order. Times are in µs.
import fs from 'node:fs';
import { workerData } from 'node:worker_threads';
import { Vm } from './vm.mjs';

const { folder, compiled, from, to } = workerData;

class Channel {
  constructor() {
    this.chunk = Buffer.alloc(1 << 16);
    this.rest = Buffer.alloc(0);
  }

  // The next line; undefined at the end.
  read() {
    let end;
    while ((end = this.rest.indexOf(10)) < 0) {
      const count = fs.readSync(from, this.chunk, 0, this.chunk.length, null);
      if (!count) return undefined;
      this.rest = Buffer.concat([this.rest, this.chunk.subarray(0, count)]);
    }
    const line = this.rest.toString('utf8', 0, end);
    this.rest = this.rest.subarray(end + 1);
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
  const files = [['boot.py', "exec(compile(open('boot.py').read(), 'boot.py', 'exec'))"]];
  if (andMain) files.push(['main.py', 'import main']);
  for (const [name, source] of files) {
    const there = vm.mp.FS.analyzePath(name).exists;
    const ended = there ? vm.run((mp) => mp.runPython(source)) : null;
    if (ended) return ended;
  }
  const asks = "import _hw, sys\n_hw.told(hasattr(sys.modules.get('main'), 'turn'))\ndel _hw, sys";
  return vm.run((mp) => mp.runPython(asks)) ?? vm.told;
}

const at = (now) => {
  vm.now = vm.synced = now;
};

const commands = {
  async make() {
    vm = await Vm.create(channel, folder, compiled);
  },
  put: (name, content) => vm.flash.put(name, content),
  files: () => vm.flash.all(),
  start(now, cause, origin, uid) {
    vm.restart();
    vm.start(now, cause, origin, uid);
    return boot(true);
  },
  turn(now, events, typed) {
    at(now);
    vm.typed = typed;
    vm.events.push(...events);
    return vm.run((mp) => mp.runPython('main.turn()'));
  },
  run(now, source) {
    at(now);
    return vm.run((mp) => mp.runPython(source));
  },
  feed(now, text) {
    at(now);
    return vm.repl.feed(Buffer.from(text, 'latin1'));
  },
  // Ctrl-D at the prompt; raw: main.py does not run then. text: what was typed behind it.
  soft(now, cause, origin, uid, raw, text) {
    vm.restart();
    vm.start(now, cause, origin, uid);
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
