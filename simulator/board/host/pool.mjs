// Many boards in one process, driven by lines of JSON: a command comes on stdin, and what it asks and how it ends goes to
// stdout. One board runs at a time, and while it waits for an answer nothing else happens.
//
// usage: node pool.mjs FOLDER   (of the npm package @micropython/micropython-webassembly-pyscript)
// commands: ["make", id] ["drop", id] ["put", id, path, latin1 or null] ["files", id] ["start", id, now, cause, origin, uid]
//           ["turn", id, now, events] ["run", id, now, source] ["feed", id, now, latin1]
//           ["interrupt", id, now] ["soft", id, now, cause, origin, uid, raw, latin1]
// answers:  ["done", posted, now, result]; before that any number of ["ask", posted, now, op, …], each answered by
//           [now, result, events, null or [what, detail]]. posted: [[now, op, …], …], in order. Times are in µs.
import fs from 'node:fs';
import { Vm, use } from './vm.mjs';

class Channel {
  constructor() {
    this.chunk = Buffer.alloc(1 << 16);
    this.rest = Buffer.alloc(0);
  }

  // The next line; undefined at the end.
  read() {
    let end;
    while ((end = this.rest.indexOf(10)) < 0) {
      const count = fs.readSync(0, this.chunk, 0, this.chunk.length, null);
      if (!count) return undefined;
      this.rest = Buffer.concat([this.rest, this.chunk.subarray(0, count)]);
    }
    const line = this.rest.toString('utf8', 0, end);
    this.rest = this.rest.subarray(end + 1);
    return JSON.parse(line);
  }

  write(message) {
    const line = Buffer.from(`${JSON.stringify(message)}\n`);
    for (let sent = 0; sent < line.length; ) sent += fs.writeSync(1, line, sent);
  }
}

const boards = new Map();
const channel = new Channel();

// Boot as the ESP32 port does: boot.py, then main.py from wherever boot.py went. A main.py with a function turn() is
// called turn by turn from outside; that its last line calls it for ever is for a real board.
function boot(vm, andMain) {
  const files = [['boot.py', "exec(compile(open('boot.py').read(), 'boot.py', 'exec'))"]];
  if (andMain) files.push(['main.py', 'import main']);
  for (const [name, source] of files) {
    const there = vm.mp.FS.analyzePath(name).exists;
    const ended = there ? vm.run((mp) => mp.runPython(source)) : null;
    if (ended) return ended;
  }
  return vm.run((mp) => mp.runPython("import sys\nhasattr(sys.modules.get('main'), 'turn')"));
}

const turn = (mp) => mp.runPython('main.turn()');

const commands = {
  async make(id) {
    boards.set(id, await Vm.create(id, channel));
  },
  drop: (id) => void boards.delete(id),
  put: (id, name, content) => boards.get(id).flash.put(name, content),
  files: (id) => boards.get(id).flash.all(),
  start(id, now, cause, origin, uid) {
    const vm = boards.get(id);
    vm.restart();
    vm.start(now, cause, origin, uid);
    return boot(vm, true);
  },
  // Ctrl-D at the prompt; raw: main.py does not run then. rest: what was typed behind it.
  soft(id, now, cause, origin, uid, raw, rest) {
    const vm = boards.get(id);
    vm.restart();
    vm.start(now, cause, origin, uid);
    vm.repl.say('MPY: soft reboot\r\n');
    vm.repl.raw = raw;
    const ended = boot(vm, !raw);
    if (ended === true || (ended && ended.what !== 'error')) return ended;
    return vm.repl.feed(Buffer.from(rest, 'latin1'));
  },
  interrupt(id, now) {
    const vm = boards.get(id);
    vm.now = vm.synced = now;
    vm.repl.print(Buffer.from('Traceback (most recent call last):\nKeyboardInterrupt: \n'));
    vm.repl.prompt();
  },
  turn(id, now, events) {
    const vm = boards.get(id);
    vm.now = vm.synced = now;
    vm.events.push(...events);
    vm.turning = true;
    vm.asleep = false;
    const ended = vm.run(turn);
    vm.turning = vm.asleep = false;
    return ended;
  },
  run(id, now, source) {
    const vm = boards.get(id);
    vm.now = vm.synced = now;
    return vm.run((mp) => mp.runPython(source));
  },
  feed(id, now, text) {
    const vm = boards.get(id);
    vm.now = vm.synced = now;
    return vm.repl.feed(Buffer.from(text, 'latin1'));
  },
};

await use(process.argv[2]);
for (;;) {
  const command = channel.read();
  if (command === undefined) break;
  const [name, id, ...args] = command;
  const result = (await commands[name](id, ...args)) ?? null;
  const vm = boards.get(id);
  channel.write(['done', vm ? vm.posted.splice(0) : [], vm ? vm.now : 0, result]);
}
process.exit(0);
