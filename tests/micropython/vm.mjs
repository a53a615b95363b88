// One real MicroPython (the WebAssembly build) with the modules of an ESP32 that shared code needs.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { loadMicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs';

// The ESP32 port has ECB (mode 1) and no way to mix directions in one object; so has this one.
export const CRYPTOLIB = `
import _aes
from uctypes import addressof

class aes:
    def __init__(self, key, mode):
        if mode != 1:
            raise ValueError("mode")
        if len(key) != 16:
            raise ValueError("key")
        self._key = bytes(key)
        self._way = None

    def _run(self, way, data):
        if self._way not in (None, way):
            raise ValueError("can't encrypt & decrypt")
        if len(data) % 16:
            raise ValueError("blksize % 16")
        self._way = way
        out = bytearray(data)
        _aes.ecb(way, addressof(self._key), addressof(out), len(out))
        return bytes(out)

    def encrypt(self, data):
        return self._run(1, data)

    def decrypt(self, data):
        return self._run(0, data)
`;

// The package keeps its linear memory to itself; the instance it makes does not.
async function load(options) {
  let memory;
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...args) => {
    const made = await instantiate(...args);
    memory = Object.values((made.instance ?? made).exports).find((item) => item instanceof WebAssembly.Memory);
    return made;
  };
  try {
    const mp = await loadMicroPython(options);
    return { mp, bytes: () => new Uint8Array(memory.buffer) }; // made anew: the buffer moves when the heap grows
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

export async function boot(onLine) {
  const { mp, bytes } = await load({ heapsize: 1024 * 1024, linebuffer: true, stdout: onLine, stderr: onLine });
  mp.registerJsModule('_aes', {
    ecb(encrypt, key, data, length) {
      const make = encrypt ? crypto.createCipheriv : crypto.createDecipheriv;
      const cipher = make('aes-128-ecb', bytes().slice(key, key + 16), null).setAutoPadding(false);
      bytes().set(cipher.update(bytes().slice(data, data + length)), data);
    },
  });
  write(mp, '/lib/cryptolib.py', CRYPTOLIB);
  return mp;
}

export function write(mp, path, content) {
  path.split('/').slice(1, -1).reduce((parent, name) => {
    const folder = `${parent}/${name}`;
    if (!mp.FS.analyzePath(folder).exists) mp.FS.mkdir(folder);
    return folder;
  }, '');
  mp.FS.writeFile(path, content);
}

// Every file below a folder whose name ends so, in a fixed order.
export function files(folder, ending, found = []) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) files(full, ending, found);
    else if (entry.name.endsWith(ending)) found.push(full);
  }
  return found.sort();
}

// With the compiled modules, and of the tests what both Pythons share.
export async function bootWith(repository, compiled, onLine) {
  const mp = await boot(onLine);
  for (const file of files(compiled, '.mpy')) write(mp, `/${path.relative(compiled, file)}`, fs.readFileSync(file));
  for (const [folder, ending] of [['protocol', '.py'], ['firmware', '.py'], ['fakes', '.py'], ['data', '.json']])
    for (const file of files(path.join(repository, 'tests', folder), ending))
      write(mp, `/${path.relative(repository, file)}`, fs.readFileSync(file));
  // The simulated chips that drivers are tested against: not the node's code, so they stay sources.
  const house = path.join(import.meta.dirname, '../..');
  for (const file of [path.join(house, 'simulator/__init__.py'), ...files(path.join(house, 'simulator/chips'), '.py')])
    write(mp, `/${path.relative(house, file)}`, fs.readFileSync(file));
  mp.runPython('import sys\nsys.path.append("/")');
  return mp;
}
