// The flash of a board: files that keep what was written to them when they are flushed or closed, as littlefs has it.
//
// Making, removing and renaming is whole or not at all; a file's data is what it was at its last flush until the next.
// Before each of these the simulator is asked, and may cut the power there: "before" leaves nothing of it, "after" all,
// "torn" half of what a file would have gained, which littlefs does not do and a worse file system does.
import { topOf } from './images.mjs';
import { Ending } from './vm.mjs';

// Emscripten's error numbers are WASI's; MicroPython and mpremote know Linux's.
const LINUX = new Map([
  [1, 7], [2, 13], [6, 11], [8, 9], [10, 16], [20, 17], [21, 14], [22, 27], [27, 4], [28, 22], [29, 5], [31, 21],
  [33, 24], [37, 36], [43, 19], [44, 2], [48, 12], [51, 28], [52, 38], [54, 20], [55, 39], [58, 95], [59, 25], [63, 1],
  [64, 32], [69, 30], [70, 29], [75, 18],
]); // prettier-ignore
const CREATE = 0o100;
const TRUNCATE = 0o1000;
const NOT_FLASH = ['dev', 'proc']; // what Emscripten has in its root

export class Flash {
  constructor(vm) {
    this.vm = vm;
    this.kept = new Map(); // what files hold as long as what was written to them since is not
    this.on = false;
    this.changes = new Map(); // how often, by the first part of the path
  }

  hook(imports) {
    const { env, wasi_snapshot_preview1: wasi } = imports;
    const guarded = {
      __syscall_unlinkat: (at, name) => this.path(name),
      __syscall_rmdir: (name) => this.path(name),
      __syscall_mkdirat: (at, name) => this.path(name),
      __syscall_renameat: (at, name, _, other) => {
        this.changed(this.path(other));
        return this.path(name);
      },
    };
    for (const [name, call] of Object.entries(env)) {
      if (!name.startsWith('__syscall_')) continue;
      const where = guarded[name];
      env[name] = (...args) => translated(where ? this.whole(where(...args), () => call(...args)) : call(...args), -1);
    }
    const open = env.__syscall_openat;
    env.__syscall_openat = (at, name, flags, more) => {
      const file = this.path(name);
      const node = this.node(file);
      if (!node && flags & CREATE) return this.whole(file, () => open(at, name, flags, more));
      if (node && flags & TRUNCATE) this.keep(node);
      if (node && this.on) this.vm.images.opened(file);
      return open(at, name, flags, more);
    };
    const read = wasi.fd_read;
    wasi.fd_read = (fd, parts, count, total) => this.read(fd, parts, count, total) ?? translated(read(fd, parts, count, total), 1);
    for (const name of ['fd_close', 'fd_sync', 'fd_seek', 'fd_write']) {
      const call = wasi[name];
      wasi[name] = (fd, ...args) => {
        const node = fd > 2 ? this.vm.mp.FS.streams[fd]?.node : null;
        if (node && name === 'fd_write') this.keep(node);
        if (node && (name === 'fd_sync' || name === 'fd_close')) this.commit(node);
        return translated(call(fd, ...args), 1);
      };
    }
  }

  // As Emscripten's, for a file: modules are read in bits of 20 bytes. Undefined for what is none.
  read(fd, parts, count, total) {
    const stream = this.vm.mp.FS.streams[fd];
    const { contents, usedBytes } = stream?.node ?? {};
    if (!(contents instanceof Uint8Array)) return undefined;
    const memory = this.vm.bytes();
    const view = new DataView(memory.buffer);
    const before = stream.position;
    for (let part = parts; part < parts + 8 * count; part += 8) {
      const end = Math.min(stream.position + view.getUint32(part + 4, true), usedBytes);
      memory.set(contents.subarray(stream.position, end), view.getUint32(part, true));
      stream.position = Math.max(end, stream.position);
    }
    view.setUint32(total, stream.position - before, true);
    return 0;
  }

