// One board's MicroPython: the WebAssembly build, which can be switched off at any call and begun anew.
//
// A reset, a deep sleep or a power cut leaves Python in the midst of a call, by an exception of JavaScript that no
// Python code can catch; then the linear memory becomes what it was when the interpreter was fresh. The flash is kept,
// as far as it was written: see flash.mjs.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Flash } from './flash.mjs';
import { hardware } from './hardware.mjs';
import { Heap } from './heap.mjs';
import { Images } from './images.mjs';
import { shortened } from './jumps.mjs';
import { Known } from './known.mjs';
import { Repl } from './repl.mjs';

const HEAP_BYTES = 1 << 19; // this build collects between calls only: what a call leaves behind must fit as well
const COLLECTS_BYTES = 1 << 17; // as often as it needs, not after each 16 kB
const PAGE = 1 << 16;
const SHIMS = ['machine', 'esp32', 'cryptolib'];

// Memory of an interpreter that was dropped is dropped with it, so nothing needs to be told of what JavaScript forgets.
const NEVER = { register() {}, unregister() {} };

Error.stackTraceLimit = 0; // Emscripten has an error for each file that is not there, and nobody reads where

// What ends a call from outside: {what: 'reset' | 'deepsleep' | 'cut' | 'fault', …}.
export class Ending {
  constructor(what, detail = '') {
    this.what = what;
    this.detail = detail;
  }
}

export class Vm {
  // ask(op, args) is answered by the simulator, now; post(op, args) need not be.
  static async create(channel, folder, compiled, images, heap) {
    const vm = new Vm();
    vm.channel = channel;
    vm.ending = null;
    vm.repl = new Repl(vm);
    vm.flash = new Flash(vm);
    vm.images = new Images(vm, images);
    vm.heap = new Heap(vm, heap);
    const { loadMicroPython } = await import(pathToFileURL(path.join(folder, 'micropython.mjs')));
    WebAssembly.instantiate = async (_, imports) => {
      vm.hooked(imports);
      const link = shortened(imports.env);
      const instance = new WebAssembly.Instance(compiled, imports);
      link(instance.exports);
      vm.exports = instance.exports;
      return { instance, module: compiled };
    };
    vm.mp = await loadMicroPython({ heapsize: HEAP_BYTES, linebuffer: false, stdout: () => {}, stderr: () => {} });
    globalThis.pyProxyFinalizationRegistry = NEVER;
    vm.listen();
    vm.begin();
    return vm;
  }

  // Where Python calls JavaScript it looks, when that is done, whether the board is still on.
  hooked(imports) {
    for (const [name, call] of Object.entries(imports.env)) {
      if (!name.startsWith('call')) continue;
      imports.env[name] = (...args) => {
        call(...args);
        if (this.ending) throw this.ending;
      };
    }
    imports.env.mp_js_ticks_ms = () => {
      const ms = Math.floor(this.hw.ticks_us() / 1000);
      if (this.ending) throw this.ending;
      return ms;
    };
    imports.env.mp_js_time_ms = () => 946_684_800_000 + this.hw.rtc_s() * 1000; // 1970 to 2000
    imports.env.mp_js_random_u32 = () => this.random();
    this.flash.hook(imports);
  }

  // What Python prints, in one piece instead of a call for each letter.
  listen() {
    for (const number of [1, 2]) {
      const stream = this.mp.FS.streams[number];
      const write = (_, buffer, offset, length) => {
        this.repl.print(buffer.slice(offset, offset + length));
        return length;
      };
      stream.stream_ops = { ...stream.stream_ops, write };
    }
  }

  // Prepare an interpreter that has modules for the hardware and the flash as its root, and keep what it is then.
  begin() {
    this.hw = hardware(this);
    this.start(0, 0, { cause: 1, origin: 0, uid: '', memory: '', calm: [] });
    this.mp.registerJsModule('_hw', this.hw);
    this.mp.FS.mkdir('/shims');
    for (const name of [...SHIMS, 'clockwork']) {
      const source = path.join(import.meta.dirname, '../shims', `${name}.py`);
      this.mp.FS.writeFile(`/shims/${name}.py`, fs.readFileSync(source));
    }
    this.mp.runPython(`import sys\nsys.path.append('/shims')\nimport clockwork, ${SHIMS.join(', ')}\nsys.path.pop()`);
    this.mp.runPython('del clockwork, machine, esp32, cryptolib, sys.modules["clockwork"], sys');
    for (const name of this.mp.FS.readdir('/shims').slice(2)) this.mp.FS.unlink(`/shims/${name}`);
    this.mp.FS.rmdir('/shims');
    this.flash.begin();
    // What of its own modules is written in Python takes heap; an ESP32's are in its flash, so it is there before all else.
    this.mp.runPython(`import binascii, gc, io, os, time\ngc.threshold(${COLLECTS_BYTES})\ndel binascii, gc, io, os, time`);
    this.heap.prepare();
    this.fresh = this.state();
  }

