// Run test files that both Pythons share on a MicroPython that traces lines, and say which lines of the node's code ran.
// usage: node coverage.mjs REPOSITORY SOURCES PACKAGE FILE...   (SOURCES: of the node, without what only mypy can read;
// PACKAGE: folder of the npm package that has micropython-settrace.wasm; FILE: relative to REPOSITORY)
// Prints, last, a line of JSON: {"passed", "failed": [name, …], "lines": {file: [line, …]}}.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CRYPTOLIB, files, write } from './vm.mjs';

const [repository, sources, folder, ...chosen] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(path.join(folder, 'micropython.mjs')));
let memory;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (...args) => {
  const made = await instantiate(...args);
  memory = Object.values((made.instance ?? made).exports).find((item) => item instanceof WebAssembly.Memory);
  return made;
};
const bytes = () => new Uint8Array(memory.buffer);
let line = '';
const mp = await loadMicroPython({
  url: path.join(folder, 'micropython-settrace.wasm'),
  heapsize: 16 << 20, // sources are compiled there
  stdout: (said) => {
    line = said;
  },
});
mp.registerJsModule('_aes', {
  ecb(encrypt, key, data, length) {
    const make = encrypt ? crypto.createCipheriv : crypto.createDecipheriv;
    const cipher = make('aes-128-ecb', bytes().slice(key, key + 16), null).setAutoPadding(false);
    bytes().set(cipher.update(bytes().slice(data, data + length)), data);
  },
});
write(mp, '/lib/cryptolib.py', CRYPTOLIB);
for (const [place, ending] of [
  ['tests/protocol', '.py'],
  ['tests/firmware', '.py'],
  ['tests/fakes', '.py'],
  ['tests/data', '.json'],
  ['simulator/chips', '.py'],
])
  for (const file of files(path.join(repository, place), ending))
    write(mp, `/${path.relative(repository, file)}`, fs.readFileSync(file));
for (const file of files(sources, '.py')) write(mp, `/${path.relative(sources, file)}`, fs.readFileSync(file));
write(mp, '/simulator/__init__.py', '');
// A tracer for each file, and none for others': every look at a frame costs as much as many lines of ours.
mp.runPython(`
import json, sys
sys.path.append("/")
seen = {}
tracers = {}
def follow(name):
    if not name.startswith("firmware/") and not name.startswith("/firmware/"):
        return None
    seen[name] = set()
    add = seen[name].add
    def local(frame, event, arg):
        add(frame.f_lineno)
        return local
    return local
def tracer(frame, event, arg):
    name = frame.f_code.co_filename
    if name not in tracers:
        tracers[name] = follow(name)
    return tracers[name]
`);
let passed = 0;
const failed = [];
function run(name, code) {
  try {
    mp.runPython(`sys.settrace(tracer)\n${code}\nsys.settrace(None)`);
    return true;
  } catch (error) {
    mp.runPython('sys.settrace(None)');
    failed.push(name);
    process.stderr.write(`${name}\n${error.message}\n`);
    return false;
  }
}
for (const file of chosen) {
  const module = file.replace(/\.py$/, '').replaceAll('/', '.');
  if (!run(module, `import ${module}\n_module = sys.modules["${module}"]`)) continue;
  // One call from outside for each test: this port frees memory only between such calls.
  for (const [, name] of fs.readFileSync(path.join(repository, file), 'utf8').matchAll(/^def (test_\w+)\(/gm))
    if (run(`${module}.${name}`, `_module.${name}()`)) passed += 1;
}
mp.runPython('print(json.dumps({name: sorted(lines) for name, lines in seen.items() if lines}))');
console.log(JSON.stringify({ passed, failed, lines: JSON.parse(line) }));
process.exit(0);