  begin() {
    const { FS } = this.vm.mp;
    for (const name of ['home/web_user', 'home', 'tmp']) FS.rmdir(`/${name}`);
    const { readdir } = FS;
    FS.readdir = (name) => readdir(name).filter((each) => name !== '/' || !NOT_FLASH.includes(each));
    this.on = true;
  }

  // The power went, or the chip was reset: what was not written is not there.
  lose() {
    const { FS } = this.vm.mp;
    for (const [node, contents] of this.kept) {
      set(node, contents);
      this.changed(FS.getPath(node));
    }
    this.kept.clear();
    for (let fd = 3; fd < FS.streams.length; fd += 1) if (FS.streams[fd]) FS.closeStream(fd);
    FS.chdir('/');
  }

  keep(node) {
    if (!this.on || this.kept.has(node) || !isFile(node)) return;
    this.kept.set(node, bytesOf(node));
    this.changed(this.vm.mp.FS.getPath(node));
  }

  changed(file) {
    const top = topOf(file);
    this.changes.set(top, (this.changes.get(top) ?? 0) + 1);
  }

  commit(node) {
    const before = this.kept.get(node);
    if (before === undefined) return;
    const after = bytesOf(node);
    const cut = this.vm.ask('write', node.name, after.length);
    if (cut === 'torn') this.kept.set(node, torn(before, after));
    else if (cut !== 'before') this.kept.delete(node);
    if (cut) throw this.cut();
  }

  whole(name, call) {
    if (!this.on) return call();
    this.changed(name);
    const cut = this.vm.ask('write', name, 0);
    if (cut && cut !== 'after') throw this.cut();
    const result = call();
    if (cut) throw this.cut();
    return result;
  }

  cut() {
    this.vm.ending = new Ending('cut');
    return this.vm.ending;
  }

  path(pointer) {
    const memory = this.vm.bytes();
    const name = Buffer.from(memory.subarray(pointer, memory.indexOf(0, pointer))).toString('utf8');
    return name.startsWith('/') ? name : `${this.vm.mp.FS.cwd()}/${name}`.replace('//', '/');
  }

  node(name) {
    const found = this.vm.mp.FS.analyzePath(name);
    return found.exists ? found.object : null;
  }

  // From outside: put a file (null: a folder) there, or read them all, as [path, latin1 or null].

  put(name, content) {
    const { FS } = this.vm.mp;
    this.changed(name);
    FS.mkdirTree(content === null ? name : name.slice(0, name.lastIndexOf('/')) || '/');
    if (content !== null) FS.writeFile(name, Buffer.from(content, 'latin1'));
  }

  all(folder = '', found = []) {
    const { FS } = this.vm.mp;
    for (const name of FS.readdir(folder || '/').sort()) {
      if (name === '.' || name === '..') continue;
      const full = `${folder}/${name}`;
      const { object } = FS.analyzePath(full);
      if (isFile(object)) {
        found.push([full, Buffer.from(this.kept.get(object) ?? bytesOf(object)).toString('latin1')]);
      } else {
        found.push([full, null]);
        this.all(full, found);
      }
    }
    return found;
  }
}

function translated(result, sign) {
  const known = LINUX.get(sign * result);
  return known === undefined ? result : sign * known;
}

const isFile = (node) => (node.mode & 0o170000) === 0o100000;
const bytesOf = (node) => Uint8Array.from(node.contents ?? []).slice(0, node.usedBytes); // a new file's is an array

function set(node, contents) {
  node.contents = contents;
  node.usedBytes = contents.length;
}

// Half of what is new: of an append the first half, else the first half of the new file.
function torn(before, after) {
  const grown = after.length > before.length && before.every((byte, at) => byte === after[at]);
  const from = grown ? before.length : 0;
  return after.slice(0, from + ((after.length - from) >> 1));
}