  // Of the interpreter, between two calls.
  state() {
    const memory = this.bytes();
    const nothing = new Uint8Array(PAGE);
    let end = memory.length;
    while (!Buffer.compare(memory.subarray(end - PAGE, end), nothing)) end -= PAGE;
    return {
      memory: memory.slice(0, end),
      stack: this.exports.emscripten_stack_get_current(),
      ref: [...globalThis.proxy_js_ref],
      next: globalThis.proxy_js_ref_next,
      map: [...globalThis.proxy_js_ref_map],
      existing: [...globalThis.proxy_js_existing],
    };
  }

  // The interpreter begins anew at *now*; what was not written to flash is lost.
  restart(now) {
    this.ending = null;
    this.flash.lose();
    this.posted = [];
    this.restore(this.images.next(this.heap.begin(now))?.state ?? this.fresh);
    this.repl.begin();
  }

  restore({ memory, stack, ref, next, map, existing }) {
    this.bytes().set(memory);
    this.exports._emscripten_stack_restore(stack);
    globalThis.proxy_js_ref = [...ref];
    globalThis.proxy_js_ref_next = next;
    globalThis.proxy_js_ref_map = new Map(map);
    globalThis.proxy_js_map = new Map();
    globalThis.proxy_js_existing = [...existing];
  }

  // The state of a chip that has just been reset. now, free: as below. origin: of power on, for the RTC. memory: the
  // RTC's, as hex. calm: see known.mjs. nvs: [namespace, key, type, hex] of all that is committed; left out: as at the
  // last start.
  start(now, free, { cause, origin, uid, memory, calm, nvs }) {
    this.booted = now;
    this.posted = [];
    this.events = [];
    this.known = new Known(calm);
    this.willing = new Map();
    this.typed = 0; // bytes that wait at the serial port
    this.at(now, free);
    this.cause = cause;
    this.origin = origin;
    this.uid = uid;
    this.memory = memory;
    this.keep(nvs ?? this.committed ?? []);
    this.seed = (now ^ 0x9e3779b9) >>> 0 || 1;
  }

  keep(nvs) {
    this.committed = nvs;
    this.nvs = new Map(nvs.map(([space, key, kind, data]) => [`${space}/${key}`, [kind, data]]));
  }

  // It is *now*, µs of the simulator's time; nothing happens by itself before *free*.
  at(now, free) {
    this.now = this.synced = now;
    this.free = free;
    this.settled = true; // nothing was done since of which chips are to be told first
    this.known.clear();
  }

  // What is so now: [[pin, level, until when], …], [[UART, what waits, as hex], …], and of I²C buses whom nothing that
  // is written keeps from acknowledging: [[bus, [address, …]], …].
  tell(pins, lines, willing) {
    this.willing = new Map(willing);
    for (const [pin, level, until] of pins) this.known.set(`get${pin}`, [level, until]);
    for (const [id, waiting] of lines) this.known.set(`uart${id}`, [waiting, Infinity]);
  }

  happen(events) {
    if (!events.length) return;
    this.events.push(...events);
    this.bytes()[this.flag] = 1;
  }

  bytes() {
    const { buffer } = this.exports.memory; // another one when the heap has grown
    if (this.view?.buffer !== buffer) this.view = new Uint8Array(buffer);
    return this.view;
  }

  random() {
    let x = this.seed; // xorshift32, so that a board does the same each time
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.seed = x >>> 0;
    return this.seed;
  }

  // Run Python; returns null, or what ended it: {what, detail}. An exception is printed, as a board does.
  run(call) {
    try {
      const result = call(this.mp);
      return this.ending ?? result ?? null;
    } catch (error) {
      if (this.ending) return this.ending;
      if (error.name !== 'PythonError') throw error;
      this.repl.print(Buffer.from(error.message, 'utf8'));
      return new Ending('error', error.message);
    }
  }

  post(op, ...args) {
    this.posted.push([this.now, op, ...args]);
  }

  ask(op, ...args) {
    this.channel.write(['ask', this.posted, this.now, op, ...args]);
    this.posted = [];
    const answer = this.channel.read();
    if (!answer) process.exit(0); // the simulator is gone; of the board this is the thread
    const [now, free, result, events, typed, end, pins, lines, willing, nvs] = answer;
    this.at(now, free);
    this.tell(pins, lines, willing);
    this.typed = typed;
    this.happen(events);
    if (nvs) this.keep(nvs); // somebody else wrote to it
    if (end === 'interrupt') this.exports.mp_sched_keyboard_interrupt();
    else if (end) this.ending = new Ending(end);
    return result;
  }
}
